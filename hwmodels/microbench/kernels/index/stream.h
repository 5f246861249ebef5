// SPDX-License-Identifier: Apache-2.0
// How the stream kernels walk memory: grid-stride over 16-byte vectors, four in flight, then a tail of single vectors.
#pragma once

#include "kernels/index/hd.h"

namespace microbench {

inline constexpr int stream_unroll = 4;

/// Vectors that thread `thread` of `threads` handles in unrolled steps start here and repeat every
/// threads * stream_unroll; element u of a step lies u * threads further.
[[nodiscard]] MB_HD constexpr long long stream_index(long long thread, long long threads, long long step,
                                                     int u) {
    return thread + threads * (step * stream_unroll + u);
}

/// Whole unrolled steps that stay below `vectors` for every thread.
[[nodiscard]] MB_HD constexpr long long stream_whole_steps(long long vectors, long long threads) {
    return vectors / (threads * stream_unroll);
}

/// First vector of the tail.
[[nodiscard]] MB_HD constexpr long long stream_tail(long long vectors, long long threads) {
    return stream_whole_steps(vectors, threads) * threads * stream_unroll;
}

}   // namespace microbench
