// SPDX-License-Identifier: Apache-2.0
// The instructions of kernels/tensor/simt.h in PTX, for nvcc. Shared memory is addressed by byte offsets.
#pragma once

#include <cstdint>

#include "kernels/index/number_format.h"
#include "kernels/tensor/fragment_index.h"

#define MB_DEV __device__ __forceinline__
#define MB_UNROLL _Pragma("unroll")
#define MB_LOOP _Pragma("unroll 1")
#define MB_PRAGMA(text) _Pragma(#text)
#define MB_UNROLL_BY(count) MB_PRAGMA(unroll(count))

namespace microbench::tensor {

extern __shared__ __align__(1024) unsigned char tensor_shared_memory[];

MB_DEV int thread_index() { return static_cast<int>(threadIdx.x); }
MB_DEV int thread_count() { return static_cast<int>(blockDim.x); }
MB_DEV int block_x() { return static_cast<int>(blockIdx.x); }
MB_DEV int block_y() { return static_cast<int>(blockIdx.y); }
MB_DEV int block_z() { return static_cast<int>(blockIdx.z); }
MB_DEV int grid_x() { return static_cast<int>(gridDim.x); }
MB_DEV unsigned char* shared_bytes() { return tensor_shared_memory; }
MB_DEV void sync_block() { __syncthreads(); }
MB_DEV void sync_warp() { __syncwarp(); }
MB_DEV int atomic_add(int* where, int what) { return atomicAdd(where, what); }
MB_DEV std::uint32_t shuffle_xor_bits(std::uint32_t value, int mask) {
    return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
}
MB_DEV int shuffle_up(int value, int delta) {
    return __shfl_up_sync(0xFFFFFFFFu, value, static_cast<unsigned>(delta));
}

MB_DEV std::uint32_t shared_address(int offset) {
    return static_cast<std::uint32_t>(__cvta_generic_to_shared(tensor_shared_memory)) +
           static_cast<std::uint32_t>(offset);
}

/// 16 bytes from global to shared memory, zeros where not valid (`source` must be an address all the same).
MB_DEV void copy_async(int offset, const void* source, bool valid) {
    const int bytes = valid ? chunk_bytes : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(offset)), "l"(source),
                 "r"(bytes)
                 : "memory");
}
MB_DEV void commit_copies() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
template <int Pending>
MB_DEV void wait_copies() {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(Pending) : "memory");
}

MB_DEV void load_matrices(std::uint32_t (&r)[4], int offset) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(offset))
                 : "memory");
}
MB_DEV void load_matrices_transposed(std::uint32_t (&r)[4], int offset) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(offset))
                 : "memory");
}

MB_DEV void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// e4m3 x e4m3: from compute capability 8.9; never reached below (the benches skip), so a trap.
MB_DEV void mma_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
    d[0] = static_cast<float>(a[0] + a[1] + a[2] + a[3] + b0 + b1);
    __trap();
#endif
}

MB_DEV float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
    return y;
}
MB_DEV float log2_fast(float x) { return __log2f(x); }
MB_DEV float reciprocal(float x) { return __frcp_rn(x); }

/// Two floats as bfloat16 pair, `low` in the low half.
MB_DEV std::uint32_t pack_bf16(float low, float high) {
    std::uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

/// Two floats as e4m3, `low` in the low byte.
MB_DEV std::uint16_t pack_e4m3(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
    std::uint16_t pair;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;\n" : "=h"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return static_cast<std::uint16_t>(to_e4m3(low) | (to_e4m3(high) << 8));
#endif
}

/// Bytes of x (0..3) and y (4..7) chosen by the four nibbles of `order`, lowest first.
MB_DEV std::uint32_t choose_bytes(std::uint32_t x, std::uint32_t y, std::uint32_t order) {
    return __byte_perm(x, y, order);
}

/// Product of two pairs of bfloat16.
MB_DEV std::uint32_t multiply_bf16(std::uint32_t x, std::uint32_t y) {
    std::uint32_t product;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;\n" : "=r"(product) : "r"(x), "r"(y), "r"(0x80008000u));
    return product;
}

struct alignas(16) Words {
    std::uint32_t w[4];
};

}   // namespace microbench::tensor
