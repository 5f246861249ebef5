// SPDX-License-Identifier: Apache-2.0
// Index arithmetic and single elements of the small kernels of a layer, for kernels and CPU references alike.
#pragma once

#include "kernels/index/hd.h"

namespace microbench {

/// Rotary embedding of half-split heads: element i of a head turns with element i + head_dim/2.
[[nodiscard]] MB_HD constexpr int rope_partner(int i, int head_dim) {
    return i < head_dim / 2 ? i + head_dim / 2 : i - head_dim / 2;
}
/// Place of the pair (cosine, sine) of element i in a table of head_dim/2 pairs for each position.
[[nodiscard]] MB_HD constexpr long long rope_pair(long long position, int i, int head_dim) {
    return position * (head_dim / 2) + i % (head_dim / 2);
}

/// Output row of the j-th copy of a token after permutation by expert: the token-expert pairs in a fixed random order.
/// An odd factor modulo a power of two is a bijection; walking its cycle until below `pairs` keeps it one.
[[nodiscard]] MB_HD constexpr long long permuted_row(long long pair, long long pairs) {
    long long size = 1;
    while (size < pairs) size *= 2;
    long long row = pair;
    do {
        row = (row * 0x9e3779b1LL + 12345) & (size - 1);
    } while (row >= pairs);
    return row;
}

}   // namespace microbench
