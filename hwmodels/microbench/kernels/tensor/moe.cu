// SPDX-License-Identifier: Apache-2.0
#include "kernels/tensor/kernel.cuh"
#include "kernels/tensor/launch.h"

namespace microbench::tensor {
namespace {

__global__ __launch_bounds__(route_threads) void sort_pairs_kernel(const MoeRoute r) { sort_pairs(r); }
__global__ __launch_bounds__(spread_threads) void count_pairs_kernel(const MoeRoute r) { count_pairs(r); }
__global__ __launch_bounds__(route_threads) void prefix_counts_kernel(const MoeRoute r) { prefix_counts(r); }
__global__ __launch_bounds__(spread_threads) void place_pairs_kernel(const MoeRoute r) { place_pairs(r); }
__global__ __launch_bounds__(combine_threads) void combine_kernel(const MoeCombine a) { combine_rows(a); }
__global__ __launch_bounds__(quantize_threads) void quantize_kernel(const Quantize a) { quantize(a); }

}   // namespace

void launch_route(const MoeRoute& route, Stream stream) {
    const int ints = static_cast<int>(sizeof(int));
    if (route.pairs <= single_block_pairs) {
        launch(sort_pairs_kernel, grid_of(1), route_threads, (warp_lanes + route.experts) * ints, route,
               stream, "sort pairs");
        return;
    }
    const dim3 grid = grid_of(divide_up(route.pairs, spread_pairs));
    launch(count_pairs_kernel, grid, spread_threads, route.experts * ints, route, stream, "count pairs");
    launch(prefix_counts_kernel, grid_of(1), route_threads, warp_lanes * ints, route, stream,
           "prefix of counts");
    launch(place_pairs_kernel, grid, spread_threads, route.experts * ints, route, stream, "place pairs");
}

void launch_combine(const MoeCombine& combine, int tokens, Stream stream) {
    const dim3 grid = grid_of(tokens, divide_up(combine.hidden / 8, combine_threads));
    launch(combine_kernel, grid, combine_threads, 0, combine, stream, "combine rows");
}

void launch_quantize(const Quantize& quantize, Stream stream) {
    const auto blocks = static_cast<int>((quantize.groups + quantize_threads - 1) / quantize_threads);
    launch(quantize_kernel, grid_of(blocks), quantize_threads, 0, quantize, stream, "quantize");
}

}   // namespace microbench::tensor
