// SPDX-License-Identifier: Apache-2.0
#include "kernels/probe.h"

#include "kernels/cuda.h"
#include "kernels/index/chase.h"

namespace microbench {
namespace {

__global__ void chase(const std::uint64_t* links, std::uint64_t* place, int hops) {
    std::uint64_t at = *place;
    for (int i = 0; i < hops; ++i) at = __ldca(links + at * (chase_stride / sizeof(std::uint64_t)));
    *place = at;
}

__global__ void empty(unsigned long long* counter) {
#if __CUDA_ARCH__ >= 900
    cudaTriggerProgrammaticLaunchCompletion();
    cudaGridDependencySynchronize();
#endif
    if (counter != nullptr) atomicAdd(counter, 1ULL);
}

__global__ void __launch_bounds__(fma_threads) fma_kernel(float* out, int steps) {
    float x[4] = {0.1f, 0.2f, 0.3f, 0.4f};   // four chains keep the unit busy
    for (int i = 0; i < steps; ++i) {
#pragma unroll
        for (float& v : x) v = fmaf(v, fma_a, fma_b);
    }
    out[static_cast<std::size_t>(blockIdx.x) * fma_threads + threadIdx.x] = x[0] + x[1] + x[2] + x[3];
}

}   // namespace

void launch_chase(const std::uint64_t* links, std::uint64_t* place, int hops, Stream stream) {
    chase<<<1, 1, 0, stream>>>(links, place, hops);
    check_launch("chase");
}

void launch_empty(unsigned long long* counter, bool dependent, Stream stream) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(1);
    config.blockDim = dim3(32);
    config.stream = stream;
    cudaLaunchAttribute attribute{};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    config.attrs = &attribute;
    config.numAttrs = dependent ? 1 : 0;
    check(cudaLaunchKernelEx(&config, empty, counter), "empty kernel");
}

void launch_fma(float* out, int steps, int blocks, Stream stream) {
    fma_kernel<<<static_cast<unsigned>(blocks), fma_threads, 0, stream>>>(out, steps);
    check_launch("fma");
}

}   // namespace microbench
