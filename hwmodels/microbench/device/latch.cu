// SPDX-License-Identifier: Apache-2.0
#include "device/latch.h"

#include <algorithm>
#include <vector>

#include "kernels/cuda.h"

namespace microbench {
namespace {

constexpr unsigned long long give_up_ns = 2'000'000'000ULL;

__device__ unsigned long long global_timer() {
    unsigned long long ns = 0;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
    return ns;
}

__global__ void wait_for_host(volatile int* released, volatile int* gave_up) {
    const unsigned long long start = global_timer();
    while (*released == 0) {
        if (global_timer() - start > give_up_ns) {
            *gave_up = 1;
            return;
        }
        __nanosleep(100);
    }
}

}   // namespace

Latch::Latch() {
    void* memory = nullptr;
    check(cudaHostAlloc(&memory, sizeof(Flags), cudaHostAllocMapped), "allocate the latch");
    flags_ = {static_cast<volatile Flags*>(memory),
              [](volatile Flags* p) { (void)cudaFreeHost(const_cast<Flags*>(p)); }};
    flags_->released = 1;
}

void Latch::hold(Stream stream) {
    flags_->released = 0;
    flags_->gave_up = 0;
    // With unified addresses the device reads host memory by the same pointer.
    wait_for_host<<<1, 1, 0, stream>>>(&flags_->released, &flags_->gave_up);
    check_launch("latch");
}

void Latch::release() { flags_->released = 1; }

bool Latch::gave_up() const { return flags_->gave_up != 0; }

struct ClockStamp {
    long long cycles;
    unsigned long long ns;
    int run;
};

namespace {

__global__ void take_stamp(ClockStamp* stamps, int run) {
    unsigned multiprocessor = 0;
    asm volatile("mov.u32 %0, %%smid;" : "=r"(multiprocessor));
    ClockStamp& stamp = stamps[multiprocessor];
    stamp.cycles = clock64();
    stamp.ns = global_timer();
    stamp.run = run;
}

/// %smid may exceed the number of multiprocessors where some are switched off.
constexpr int most_multiprocessors = 512;

}   // namespace

ClockMeter::ClockMeter() {
    int device = 0;
    check(cudaGetDevice(&device), "current device");
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device),
          "number of multiprocessors");
    for (auto* stamps : {&before_, &after_}) {
        *stamps = allocate_array<ClockStamp>(most_multiprocessors);
        check(cudaMemset(stamps->get(), 0, most_multiprocessors * sizeof(ClockStamp)), "clear the stamps");
    }
}

void ClockMeter::stamp(ClockStamp* out, Stream stream) {
    // Two blocks for each multiprocessor: not every one gets a block of both stamps, but many do.
    take_stamp<<<static_cast<unsigned>(2 * multiprocessors_), 1, 0, stream>>>(out, run_);
    check_launch("clock stamp");
}

void ClockMeter::begin(Stream stream) {
    ++run_;
    stamp(before_.get(), stream);
}

void ClockMeter::end(Stream stream) { stamp(after_.get(), stream); }

double ClockMeter::mhz() const {
    const auto before = download(before_.get(), most_multiprocessors);
    const auto after = download(after_.get(), most_multiprocessors);
    std::vector<double> clocks;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i].run != run_ || after[i].run != run_ || after[i].ns <= before[i].ns) continue;
        clocks.push_back(1e3 * static_cast<double>(after[i].cycles - before[i].cycles) /
                         static_cast<double>(after[i].ns - before[i].ns));
    }
    if (clocks.empty()) return 0;
    std::nth_element(clocks.begin(), clocks.begin() + static_cast<std::ptrdiff_t>(clocks.size() / 2),
                     clocks.end());
    return clocks[clocks.size() / 2];
}

}   // namespace microbench
