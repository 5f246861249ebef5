// SPDX-License-Identifier: Apache-2.0
// clocks: the clock and the power that a device holds under steady load. The load runs for the seconds of the case
// before the first sample; each sample is a tenth of a second of it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "bench/benches.h"
#include "bench/gemm_operands.h"
#include "device/latch.h"
#include "device/nvml.h"
#include "device/resources.h"
#include "host/shape.h"
#include "kernels/cuda.h"
#include "kernels/probe.h"
#include "kernels/stream.h"

namespace microbench {
namespace {

constexpr double sample_us = 1e5;
constexpr int gemm_size = 8192;
constexpr int fma_steps = 1 << 16;

using Load = std::function<void(Stream)>;

/// Nothing on the device, for a tenth of a second.
void idle() { std::this_thread::sleep_for(std::chrono::microseconds(static_cast<int>(sample_us))); }

struct Loaded {
    Load load;   // empty: idle
    std::function<double()> error;
};

Loaded fma_load(const Device& device) {
    const int blocks = device.multiprocessors * 4;
    const auto out = allocate_array<float>(static_cast<std::size_t>(blocks) * fma_threads);
    const Load load = [out, blocks](Stream s) { launch_fma(out.get(), fma_steps, blocks, s); };
    return {load, [out, load] {
                load(nullptr);
                wait(nullptr);
                // Every chain tends to b / (1 - a).
                const double expected = 4 * static_cast<double>(fma_b) / (1 - static_cast<double>(fma_a));
                return std::abs(static_cast<double>(download(out.get(), 1)[0]) - expected) /
                       (expected * 1e-3);
            }};
}

Loaded read_load(const Device& device) {
    constexpr std::size_t bytes = std::size_t{1} << 30;
    const auto source = allocate_array<std::uint8_t>(bytes);
    check(cudaMemset(source.get(), 1, bytes), "fill");
    const auto sink = allocate_array<unsigned long long>(1);
    check(cudaMemset(sink.get(), 0, sizeof(unsigned long long)), "clear the sum");
    const int blocks = device.multiprocessors * 4;
    const Load load = [=](Stream s) { launch_read(source.get(), bytes / 16, 1, sink.get(), blocks, s); };
    return {load, [sink, load] {
                load(nullptr);
                wait(nullptr);
                return download(sink.get(), 1)[0] == (bytes / 4) * 0x01010101ULL ? 0.0 : 2.0;
            }};
}

Loaded gemm_load(const std::string& dtype) {
    const LtGemm gemm(gemm_size, gemm_size, gemm_size, dtype);
    const GemmData data(gemm_size, gemm_size, gemm_size, dtype, 1);
    const Load load = [gemm, data](Stream s) { gemm.run(data.operands(0), s); };
    return {load, [load, data] {
                load(nullptr);
                wait(nullptr);
                return data.error();
            }};
}

struct Session {
    Load load;
    PowerMeter power{0};
    ClockMeter clock;
    OwnedStream stream = make_stream();
    OwnedEvent start = make_event();
    OwnedEvent stop = make_event();
};

/// About a tenth of a second of load, its clock, and the power halfway.
Sample take(Session& x, int launches) {
    x.clock.begin(x.stream.get());
    check(cudaEventRecord(x.start.get(), x.stream.get()), "record an event");
    for (int i = 0; i < launches && x.load; ++i) x.load(x.stream.get());
    if (!x.load) idle();
    check(cudaEventRecord(x.stop.get(), x.stream.get()), "record an event");
    x.clock.end(x.stream.get());
    const double watts = x.power.watts();
    wait(x.stream.get());
    float ms = 0;
    check(cudaEventElapsedTime(&ms, x.start.get(), x.stop.get()), "time between events");
    return {std::max(1e3 * static_cast<double>(ms), 1e-3) / launches, x.clock.mhz(), watts};
}

Loaded loaded(const std::string& load, const Device& device) {
    if (load == "fma") return fma_load(device);
    if (load == "read") return read_load(device);
    if (load == "gemm") return gemm_load("bfloat16");
    if (load == "gemm_fp8") return gemm_load("fp8");
    return {{}, [] { return 0.0; }};
}

}   // namespace

Prepared prepare_clocks(const Case& c, const Device& device) {
    const Loaded work = loaded(label(c, "load"), device);
    const auto x = std::make_shared<Session>();
    x->load = work.load;
    Prepared p;
    p.error = [x, work, seconds = dimension(c, "seconds")] {
        const double error = work.error();
        double heated = 0;
        while (heated < seconds * 1e6) heated += std::max(take(*x, 1).time_us, 10.0);
        return error;
    };
    p.sample = [x, launches = 0]() mutable {
        if (launches == 0)
            launches = x->load ? static_cast<int>(std::max(1.0, sample_us / take(*x, 1).time_us)) : 1;
        return take(*x, launches);
    };
    p.reference = "the load itself: limit of the multiply-adds, sum of the bytes, float64 sums of the GEMM";
    return p;
}

}   // namespace microbench
