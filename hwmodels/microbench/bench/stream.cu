// SPDX-License-Identifier: Apache-2.0
// stream and l2: reads, copies and writes of memory and of the L2 cache.
#include "kernels/stream.h"

#include <cmath>

#include "bench/benches.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "kernels/cuda.h"
#include "kernels/index/random.h"

namespace microbench {
namespace {

constexpr std::uint64_t seed = 1;
constexpr std::uint32_t written = 0x3f8a5c71;

/// Sum of the 32-bit words of memory filled by fill_bytes, on the CPU.
unsigned long long expected_sum(long long bytes) {
    unsigned long long sum = 0;
    for (long long i = 0; i < bytes; ++i) {
        const std::uint64_t byte = random_bits(seed, static_cast<std::uint64_t>(i)) >> 56;
        sum += byte << (8 * (i % 4));
    }
    return sum;
}

struct Buffers {
    std::shared_ptr<std::uint8_t> source, target;
    std::shared_ptr<unsigned long long> sink;
};

/// A larger buffer is checked over its first part only: the same kernel with a shorter length, ragged on purpose.
constexpr long long checked_bytes = (1 << 20) + 48;

double read_error(const Buffers& b, long long bytes, int blocks) {
    const long long length = std::min(bytes, checked_bytes) / 16 * 16;
    check(cudaMemset(b.sink.get(), 0, sizeof(unsigned long long)), "clear the sum");
    launch_read(b.source.get(), length / 16, 1, b.sink.get(), blocks, nullptr);
    wait(nullptr);
    return download(b.sink.get(), 1)[0] == expected_sum(length) ? 0 : 2;
}

double copy_error(const Buffers& b, long long bytes, int blocks) {
    const long long length = std::min(bytes, checked_bytes) / 16 * 16;
    launch_copy(b.target.get(), b.source.get(), length / 16, blocks, nullptr);
    wait(nullptr);
    const auto copied = download(b.target.get(), static_cast<std::size_t>(length));
    for (std::size_t i = 0; i < copied.size(); ++i) {
        if (copied[i] != static_cast<std::uint8_t>(random_bits(seed, i) >> 56)) return 2;
    }
    return 0;
}

double write_error(const Buffers& b, long long bytes, int blocks) {
    const long long length = std::min(bytes, checked_bytes) / 16 * 16;
    launch_write(b.source.get(), written, length / 16, blocks, nullptr);
    wait(nullptr);
    const auto words = download(reinterpret_cast<const std::uint32_t*>(b.source.get()),
                                static_cast<std::size_t>(length / 4));
    for (const std::uint32_t word : words) {
        if (word != written) return 2;
    }
    return 0;
}

Buffers make_buffers(std::size_t bytes, bool two) {
    Buffers b{allocate_array<std::uint8_t>(bytes), nullptr, allocate_array<unsigned long long>(1)};
    if (two) b.target = allocate_array<std::uint8_t>(bytes);
    fill_bytes(b.source.get(), bytes, seed);
    check(cudaMemset(b.sink.get(), 0, sizeof(unsigned long long)), "clear the sum");
    return b;
}

}   // namespace

Prepared prepare_stream(const Case& c, const Device& device) {
    const std::string op = label(c, "op");
    const auto bytes = static_cast<long long>(dimension(c, "size"));
    const int blocks = device.multiprocessors * 4;
    Prepared p;
    p.copies = rotating_copies(c.work.bytes, device.l2_bytes);
    const Buffers b =
        make_buffers(static_cast<std::size_t>(bytes) * static_cast<std::size_t>(p.copies), op == "copy");
    p.memory = std::make_shared<Buffers>(b);
    if (op == "read") {
        p.launch = [b, bytes, blocks](Stream s, int copy) {
            launch_read(b.source.get() + copy * bytes, bytes / 16, 1, b.sink.get(), blocks, s);
        };
        p.error = [b, bytes, blocks] { return read_error(b, bytes, blocks); };
    } else if (op == "copy") {
        p.launch = [b, bytes, blocks](Stream s, int copy) {
            launch_copy(b.target.get() + copy * bytes, b.source.get() + copy * bytes, bytes / 16, blocks, s);
        };
        p.error = [b, bytes, blocks] { return copy_error(b, bytes, blocks); };
    } else {
        p.launch = [b, bytes, blocks](Stream s, int copy) {
            launch_write(b.source.get() + copy * bytes, written, bytes / 16, blocks, s);
        };
        p.error = [b, bytes, blocks] { return write_error(b, bytes, blocks); };
    }
    p.reference = "word by word against the generator of the operands, first MiB and a ragged tail";
    return p;
}

Prepared prepare_l2(const Case& c, const Device& device) {
    const auto bytes = static_cast<long long>(dimension(c, "footprint"));
    const int blocks = device.multiprocessors * 4;
    const auto passes = static_cast<int>(c.operations);
    const Buffers b = make_buffers(static_cast<std::size_t>(bytes), false);
    Prepared p;
    p.launch = [b, bytes, blocks, passes](Stream s, int) {
        launch_read(b.source.get(), bytes / 16, passes, b.sink.get(), blocks, s);
    };
    p.error = [b, bytes, blocks] { return read_error(b, bytes, blocks); };
    p.reference = "sum of all words against the generator of the operands, first MiB and a ragged tail";
    p.memory = std::make_shared<Buffers>(b);
    return p;
}

}   // namespace microbench
