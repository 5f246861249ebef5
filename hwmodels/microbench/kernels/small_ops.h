// SPDX-License-Identifier: Apache-2.0
// The small kernels of a layer in bf16. Widths are multiples of 8, heads have 128 elements.
#pragma once

#include <cuda_bf16.h>

#include "host/bench.h"

namespace microbench {

/// out = x / sqrt(mean x^2 + 1e-6) * weight, per token.
void launch_rmsnorm(__nv_bfloat16* out, const __nv_bfloat16* x, const __nv_bfloat16* weight, int tokens,
                    int width, Stream stream);
/// Rotates heads of 128 elements; `turns` holds (cosine, sine) at rope_pair(token, i).
void launch_rope(__nv_bfloat16* out, const __nv_bfloat16* x, const float2* turns, int tokens, int heads,
                 Stream stream);
/// out = silu(gate) * up; `in` holds gate and up of a token one after the other, `width` each.
void launch_silu_mul(__nv_bfloat16* out, const __nv_bfloat16* in, int tokens, int width, Stream stream);
/// Softmax over `experts` logits, the top_k largest (ties to the lower expert), weights scaled to the sum one.
void launch_router(int* ids, float* weights, const float* logits, int tokens, int experts, int top_k,
                   Stream stream);
/// Row permuted_row(token * top_k + j) of out is row `token` of x; `source` receives the token of each row.
void launch_permute(__nv_bfloat16* out, int* source, const __nv_bfloat16* x, int tokens, int width, int top_k,
                    Stream stream);

}   // namespace microbench
