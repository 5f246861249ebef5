// SPDX-License-Identifier: Apache-2.0
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"
#include "kernels/tensor/warpgroup_gemm.h"

namespace microbench::tensor {
namespace {

template <class Shape>
__global__ __launch_bounds__(Shape::threads,
                             Shape::blocks) void grouped_gemm_kernel(const __grid_constant__ GroupedGemm g) {
    grouped_gemm<Shape>(g);
}

template <class Shape>
void launch_shape(const GroupedGemm& g, int multiprocessors, Stream stream) {
    launch(grouped_gemm_kernel<Shape>, grid_of(multiprocessors * Shape::blocks), Shape::threads,
           Shape::shared_bytes, g, stream, "grouped GEMM");
}

template <bool Bytes, bool Gated>
void launch_tile(bool small, const GroupedGemm& g, int multiprocessors, Stream stream) {
    if (small) {
        launch_shape<SmallGemm<Bytes, Gated>>(g, multiprocessors, stream);
    } else {
        launch_shape<LargeGemm<Bytes, Gated>>(g, multiprocessors, stream);
    }
}

}   // namespace

int tile_rows(const GemmKind& kind) {
    static_assert(WarpgroupGemm<false, false>::rows == LargeGemm<false, false>::rows);
    return kind.small ? SmallGemm<false, false>::rows : LargeGemm<false, false>::rows;
}

void launch_grouped_gemm(const GemmKind& kind, const GroupedGemm& g, int multiprocessors, Stream stream) {
    if (kind.warpgroup && !kind.small) {
        launch_warpgroup_gemm(kind, g, multiprocessors, stream);
    } else if (kind.bytes) {
        kind.gated ? launch_tile<true, true>(kind.small, g, multiprocessors, stream)
                   : launch_tile<true, false>(kind.small, g, multiprocessors, stream);
    } else {
        kind.gated ? launch_tile<false, true>(kind.small, g, multiprocessors, stream)
                   : launch_tile<false, false>(kind.small, g, multiprocessors, stream);
    }
}

}   // namespace microbench::tensor
