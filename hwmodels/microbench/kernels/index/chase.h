// SPDX-License-Identifier: Apache-2.0
// A random cycle through all cache lines of a buffer: each load gives the place of the next.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "kernels/index/random.h"

namespace microbench {

inline constexpr std::uint64_t chase_stride = 128;   // bytes between places: one cache line

/// next[i] for `places` places: one cycle through all of them (Sattolo 1986).
[[nodiscard]] inline std::vector<std::uint64_t> random_cycle(std::uint64_t places, std::uint64_t seed) {
    std::vector<std::uint64_t> next(places);
    std::iota(next.begin(), next.end(), std::uint64_t{0});
    for (std::uint64_t i = places; i > 1; --i) std::swap(next[i - 1], next[random_bits(seed, i) % (i - 1)]);
    return next;
}

}   // namespace microbench
