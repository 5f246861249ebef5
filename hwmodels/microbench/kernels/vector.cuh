// SPDX-License-Identifier: Apache-2.0
// Eight bf16 values as one 16-byte access.
#pragma once

#include <cuda_bf16.h>

namespace microbench {

__device__ inline void load8(float (&x)[8], const __nv_bfloat16* in) {
    const uint4 words = *reinterpret_cast<const uint4*>(in);
    const auto* pairs = reinterpret_cast<const __nv_bfloat162*>(&words);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const float2 pair = __bfloat1622float2(pairs[i]);
        x[2 * i] = pair.x;
        x[2 * i + 1] = pair.y;
    }
}

__device__ inline void store8(__nv_bfloat16* out, const float (&x)[8]) {
    uint4 words;
    auto* pairs = reinterpret_cast<__nv_bfloat162*>(&words);
#pragma unroll
    for (int i = 0; i < 4; ++i) pairs[i] = __floats2bfloat162_rn(x[2 * i], x[2 * i + 1]);
    *reinterpret_cast<uint4*>(out) = words;
}

}   // namespace microbench
