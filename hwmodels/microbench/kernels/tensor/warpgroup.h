// SPDX-License-Identifier: Apache-2.0
// Multiplications that a warpgroup (four warps) issues together and that run asynchronously: wgmma.mma_async of compute
// capability 9.0, m64n256 with float sums, A and B in shared memory, rows of 128 bytes, K contiguous, 128-byte swizzle.
// PTX under nvcc for sm_90a (a trap for other architectures), the emulator of warpgroup_emulator.h elsewhere.
//
// Order of calls: wait_copies, fence_async_proxy, sync_block; warpgroup_fence, multiply_warpgroup ..., commit_multiplies,
// wait_multiplies before the operands are overwritten or the sums are touched.
// Sums of a thread, both types (PTX ISA 9.x, "Matrix Fragments for wgmma.mma_async.m64nNk16" and "... k32", matrix D):
//   acc[j][2 half + i]: row 16 warp + lane / 4 + 8 half, column 8 j + 2 (lane % 4) + i
#pragma once

#include "kernels/tensor/simt.h"

#if !defined(__CUDACC__)
#include "kernels/tensor/warpgroup_emulator.h"
#endif

namespace microbench::tensor {

constexpr int warpgroup_lanes = 4 * warp_lanes;
constexpr int warpgroup_rows = 64;   // of A and of the sums, for one multiplication
constexpr int warpgroup_columns = 256;
constexpr int warpgroup_depth = 32;        // bytes of K of one multiplication: 16 of bfloat16, 32 of e4m3
constexpr int swizzle_atom_bytes = 1024;   // 8 rows of 128 bytes: operands begin at multiples of it
using WarpgroupSums = float[warpgroup_columns / 8][4];

/// Field of a descriptor: an address or offset in units of 16 bytes.
MB_HD constexpr std::uint64_t descriptor_field(std::uint32_t bytes) { return (bytes & 0x3FFFFu) >> 4; }

/// Descriptor ("Matrix Descriptor Format") of rows of 128 bytes at a shared address: bits 0-13 start, 16-29 leading offset
/// (not used by swizzled layouts with K contiguous: 1), 32-45 stride from 8 rows to the next 8, 49-51 base offset (0:
/// operands begin at a multiple of 1024), 62-63 swizzle (1: 128 bytes).
MB_HD constexpr std::uint64_t matrix_descriptor(std::uint32_t address) {
    return descriptor_field(address) | std::uint64_t{1} << 16 | descriptor_field(swizzle_atom_bytes) << 32 |
           std::uint64_t{1} << 62;
}

/// The same operand `step` multiplications further along K, inside the 128 bytes of a row.
MB_HD constexpr std::uint64_t advanced(std::uint64_t descriptor, int step) {
    return descriptor + descriptor_field(warpgroup_depth) * static_cast<std::uint64_t>(step);
}

#if defined(__CUDACC__)

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

#define MB_SUMS(j) "+f"(acc[j][0]), "+f"(acc[j][1]), "+f"(acc[j][2]), "+f"(acc[j][3])
#define MB_SUMS_4(j) MB_SUMS(j), MB_SUMS(j + 1), MB_SUMS(j + 2), MB_SUMS(j + 3)
#define MB_SUMS_16(j) MB_SUMS_4(j), MB_SUMS_4(j + 4), MB_SUMS_4(j + 8), MB_SUMS_4(j + 12)
#define MB_MULTIPLY_256(instruction, transposes)                                                            \
    asm volatile(                                                                                           \
        "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n" instruction                                           \
        " {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, " \
        "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, "   \
        "%40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, "   \
        "%59, %60, %61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, "   \
        "%78, %79, %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, "   \
        "%97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, "     \
        "%113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127}, "       \
        "%128, %129, p, 1, 1" transposes ";\n}\n"                                                           \
        : MB_SUMS_16(0), MB_SUMS_16(16)                                                                     \
        : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)))

/// acc = A B^T, added to acc where `accumulate`. Asynchronous: see above.
template <bool Bytes>
MB_DEV void multiply_warpgroup(WarpgroupSums& acc, std::uint64_t a, std::uint64_t b, bool accumulate) {
    if constexpr (Bytes) {
        MB_MULTIPLY_256("wgmma.mma_async.sync.aligned.m64n256k32.f32.e4m3.e4m3", "");
    } else {
        MB_MULTIPLY_256("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16", ", 0, 0");
    }
}
#undef MB_MULTIPLY_256
#undef MB_SUMS_16
#undef MB_SUMS_4
#undef MB_SUMS

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

template <bool Bytes>
MB_DEV void multiply_warpgroup(WarpgroupSums&, std::uint64_t, std::uint64_t, bool) {
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

/// Ties the sums to this place: no use of them moves up across the wait before it.
MB_DEV void hold(WarpgroupSums& acc) {
    MB_UNROLL
    for (int j = 0; j < warpgroup_columns / 8; ++j) {
        asm volatile("" : "+f"(acc[j][0]), "+f"(acc[j][1]), "+f"(acc[j][2]), "+f"(acc[j][3])::"memory");
    }
}

#else

using emulator::commit_multiplies;
using emulator::fence_async_proxy;
using emulator::multiply_warpgroup;
using emulator::shared_address;
using emulator::wait_multiplies;
using emulator::warpgroup_fence;
inline int warpgroup_index() { return thread_index() / warpgroup_lanes; }
inline void hold(WarpgroupSums&) {}

#endif

}   // namespace microbench::tensor
