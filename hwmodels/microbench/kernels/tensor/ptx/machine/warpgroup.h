// SPDX-License-Identifier: Apache-2.0
// The multiplications of kernels/tensor/warpgroup.h in PTX: sm_90a, and a trap for other architectures.
#pragma once

#include "kernels/tensor/warpgroup_layout.h"
#include "machine/simt.h"

namespace microbench::tensor {

#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool compiled_for_warpgroups = true;
#else
constexpr bool compiled_for_warpgroups = false;
#endif

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

// Registers of the sums: names in the text of an instruction, operands of it.
#define MB_NAMES_32                                                                                        \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, " \
    "%22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define MB_NAMES_64                                                                                     \
    MB_NAMES_32                                                                                         \
    ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, " \
    "%51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define MB_NAMES_128                                                                                    \
    MB_NAMES_64                                                                                         \
    ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, " \
    "%83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, %98, %99, %100, %101, " \
    "%102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, "  \
    "%118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define MB_SUMS(j) "+f"(acc[j][0]), "+f"(acc[j][1]), "+f"(acc[j][2]), "+f"(acc[j][3])
#define MB_SUMS_32(j)                                                                           \
    MB_SUMS(j), MB_SUMS(j + 1), MB_SUMS(j + 2), MB_SUMS(j + 3), MB_SUMS(j + 4), MB_SUMS(j + 5), \
        MB_SUMS(j + 6), MB_SUMS(j + 7)
#define MB_SUMS_64(j) MB_SUMS_32(j), MB_SUMS_32(j + 8)
#define MB_SUMS_128(j) MB_SUMS_64(j), MB_SUMS_64(j + 16)

/// acc = A B^T, added to acc where `accumulate`, both K-major in shared memory. Asynchronous: see above.
template <bool Bytes>
MB_DEV void multiply_warpgroup(WarpgroupSums<256>& acc, std::uint64_t a, std::uint64_t b, bool accumulate) {
#define MB_MULTIPLY(instruction, transposes)                                                 \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n" instruction " {" MB_NAMES_128 \
                 "}, %128, %129, p, 1, 1" transposes ";\n}\n"                                \
                 : MB_SUMS_128(0)                                                            \
                 : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)))
    if constexpr (Bytes) {
        MB_MULTIPLY("wgmma.mma_async.sync.aligned.m64n256k32.f32.e4m3.e4m3", "");
    } else {
        MB_MULTIPLY("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16", ", 0, 0");
    }
#undef MB_MULTIPLY
}
template <bool Bytes>
MB_DEV void multiply_warpgroup(WarpgroupSums<128>& acc, std::uint64_t a, std::uint64_t b, bool accumulate) {
    static_assert(!Bytes);
    asm volatile(
        "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
        "{" MB_NAMES_64 "}, %64, %65, p, 1, 1, 0, 0;\n}\n"
        : MB_SUMS_64(0)
        : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)));
}

/// acc += A B of bfloat16, A in registers, B MN-major in shared memory.
MB_DEV void multiply_registers(WarpgroupSums<128>& acc, const std::uint32_t (&a)[4], std::uint64_t b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" MB_NAMES_64
                 "}, {%64, %65, %66, %67}, %68, 1, 1, 1, 1;\n"
                 : MB_SUMS_64(0)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
MB_DEV void multiply_registers(WarpgroupSums<64>& acc, const std::uint32_t (&a)[4], std::uint64_t b) {
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" MB_NAMES_32
                 "}, {%32, %33, %34, %35}, %36, 1, 1, 1, 1;\n"
                 : MB_SUMS_32(0)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
#undef MB_SUMS_128
#undef MB_SUMS_64
#undef MB_SUMS_32
#undef MB_SUMS
#undef MB_NAMES_128
#undef MB_NAMES_64
#undef MB_NAMES_32

MB_DEV void warpgroup_fence() { asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory"); }
MB_DEV void commit_multiplies() { asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory"); }
/// All but the last `Pending` groups are complete.
template <int Pending>
MB_DEV void wait_multiplies() {
    asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(Pending) : "memory");
}
/// What this thread wrote to shared memory, copies it waited for included, is seen by multiplications after a barrier.
MB_DEV void fence_async_proxy() { asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory"); }

#else   // no such instructions: never reached, since the benches skip

template <bool Bytes, int Groups>
MB_DEV void multiply_warpgroup(float (&)[Groups][4], std::uint64_t, std::uint64_t, bool) {
    __trap();
}
template <int Groups>
MB_DEV void multiply_registers(float (&)[Groups][4], const std::uint32_t (&)[4], std::uint64_t) {
    __trap();
}
MB_DEV void warpgroup_fence() {}
MB_DEV void commit_multiplies() {}
template <int Pending>
MB_DEV void wait_multiplies() {}
MB_DEV void fence_async_proxy() {}

#endif

/// Warpgroup of this thread; the same for its whole warp, which the compiler cannot see from the thread index.
MB_DEV int warpgroup_index() { return __shfl_sync(0xFFFFFFFFu, thread_index() / warpgroup_lanes, 0); }

/// Ties registers to this place: no use of them moves up across the wait before it.
template <int Groups>
MB_DEV void hold(float (&acc)[Groups][4]) {
    MB_UNROLL
    for (int j = 0; j < Groups; ++j) {
        asm volatile("" : "+f"(acc[j][0]), "+f"(acc[j][1]), "+f"(acc[j][2]), "+f"(acc[j][3])::"memory");
    }
}

}   // namespace microbench::tensor
