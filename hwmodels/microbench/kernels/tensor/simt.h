// SPDX-License-Identifier: Apache-2.0
// What the tensor kernels are written in: a few instructions of "machine/simt.h", and what is built on them. The include
// path chooses the machine: kernels/tensor/ptx for nvcc; another folder may supply the same functions for a CPU, so that
// tests run the text of the kernels themselves. A machine defines MB_DEV, MB_UNROLL, MB_LOOP, MB_UNROLL_BY, Words,
// thread_index and its kin, barriers, shuffles, cp.async, ldmatrix, mma and conversions, as declared in ptx/machine/simt.h.
#pragma once

#include <cstdint>

#include "kernels/index/number_format.h"
#include "kernels/tensor/fragment_index.h"
#include "machine/simt.h"

namespace microbench::tensor {

MB_DEV float shuffle_xor(float value, int mask) {
    return bits_float(shuffle_xor_bits(float_bits(value), mask));
}

template <class T>
MB_DEV T& shared_at(int offset) {
    return *reinterpret_cast<T*>(shared_bytes() + offset);
}

/// Zeros in the accumulators of M x N fragments.
template <int M, int N>
MB_DEV void clear(float (&acc)[M][N][4]) {
    MB_UNROLL
    for (int m = 0; m < M; ++m) {
        MB_UNROLL
        for (int n = 0; n < N; ++n) {
            MB_UNROLL
            for (int i = 0; i < 4; ++i) acc[m][n][i] = 0;
        }
    }
}

/// Four lanes of a group hold words 0..3 each; afterwards lane p holds word p of the four lanes, in their order.
MB_DEV void transpose_group(std::uint32_t (&w)[4], int lane) {
    const bool odd = (lane & 1) != 0;
    const bool upper = (lane & 2) != 0;
    const std::uint32_t x0 = shuffle_xor_bits(odd ? w[0] : w[1], 1);
    const std::uint32_t x1 = shuffle_xor_bits(odd ? w[2] : w[3], 1);
    (odd ? w[0] : w[1]) = x0;
    (odd ? w[2] : w[3]) = x1;
    const std::uint32_t y0 = shuffle_xor_bits(upper ? w[0] : w[2], 2);
    const std::uint32_t y1 = shuffle_xor_bits(upper ? w[1] : w[3], 2);
    (upper ? w[0] : w[2]) = y0;
    (upper ? w[1] : w[3]) = y1;
}

/// Four e4m3 values as two pairs of bfloat16, exactly: the seven bits of exponent and mantissa are those of a bfloat16
/// scaled by 2^-120. `pairs` chooses which two bytes go to the low and high half of the first and second pair.
MB_DEV void expand_e4m3(std::uint32_t bytes, bool alternate, std::uint32_t& first, std::uint32_t& second) {
    const std::uint32_t x =
        choose_bytes(bytes, 0, alternate ? 0x2404u : 0x1404u);   // byte 0 and byte 1 (or 2)
    const std::uint32_t y = choose_bytes(bytes, 0, alternate ? 0x3414u : 0x3424u);   // the other two
    const std::uint32_t scale = 0x7B807B80u;                                         // 2^120 twice
    first = multiply_bf16((x & 0x80008000u) | ((x & 0x7F007F00u) >> 4), scale);
    second = multiply_bf16((y & 0x80008000u) | ((y & 0x7F007F00u) >> 4), scale);
}

}   // namespace microbench::tensor
