// SPDX-License-Identifier: Apache-2.0
// One-shot all-reduce: every rank reads the vectors of all ranks and adds them up itself. Where the flags lie.
#pragma once

#include "kernels/index/hd.h"

namespace microbench {

inline constexpr int one_shot_most_ranks = 8;
inline constexpr int one_shot_most_blocks = 64;
inline constexpr int one_shot_threads = 512;

/// Flag that block `block` of rank `from` raises in the memory of another rank.
[[nodiscard]] MB_HD constexpr int flag_index(int block, int from) {
    return block * one_shot_most_ranks + from;
}

/// Blocks for `vectors` vectors of 16 bytes: one vector a thread until the blocks run out.
[[nodiscard]] MB_HD constexpr int one_shot_blocks(long long vectors) {
    const long long blocks = ceil_div(vectors, one_shot_threads);
    return static_cast<int>(blocks < 1 ? 1 : blocks > one_shot_most_blocks ? one_shot_most_blocks : blocks);
}

/// The i-th rank that `rank` reads.
[[nodiscard]] MB_HD constexpr int read_order(int rank, int i, int ranks) { return (rank + i) % ranks; }

}   // namespace microbench
