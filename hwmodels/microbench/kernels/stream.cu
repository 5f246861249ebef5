// SPDX-License-Identifier: Apache-2.0
#include "kernels/stream.h"

#include "kernels/cuda.h"
#include "kernels/index/stream.h"

namespace microbench {
namespace {

constexpr int threads_per_block = 512;

__device__ long long global_thread() { return static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ long long global_threads() { return static_cast<long long>(gridDim.x) * blockDim.x; }

__device__ unsigned long long sum_of(uint4 v) {
    return static_cast<unsigned long long>(v.x) + v.y + v.z + v.w;
}

__global__ void __launch_bounds__(threads_per_block)
    read_kernel(const uint4* __restrict__ source, long long vectors, int passes, unsigned long long* sink) {
    const long long thread = global_thread();
    const long long threads = global_threads();
    unsigned long long sum = 0;
    for (int pass = 0; pass < passes; ++pass) {
        const long long steps = stream_whole_steps(vectors, threads);
        for (long long step = 0; step < steps; ++step) {
            uint4 v[stream_unroll];
#pragma unroll
            for (int u = 0; u < stream_unroll; ++u)
                v[u] = __ldcg(source + stream_index(thread, threads, step, u));
#pragma unroll
            for (int u = 0; u < stream_unroll; ++u) sum += sum_of(v[u]);
        }
        for (long long i = stream_tail(vectors, threads) + thread; i < vectors; i += threads)
            sum += sum_of(__ldcg(source + i));
    }
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
    __shared__ unsigned long long partial[threads_per_block / 32];
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < threads_per_block / 32; ++w) sum += partial[w];
        atomicAdd(sink, sum);
    }
}

__global__ void __launch_bounds__(threads_per_block)
    copy_kernel(uint4* __restrict__ target, const uint4* __restrict__ source, long long vectors) {
    const long long thread = global_thread();
    const long long threads = global_threads();
    const long long steps = stream_whole_steps(vectors, threads);
    for (long long step = 0; step < steps; ++step) {
        uint4 v[stream_unroll];
#pragma unroll
        for (int u = 0; u < stream_unroll; ++u) v[u] = source[stream_index(thread, threads, step, u)];
#pragma unroll
        for (int u = 0; u < stream_unroll; ++u) target[stream_index(thread, threads, step, u)] = v[u];
    }
    for (long long i = stream_tail(vectors, threads) + thread; i < vectors; i += threads)
        target[i] = source[i];
}

__global__ void __launch_bounds__(threads_per_block)
    write_kernel(uint4* __restrict__ target, unsigned value, long long vectors) {
    const uint4 v = make_uint4(value, value, value, value);
    for (long long i = global_thread(); i < vectors; i += global_threads()) target[i] = v;
}

}   // namespace

void launch_read(const void* source, long long vectors, int passes, unsigned long long* sink, int blocks,
                 Stream stream) {
    read_kernel<<<static_cast<unsigned>(blocks), threads_per_block, 0, stream>>>(
        static_cast<const uint4*>(source), vectors, passes, sink);
    check_launch("read");
}

void launch_copy(void* target, const void* source, long long vectors, int blocks, Stream stream) {
    copy_kernel<<<static_cast<unsigned>(blocks), threads_per_block, 0, stream>>>(
        static_cast<uint4*>(target), static_cast<const uint4*>(source), vectors);
    check_launch("copy");
}

void launch_write(void* target, std::uint32_t value, long long vectors, int blocks, Stream stream) {
    write_kernel<<<static_cast<unsigned>(blocks), threads_per_block, 0, stream>>>(static_cast<uint4*>(target),
                                                                                  value, vectors);
    check_launch("write");
}

}   // namespace microbench
