// SPDX-License-Identifier: Apache-2.0
// Reductions over a block of at most 1024 threads; every thread gets the result.
#pragma once

namespace microbench {

struct Add {
    __device__ float operator()(float a, float b) const { return a + b; }
};
struct Larger {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

/// blockDim.x is 32 times a power of two. May be called again in the same kernel.
template <class Op>
__device__ float block_reduce(float x, Op op) {
    __shared__ float partial[32];
    for (int offset = 16; offset > 0; offset /= 2) x = op(x, __shfl_xor_sync(0xffffffffu, x, offset));
    const int warps = static_cast<int>(blockDim.x) / 32;
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = x;
    __syncthreads();
    // The partial results repeat along the lanes, so that every group of `warps` lanes reduces all of them.
    x = partial[static_cast<int>(threadIdx.x) % warps];
    for (int offset = warps / 2; offset > 0; offset /= 2) x = op(x, __shfl_xor_sync(0xffffffffu, x, offset));
    __syncthreads();
    return x;
}

}   // namespace microbench
