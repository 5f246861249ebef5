// SPDX-License-Identifier: Apache-2.0
#include "kernels/tensor/warpgroup_gemm.h"

#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench::tensor {
namespace {

template <class Shape>
__global__ __launch_bounds__(Shape::threads, Shape::blocks) void warpgroup_gemm_kernel(
    const __grid_constant__ GroupedGemm g) {
    if constexpr (compiled_for_warpgroups) {
        warpgroup_gemm<Shape>(g);
    } else {
        __trap();
    }
}

__global__ void ask_kernel(int* answer) { *answer = compiled_for_warpgroups ? 1 : 0; }

template <bool Bytes, bool Gated>
void launch_shape(const GroupedGemm& g, int multiprocessors, Stream stream) {
    using Shape = WarpgroupGemm<Bytes, Gated>;
    launch(warpgroup_gemm_kernel<Shape>, grid_of(multiprocessors * Shape::blocks), Shape::threads,
           Shape::shared_bytes, g, stream, "grouped GEMM of warpgroups");
}

}   // namespace

void launch_warpgroup_gemm(const GemmKind& kind, const GroupedGemm& g, int multiprocessors, Stream stream) {
    if (kind.bytes) {
        kind.gated ? launch_shape<true, true>(g, multiprocessors, stream)
                   : launch_shape<true, false>(g, multiprocessors, stream);
    } else {
        kind.gated ? launch_shape<false, true>(g, multiprocessors, stream)
                   : launch_shape<false, false>(g, multiprocessors, stream);
    }
}

bool has_warpgroups() {
    const auto answer = allocate_array<int>(1);
    ask_kernel<<<1, 1>>>(answer.get());
    check_launch("ask for warpgroups");
    return download(answer.get(), 1)[0] == 1;
}

}   // namespace microbench::tensor
