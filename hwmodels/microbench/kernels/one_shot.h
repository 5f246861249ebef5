// SPDX-License-Identifier: Apache-2.0
// One-shot all-reduce over peer memory, our own: the latency-bound form that engines use for small messages.
#pragma once

#include <cuda_bf16.h>

#include "host/bench.h"
#include "kernels/index/one_shot.h"

namespace microbench {

/// Addresses of all ranks, passed to every kernel by value.
struct OneShotPeers {
    const __nv_bfloat16* input[one_shot_most_ranks];
    unsigned* flags[one_shot_most_ranks];   // one_shot_most_blocks * one_shot_most_ranks, zero at first
};

/// Adds the bf16 inputs of all ranks in float32, by rank, into `output` of this rank; the same bits on every rank.
/// `epochs` (one for each block, zero at first) counts the calls. `failed` becomes 1 when a rank did not come within a
/// second. All ranks must run at the same time. `elements` is a multiple of 8.
void launch_one_shot(const OneShotPeers& peers, __nv_bfloat16* output, long long elements, unsigned* epochs,
                     int* failed, int rank, int ranks, Stream stream);

}   // namespace microbench
