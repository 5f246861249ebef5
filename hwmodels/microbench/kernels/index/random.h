// SPDX-License-Identifier: Apache-2.0
// Random operands as a function of (seed, index): the device fills with it and the CPU reference recomputes any element
// of it, so that no operand is ever copied. Values use every mantissa bit, since constant data would draw less power.
#pragma once

#include <cstdint>

#include "kernels/index/hd.h"

namespace microbench {

/// Mixes 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
[[nodiscard]] MB_HD constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

[[nodiscard]] MB_HD constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
    return mix(mix(seed) ^ index);
}

/// Uniform in [-1, 1), 24 bits.
[[nodiscard]] MB_HD constexpr float random_uniform(std::uint64_t seed, std::uint64_t index) {
    const auto top = static_cast<std::int32_t>(random_bits(seed, index) >> 40);   // 24 bits
    return static_cast<float>(top - (1 << 23)) * (1.0f / (1 << 23));
}

}   // namespace microbench
