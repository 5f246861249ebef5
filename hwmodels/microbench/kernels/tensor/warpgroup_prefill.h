// SPDX-License-Identifier: Apache-2.0
// The causal attention of prefill_attention.h for compute capability 9.0, multiplied by warpgroups
// (warpgroup.h): 128 queries, 64 a warpgroup. Scores of the next keys are multiplied together with the values of the keys
// before, and their softmax runs while those values are still multiplied.
#pragma once

#include "kernels/tensor/prefill_attention.h"
#include "kernels/tensor/warpgroup.h"

namespace microbench::tensor {

/// Rows of 2 * Dim bytes as panels of 64 dimensions, one behind the other: rows of 128 bytes as warpgroups read them. As
/// copy_rows otherwise.
template <int Threads, int Dim, int Rows>
MB_DEV void copy_panels(int base, const std::uint16_t* source, int offset, int stride, int valid) {
    constexpr int step = Threads / 8;
    static_assert(Dim % 64 == 0 && Rows % step == 0 && step % 8 == 0);
    const int first = thread_index() / 8;
    const int to = base + swizzled<128>(first, thread_index() % 8);
    MB_UNROLL
    for (int i = 0; i < Rows / step; ++i) {
        MB_UNROLL
        for (int c = 0; c < Dim / 64; ++c) {
            copy_async(to + (i * step + c * Rows) * 128, source + (offset + i * step * stride + 64 * c),
                       first + i * step < valid);
        }
    }
}

template <class Shape>
struct WarpgroupPrefillState {
    float s[Shape::key_tiles_of_8][4];      // scores, then probabilities, of the last keys
    std::uint32_t p[Shape::keys / 16][4];   // the same, rounded, as multiplied with values
    float fade[2];                          // of what was accumulated before them
    PrefillState<Shape> sums;
};

/// Offsets in shared memory: queries, two tiles of keys, two of values.
template <class Shape>
MB_DEV int keys_at(int tile) {
    return Shape::ring + (tile & 1) * Shape::keys * Shape::query_bytes;
}
template <class Shape>
MB_DEV int values_at(int tile) {
    return Shape::ring + Shape::keys * (2 * Shape::query_bytes + (tile & 1) * Shape::value_bytes);
}

/// s = Q K^T of a tile of keys, as one group.
template <class Shape>
MB_DEV void issue_scores(int tile, float (&s)[Shape::key_tiles_of_8][4]) {
    const int rows = warpgroup_index() * warpgroup_rows;
    MB_UNROLL
    for (int panel = 0; panel < Shape::query_dim / 64; ++panel) {
        const auto q = matrix_descriptor(shared_address((panel * Shape::queries + rows) * 128));
        const auto k = matrix_descriptor(shared_address(keys_at<Shape>(tile) + panel * Shape::keys * 128));
        MB_UNROLL
        for (int byte = 0; byte < 128; byte += warpgroup_depth) {
            multiply_warpgroup<false>(s, advanced(q, byte), advanced(k, byte), panel > 0 || byte > 0);
        }
    }
    commit_multiplies();
}

/// o += P V of a tile of values, as one group.
template <class Shape>
MB_DEV void issue_values(int tile, const std::uint32_t (&p)[Shape::keys / 16][4],
                         float (&o)[Shape::dim_tiles][4]) {
    const auto v = matrix_descriptor(shared_address(values_at<Shape>(tile)), Shape::keys * 128);
    MB_UNROLL
    for (int step = 0; step < Shape::keys / 16; ++step) {
        multiply_registers(o, p[step], advanced(v, step * 16 * 128));
    }
    commit_multiplies();
}

/// Scores of keys from position `key` on become probabilities; `first` is the position of the warp's first query.
template <class Shape>
MB_DEV void absorb_tile(const PrefillAttention& a, int first, int key, WarpgroupPrefillState<Shape>& state) {
    if (needs_mask(first, Shape::warp_rows, key, Shape::keys, a.window)) {
        const int lane = thread_index() % warp_lanes;
        MB_UNROLL
        for (int n = 0; n < Shape::key_tiles_of_8; ++n) {
            MB_UNROLL
            for (int i = 0; i < 4; ++i) {
                const Coordinate at = fragment_c(lane, i);
                if (!attends(first + at.row, key + 8 * n + at.col, a.window)) state.s[n][i] = hidden_score;
            }
        }
    }
    MB_UNROLL
    for (int half = 0; half < 2; ++half) {
        float& most = state.sums.most[0][half];
        float& sum = state.sums.sum[0][half];
        const float top = larger(most, group_max(lane_max(state.s, half)));
        state.fade[half] = exp2_fast((most - top) * a.score_scale);
        most = top;
        sum = sum * state.fade[half] + exponentials(state.s, half, top, a.score_scale);
    }
}

/// Once the values before are added: what was accumulated fades, and the probabilities take the place of those before.
template <class Shape>
MB_DEV void take_probabilities(WarpgroupPrefillState<Shape>& state) {
    scale_rows(state.sums.o[0], 0, state.fade[0]);
    scale_rows(state.sums.o[0], 1, state.fade[1]);
    MB_UNROLL
    for (int step = 0; step < Shape::keys / 16; ++step) {
        probabilities(state.p[step], state.s[2 * step], state.s[2 * step + 1]);
    }
}

/// Grid: batch x q_heads, tiles of queries (the last, longest, first).
template <class Shape>
MB_DEV void warpgroup_prefill(const PrefillAttention& a) {
    static_assert(Shape::row_tiles == 1 && Shape::queries == 2 * warpgroup_rows);
    static_assert(Shape::ring % swizzle_atom_bytes == 0 && Shape::keys % 8 == 0);
    const int sequence = block_x() / a.q_heads;
    const int head = block_x() % a.q_heads;
    const int kv_head = head / (a.q_heads / a.kv_heads);
    const int first = (divide_up(a.length, Shape::queries) - 1 - block_y()) * Shape::queries;
    const int keys = a.prefix + a.length;
    const TokenRange tiles = key_tiles(a.prefix + first, Shape::queries, keys, a.window, Shape::keys);
    const int q_stride = a.q_heads * Shape::query_dim;
    const int k_stride = a.kv_heads * Shape::query_dim;
    const int v_stride = a.kv_heads * Shape::value_dim;
    auto load_keys = [&](int tile) {
        copy_panels<Shape::threads, Shape::query_dim, Shape::keys>(
            keys_at<Shape>(tile), a.k,
            copy_start(sequence * keys + tile * Shape::keys, k_stride, kv_head * Shape::query_dim), k_stride,
            keys - tile * Shape::keys);
    };
    auto load_values = [&](int tile) {
        copy_panels<Shape::threads, Shape::value_dim, Shape::keys>(
            values_at<Shape>(tile), a.v,
            copy_start(sequence * keys + tile * Shape::keys, v_stride, kv_head * Shape::value_dim), v_stride,
            keys - tile * Shape::keys);
    };
    auto arrive = [] {
        wait_copies<0>();
        fence_async_proxy();
        sync_block();   // what was copied is there, and nobody reads what is filled next
        warpgroup_fence();
    };
    const int warp_first = a.prefix + first + thread_index() / warp_lanes * Shape::warp_rows;
    WarpgroupPrefillState<Shape> state;
    clear(state.sums.o);
    state.sums.most[0][0] = state.sums.most[0][1] = no_score;
    state.sums.sum[0][0] = state.sums.sum[0][1] = 0;
    copy_panels<Shape::threads, Shape::query_dim, Shape::queries>(
        0, a.q, copy_start(sequence * a.length + first, q_stride, head * Shape::query_dim), q_stride,
        a.length - first);
    load_keys(tiles.begin);
    commit_copies();
    arrive();
    issue_scores<Shape>(tiles.begin, state.s);
    if (tiles.begin + 1 < tiles.end) load_keys(tiles.begin + 1);
    load_values(tiles.begin);
    commit_copies();
    wait_multiplies<0>();
    hold(state.s);
    absorb_tile<Shape>(a, warp_first, tiles.begin * Shape::keys, state);
    take_probabilities<Shape>(state);
    MB_LOOP
    for (int tile = tiles.begin + 1; tile < tiles.end; ++tile) {
        arrive();
        issue_scores<Shape>(tile, state.s);
        issue_values<Shape>(tile - 1, state.p, state.sums.o[0]);
        if (tile + 1 < tiles.end) load_keys(tile + 1);
        load_values(tile);
        commit_copies();
        wait_multiplies<1>();
        hold(state.s);
        absorb_tile<Shape>(a, warp_first, tile * Shape::keys, state);
        wait_multiplies<0>();
        hold(state.sums.o[0]);
        take_probabilities<Shape>(state);
    }
    arrive();
    issue_values<Shape>(tiles.end - 1, state.p, state.sums.o[0]);
    wait_multiplies<0>();
    hold(state.sums.o[0]);
    write_queries<Shape>(a, sequence, head, warp_first - a.prefix, state.sums);
}

using WarpgroupPrefill64 = PrefillShape<64, 64, 8, 1, 128, 1>;
using WarpgroupPrefill128 = PrefillShape<128, 128, 8, 1, 128, 1>;
using WarpgroupPrefillMla = PrefillShape<192, 128, 8, 1, 128, 1>;

}   // namespace microbench::tensor
