// SPDX-License-Identifier: Apache-2.0
// State of the emulator for asynchronous multiplications: what of shared memory they may read, and what is in flight.
// What threads write (copies included, once waited for) is read by multiplications only after fence.proxy.async of the
// writer and then a barrier; what a pending multiplication reads must not be written.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/tensor/fragment_index.h"

namespace microbench::tensor::emulator::detail {

enum class Sight : unsigned char { never_written, in_flight, not_fenced, no_barrier, ready };

/// A chunk of 16 bytes of shared memory.
struct Chunk {
    Sight sight = Sight::never_written;
    int writer = 0;
    int readers = 0;   // pending multiplications
};

struct AsyncProxy {
    std::vector<Chunk> chunks;
    std::vector<std::vector<int>> written;   // by each thread since its last fence
    std::vector<int> fenced;                 // since the last barrier
};

inline void reset(AsyncProxy& proxy, int shared_bytes, int threads) {
    proxy.chunks.assign(static_cast<std::size_t>(shared_bytes / chunk_bytes), {});
    proxy.written.assign(static_cast<std::size_t>(threads), {});
    proxy.fenced.clear();
}

/// A copy that lands later: until then the chunk is undefined.
inline void note_copy(AsyncProxy& proxy, int offset) {
    proxy.chunks[static_cast<std::size_t>(offset / chunk_bytes)].sight = Sight::in_flight;
}

inline void note_write(AsyncProxy& proxy, int offset, int thread) {
    const int index = offset / chunk_bytes;
    Chunk& chunk = proxy.chunks[static_cast<std::size_t>(index)];
    chunk.sight = Sight::not_fenced;
    chunk.writer = thread;
    proxy.written[static_cast<std::size_t>(thread)].push_back(index);
}

inline void note_fence(AsyncProxy& proxy, int thread) {
    auto& written = proxy.written[static_cast<std::size_t>(thread)];
    for (const int index : written) {
        Chunk& chunk = proxy.chunks[static_cast<std::size_t>(index)];
        if (chunk.writer != thread || chunk.sight != Sight::not_fenced) continue;
        chunk.sight = Sight::no_barrier;
        proxy.fenced.push_back(index);
    }
    written.clear();
}

inline void note_barrier(AsyncProxy& proxy) {
    for (const int index : proxy.fenced) {
        Sight& sight = proxy.chunks[static_cast<std::size_t>(index)].sight;
        if (sight == Sight::no_barrier) sight = Sight::ready;
    }
    proxy.fenced.clear();
}

inline bool is_pending(const AsyncProxy& proxy, int offset) {
    return proxy.chunks[static_cast<std::size_t>(offset / chunk_bytes)].readers > 0;
}

/// Lanes that meet at an instruction: how many are there, and at which.
struct Meeting {
    int arrived = 0;
    void (*executing)(void**) = nullptr;
};

/// Sums that pending multiplications add to: kept here until the last of them is waited for.
struct PendingSums {
    float* of_lane[4 * warp_lanes] = {};
    int columns = 0;
    int pending = 0;
    std::vector<float> values;   // 64 x columns
};

/// Registers of A of 128 lanes, four each, and what they held when the multiplication was issued.
struct Registers {
    std::vector<const std::uint32_t*> of_lane;
    std::vector<std::uint32_t> words;
};

struct PendingMultiply {
    std::size_t sums = 0;   // index into Warpgroup::sums
    std::uint64_t a = 0, b = 0;
    bool accumulate = false;
    bool bytes = false;
    Registers registers{};   // not empty: instead of a, and the rows of b are K
    bool executed = false;
    [[nodiscard]] bool has_registers() const { return !registers.of_lane.empty(); }
};

struct Warpgroup {
    Meeting meeting;
    bool fenced = false;                                   // since sums were last handed back
    std::vector<std::vector<PendingMultiply>> groups{1};   // oldest first; the last is open
    std::vector<PendingSums> sums;
};

inline bool has_pending(const Warpgroup& group) {
    return group.groups.size() > 1 || !group.groups[0].empty();
}

}   // namespace microbench::tensor::emulator::detail
