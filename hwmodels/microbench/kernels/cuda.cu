// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda.h"
#include "kernels/index/number_format.h"
#include "kernels/index/random.h"

namespace microbench {
namespace {

template <class T, class Element>
__global__ void fill(T* out, std::size_t elements, Element element) {
    const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
    for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < elements;
         i += stride) {
        out[i] = element(i);
    }
}

struct RandomBf16 {
    std::uint64_t seed;
    float scale;
    __device__ __nv_bfloat16 operator()(std::size_t i) const {
        return __ushort_as_bfloat16(to_bf16(scale * random_uniform(seed, i)));
    }
};
struct RandomE4m3 {
    std::uint64_t seed;
    float scale;
    __device__ std::uint8_t operator()(std::size_t i) const {
        return to_e4m3(scale * random_uniform(seed, i));
    }
};
struct RandomByte {
    std::uint64_t seed;
    __device__ std::uint8_t operator()(std::size_t i) const {
        return static_cast<std::uint8_t>(random_bits(seed, i) >> 56);
    }
};

template <class T, class Element>
void launch_fill(T* device, std::size_t elements, Element element) {
    if (elements == 0) return;
    const auto blocks = static_cast<unsigned>(std::min<std::size_t>((elements + 255) / 256, 65535));
    fill<<<blocks, 256>>>(device, elements, element);
    check_launch("fill operands");
    wait(nullptr);
}

}   // namespace

void check(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    throw CudaError(std::string(what).append(": ").append(cudaGetErrorString(status)));
}

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
    int device = 0;
    check(cudaGetDevice(&device), "current device");
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes == 0 ? 1 : bytes);
    if (status == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();   // clears it: the next case starts clean
        throw SkipCase{std::string("not enough memory for ").append(std::to_string(bytes)).append(" bytes")};
    }
    check(status, "allocate");
    return {static_cast<std::byte*>(memory), [device](std::byte* p) {
                (void)cudaSetDevice(device);
                (void)cudaFree(p);
            }};
}

void fill_bf16(__nv_bfloat16* device, std::size_t elements, std::uint64_t seed, float scale) {
    launch_fill(device, elements, RandomBf16{seed, scale});
}
void fill_e4m3(std::uint8_t* device, std::size_t elements, std::uint64_t seed, float scale) {
    launch_fill(device, elements, RandomE4m3{seed, scale});
}
void fill_bytes(std::uint8_t* device, std::size_t elements, std::uint64_t seed) {
    launch_fill(device, elements, RandomByte{seed});
}

}   // namespace microbench
