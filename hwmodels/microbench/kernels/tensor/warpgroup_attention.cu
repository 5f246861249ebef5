// SPDX-License-Identifier: Apache-2.0
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"
#include "kernels/tensor/warpgroup_prefill.h"

namespace microbench::tensor {
namespace {

template <class Shape>
__global__ __launch_bounds__(Shape::threads, Shape::blocks) void warpgroup_prefill_kernel(
    const __grid_constant__ PrefillAttention a) {
    if constexpr (compiled_for_warpgroups) {
        warpgroup_prefill<Shape>(a);
    } else {
        __trap();
    }
}

template <class Shape>
void launch_shape(const PrefillAttention& a, int batch, Stream stream) {
    const dim3 grid = grid_of(batch * a.q_heads, divide_up(a.length, Shape::queries));
    launch(warpgroup_prefill_kernel<Shape>, grid, Shape::threads, Shape::shared_bytes, a, stream,
           "prefill attention of warpgroups");
}

}   // namespace

void launch_warpgroup_prefill(const PrefillAttention& a, int query_dim, int batch, Stream stream) {
    if (query_dim == 64) launch_shape<WarpgroupPrefill64>(a, batch, stream);
    if (query_dim == 128) launch_shape<WarpgroupPrefill128>(a, batch, stream);
    if (query_dim == 192) launch_shape<WarpgroupPrefillMla>(a, batch, stream);
}

}   // namespace microbench::tensor
