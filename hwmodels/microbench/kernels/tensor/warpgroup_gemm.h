// SPDX-License-Identifier: Apache-2.0
// The grouped GEMM of grouped_gemm.h for compute capability 9.0: the same tiles, copies and results, multiplied by
// warpgroups (warpgroup.h). Two warpgroups share the weights of a tile of 128 x 256, 64 rows each.
#pragma once

#include "kernels/tensor/grouped_gemm.h"
#include "kernels/tensor/warpgroup.h"

namespace microbench::tensor {

/// A warp owns 16 rows and all columns, as in the sums of wgmma, so write_tile of grouped_gemm.h stores them.
template <bool Bytes, bool Gated>
using WarpgroupGemm = GemmShape<Bytes, Gated, 128, 256, 8, 1, 4, 1>;

/// Issues the multiplications of one stage as one group.
template <class Shape>
MB_DEV void issue_stage(int stage, bool accumulate, WarpgroupSums<Shape::weight_rows>& acc) {
    static_assert(Shape::depth == 128);
    static_assert(Shape::stage_bytes % swizzle_atom_bytes == 0 && Shape::rows % 8 == 0);
    const int base = stage * Shape::stage_bytes;
    const int rows = warpgroup_index() * warpgroup_rows;
    const std::uint64_t a = matrix_descriptor(shared_address(base + rows * Shape::depth));
    const std::uint64_t b = matrix_descriptor(shared_address(base + Shape::rows * Shape::depth));
    warpgroup_fence();
    MB_UNROLL
    for (int k = 0; k < Shape::depth; k += warpgroup_depth) {
        multiply_warpgroup<Shape::bytes>(acc, advanced(a, k), advanced(b, k), accumulate || k > 0);
    }
    commit_multiplies();
}

/// One group of multiplications stays in flight across the barrier, so that the tensor cores never wait for it: a stage is
/// filled again two steps after it was read.
template <class Shape>
MB_DEV void warpgroup_gemm(const GroupedGemm& g) {
    constexpr int ahead = Shape::stages - 2;   // stages filled before they are needed
    const int tiles = g.tile_prefix[g.experts] * divide_up(g.n, Shape::columns);
    const int steps = divide_up(g.k_bytes, Shape::depth);
    GemmLoader<Shape> loader = first_load<Shape>(g, tiles);
    GemmCursor computing = loader.at;
    for (int stage = 0; stage < ahead; ++stage) load_next<Shape>(g, tiles, steps, loader, stage);
    float acc[1][Shape::n_tiles][4];
    int stage = 0;
    MB_LOOP
    while (computing.tile < tiles) {
        MB_LOOP
        for (int step = 0; step < steps; ++step) {
            wait_copies<ahead - 1>();
            fence_async_proxy();
            sync_block();   // the stage has arrived for everybody, and nobody reads the one that is filled next
            issue_stage<Shape>(stage, step > 0, acc[0]);
            load_next<Shape>(g, tiles, steps, loader, (stage + ahead) % Shape::stages);
            wait_multiplies<1>();   // those of the step before
            stage = stage + 1 == Shape::stages ? 0 : stage + 1;
        }
        wait_multiplies<0>();
        hold(acc[0]);
        write_tile<Shape>(g, computing, thread_index() / warp_lanes, 0, acc);
        computing.tile += grid_x();
        enter_tile<Shape>(g, tiles, computing);
    }
    wait_copies<0>();
}

}   // namespace microbench::tensor
