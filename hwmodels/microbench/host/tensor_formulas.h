// SPDX-License-Identifier: Apache-2.0
// Work of expert layers whose routing is known: the pairs and experts of one rank, not those of a balanced batch
// (host/formulas.h has the rest). A multiply-add is 2 FLOP.
#pragma once

#include "host/bench.h"

namespace microbench {

/// One rank of a gated expert layer: `pairs` token-expert pairs on `distinct` of its experts; every rank reads and
/// writes all `tokens`. inter: width of an expert on this rank; w: bytes of an element of the weights.
///   FLOP  6 pairs hidden inter
///   bytes 3 w distinct hidden inter + 4 tokens hidden
[[nodiscard]] constexpr Work moe_rank_work(double pairs, double distinct, double tokens, double hidden,
                                           double inter, double w) {
    return {6 * pairs * hidden * inter, 3 * w * distinct * hidden * inter + 4 * tokens * hidden};
}

/// `experts` matrices of n x k, `rows` rows on each: operands of w bytes, result of 2.
///   FLOP  2 experts rows n k
///   bytes w experts (n k + rows k) + 2 experts rows n
[[nodiscard]] constexpr Work grouped_gemm_work(double experts, double rows, double n, double k, double w) {
    return {2 * experts * rows * n * k, w * experts * (n * k + rows * k) + 2 * experts * rows * n};
}

}   // namespace microbench
