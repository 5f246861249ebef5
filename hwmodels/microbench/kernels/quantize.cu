// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize.h"

#include <cuda_fp8.h>

#include "kernels/cuda.h"
#include "kernels/index/block_scale.h"
#include "kernels/reduce.cuh"
#include "kernels/vector.cuh"

namespace microbench {
namespace {

constexpr int threads = 256;

/// to_e4m3 in hardware where there is some: the same rounding.
__device__ std::uint8_t convert_e4m3(float x) {
#if __CUDA_ARCH__ >= 890
    return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
#else
    return to_e4m3(x);
#endif
}

__device__ void store_e4m3(std::uint8_t* out, const float (&x)[8]) {
    std::uint32_t word[2] = {0, 0};
#pragma unroll
    for (int i = 0; i < 8; ++i)
        word[i / 4] |= static_cast<std::uint32_t>(convert_e4m3(x[i])) << (8 * (i % 4));
    *reinterpret_cast<uint2*>(out) = make_uint2(word[0], word[1]);
}

__global__ void quantize_tokens(std::uint8_t* out, float* scale, const __nv_bfloat16* in, int width) {
    const std::size_t row = static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(width);
    const int first = 8 * static_cast<int>(threadIdx.x);
    float x[8];
    float largest = 0;
    for (int i = first; i < width; i += 8 * threads) {
        load8(x, in + row + i);
#pragma unroll
        for (int j = 0; j < 8; ++j) largest = fmaxf(largest, fabsf(x[j]));
    }
    largest = block_reduce(largest, Larger{});
    const float s = largest > 0 ? largest / 448.0f : 1.0f;
    for (int i = first; i < width; i += 8 * threads) {
        load8(x, in + row + i);
#pragma unroll
        for (int j = 0; j < 8; ++j) x[j] /= s;
        store_e4m3(out + row + i, x);
    }
    if (threadIdx.x == 0) scale[blockIdx.x] = s;
}

__global__ void cast_e4m3(std::uint8_t* out, const __nv_bfloat16* in, long long elements) {
    const long long step = 8LL * gridDim.x * threads;
    float x[8];
    for (long long i = 8 * (static_cast<long long>(blockIdx.x) * threads + threadIdx.x); i < elements;
         i += step) {
        load8(x, in + i);
        store_e4m3(out + i, x);
    }
}

__global__ void quantize_fp4(std::uint8_t* codes, std::uint8_t* scales, const __nv_bfloat16* in, int rows,
                             int columns) {
    const long long blocks = columns / fp4_block;
    const long long all = rows * blocks;
    const long long step = static_cast<long long>(gridDim.x) * threads;
    for (long long b = static_cast<long long>(blockIdx.x) * threads + threadIdx.x; b < all; b += step) {
        float x[fp4_block];
        float largest = 0;
#pragma unroll
        for (int i = 0; i < fp4_block; ++i) {
            x[i] = __bfloat162float(in[b * fp4_block + i]);
            largest = fmaxf(largest, fabsf(x[i]));
        }
        const std::uint8_t scale = block_scale(largest);
        const float s = from_e4m3(scale);
        const float inverse = s > 0 ? 1.0f / s : 0.0f;
#pragma unroll
        for (int i = 0; i < fp4_block; i += 2) {
            const unsigned low = to_e2m1(x[i] * inverse);
            const unsigned high = to_e2m1(x[i + 1] * inverse);
            codes[(b * fp4_block + i) / 2] = static_cast<std::uint8_t>(low | high << 4);
        }
        scales[scale_index(b / blocks, b % blocks, blocks)] = scale;
    }
}

unsigned blocks_for(long long items) {
    return static_cast<unsigned>(ceil_div(items, threads) < 65535 ? ceil_div(items, threads) : 65535);
}

}   // namespace

void launch_quantize_tokens(std::uint8_t* out, float* scale, const __nv_bfloat16* in, int tokens, int width,
                            Stream stream) {
    quantize_tokens<<<static_cast<unsigned>(tokens), threads, 0, stream>>>(out, scale, in, width);
    check_launch("quantize");
}
void launch_cast_e4m3(std::uint8_t* out, const __nv_bfloat16* in, long long elements, Stream stream) {
    cast_e4m3<<<blocks_for(elements / 8), threads, 0, stream>>>(out, in, elements);
    check_launch("cast to fp8");
}
void launch_quantize_fp4(std::uint8_t* codes, std::uint8_t* scales, const __nv_bfloat16* in, int rows,
                         int columns, Stream stream) {
    quantize_fp4<<<blocks_for(static_cast<long long>(rows) * columns / fp4_block), threads, 0, stream>>>(
        codes, scales, in, rows, columns);
    check_launch("quantize to fp4");
}

}   // namespace microbench
