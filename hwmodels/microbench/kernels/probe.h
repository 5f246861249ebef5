// SPDX-License-Identifier: Apache-2.0
// Kernels that measure the machine rather than compute: dependent loads, nothing at all, multiply-adds.
#pragma once

#include <cstdint>

#include "host/bench.h"

namespace microbench {

/// Follows `hops` links from *place and leaves it at the last one. Link i lies at byte i * chase_stride.
void launch_chase(const std::uint64_t* links, std::uint64_t* place, int hops, Stream stream);

/// Does nothing, or adds one to *counter where it is not null. `dependent`: may begin before the kernel before it in the
/// stream has ended (programmatic dependent launch, compute capability 9.0 and up).
void launch_empty(unsigned long long* counter, bool dependent, Stream stream);

/// `steps` dependent multiply-adds in every thread of a full device: out[thread] = x after x = x * a + b.
void launch_fma(float* out, int steps, int blocks, Stream stream);
inline constexpr int fma_threads = 512;
inline constexpr float fma_a = 0.999f;
inline constexpr float fma_b = 0.5f;

}   // namespace microbench
