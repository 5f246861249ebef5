// SPDX-License-Identifier: Apache-2.0
// Activations from bf16 to what tensor cores multiply.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "host/bench.h"

namespace microbench {

// Widths and numbers of elements are multiples of 8 (16 for nvfp4), pointers aligned to 16 bytes.

/// Per token: scale[t] = max |x| / 448, out = e4m3(x / scale).
void launch_quantize_tokens(std::uint8_t* out, float* scale, const __nv_bfloat16* in, int tokens, int width,
                            Stream stream);
/// out = e4m3(x): a static scale of one.
void launch_cast_e4m3(std::uint8_t* out, const __nv_bfloat16* in, long long elements, Stream stream);
/// NVFP4: two codes a byte (the even element in the low half), scales at scale_index.
void launch_quantize_fp4(std::uint8_t* codes, std::uint8_t* scales, const __nv_bfloat16* in, int rows,
                         int columns, Stream stream);

}   // namespace microbench
