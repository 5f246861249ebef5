// SPDX-License-Identifier: Apache-2.0
// Causal attention of whole prompts (flash attention): a block owns a tile of queries of one head and streams tiles of
// keys and values. Query and key dimension may differ from that of the values (192 and 128 for expanded MLA). With a
// sliding window the tiles before that of the block's first query are not read; partial tiles are masked. Tokens of a
// cached prefix have keys and values but no query.
#pragma once

#include "kernels/tensor/softmax.h"
#include "kernels/tensor/tile_index.h"

namespace microbench::tensor {

struct PrefillAttention {
    // Fewer than 2^31 elements each.
    const std::uint16_t* q = nullptr;   // batch x length x q_heads x QueryDim
    const std::uint16_t* k = nullptr;   // batch x (prefix + length) x kv_heads x QueryDim
    const std::uint16_t* v = nullptr;   // batch x (prefix + length) x kv_heads x ValueDim
    std::uint16_t* out = nullptr;       // batch x length x q_heads x ValueDim
    int length = 0;
    int q_heads = 0;
    int kv_heads = 0;
    float score_scale = 1;    // log2(e) / sqrt(QueryDim)
    int window = no_window;   // keys a query attends at most, its own included
    int prefix = 0;           // tokens before the first query
};

template <int QueryDim, int ValueDim, int Warps, int RowTiles, int Keys, int Blocks_>
struct PrefillShape {
    static constexpr int query_dim = QueryDim;
    static constexpr int value_dim = ValueDim;
    static constexpr int warps = Warps;
    static constexpr int threads = Warps * warp_lanes;
    static constexpr int row_tiles = RowTiles;   // of 16 queries, per warp
    static constexpr int warp_rows = 16 * RowTiles;
    static constexpr int queries = Warps * warp_rows;
    static constexpr int keys = Keys;
    static constexpr int blocks = Blocks_;
    static constexpr int query_bytes = 2 * QueryDim;
    static constexpr int value_bytes = 2 * ValueDim;
    static constexpr int ring = queries * query_bytes;   // stages start behind the queries
    static constexpr int stage_bytes = Keys * (query_bytes + value_bytes);
    static constexpr int shared_bytes = ring + 2 * stage_bytes;
    static constexpr int key_tiles_of_8 = Keys / 8;
    static constexpr int dim_tiles = ValueDim / 8;
};

/// Rows of 2 * Dim bytes, `stride` elements apart, into a tile; zeros from row `valid` on. `offset` is this thread's
/// first element (copy_start). Eight lanes copy 128 bytes of a row at a time: every address in shared memory is a
/// constant away from the first, and offsets of 32 bits leave the registers to the accumulators.
template <int Threads, int Dim, int Rows>
MB_DEV void copy_rows(int base, const std::uint16_t* source, int offset, int stride, int valid) {
    constexpr int step = Threads / 8;
    static_assert(Dim % 64 == 0 && Rows % step == 0 && step % 8 == 0);
    const int first = thread_index() / 8;
    const int to = base + swizzled<2 * Dim>(first, thread_index() % 8);
    MB_UNROLL
    for (int i = 0; i < Rows / step; ++i) {
        const std::uint16_t* from = source + (offset + i * step * stride);
        MB_UNROLL
        for (int c = 0; c < Dim / 64; ++c) {
            copy_async(to + i * step * 2 * Dim + c * 128, from + 64 * c, first + i * step < valid);
        }
    }
}
MB_DEV int copy_start(int row, int stride, int column) {
    return (row + thread_index() / 8) * stride + column + 8 * (thread_index() % 8);
}

template <class Shape>
struct PrefillState {
    float o[Shape::row_tiles][Shape::dim_tiles][4];
    float most[Shape::row_tiles][2];
    float sum[Shape::row_tiles][2];
};

template <class Shape>
MB_DEV void score_keys(int warp, int base, float (&s)[Shape::row_tiles][Shape::key_tiles_of_8][4]) {
    const int lane = thread_index() % warp_lanes;
    const Coordinate la = ldmatrix_a(lane);
    const Coordinate lb = ldmatrix_b(lane);
    MB_UNROLL_BY(1)
    for (int step = 0; step < Shape::query_dim / 16; ++step) {
        std::uint32_t q[Shape::row_tiles][4];
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) {
            load_matrices(q[m], swizzled<Shape::query_bytes>(warp * Shape::warp_rows + 16 * m + la.row,
                                                             2 * step + la.col));
        }
        MB_UNROLL
        for (int n = 0; n < Shape::keys / 16; ++n) {
            std::uint32_t k[4];
            load_matrices(k, base + swizzled<Shape::query_bytes>(16 * n + lb.row, 2 * step + lb.col));
            MB_UNROLL
            for (int m = 0; m < Shape::row_tiles; ++m) {
                mma_bf16(s[m][2 * n], q[m], k[0], k[1]);
                mma_bf16(s[m][2 * n + 1], q[m], k[2], k[3]);
            }
        }
    }
}

template <class Shape>
MB_DEV void add_values(const float (&s)[Shape::row_tiles][Shape::key_tiles_of_8][4], int base,
                       PrefillState<Shape>& state) {
    const Coordinate at = ldmatrix_a(thread_index() % warp_lanes);
    MB_UNROLL
    for (int step = 0; step < Shape::keys / 16; ++step) {
        std::uint32_t p[Shape::row_tiles][4];
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) probabilities(p[m], s[m][2 * step], s[m][2 * step + 1]);
        MB_UNROLL
        for (int j = 0; j < Shape::value_dim / 16; ++j) {
            std::uint32_t v[4];
            load_matrices_transposed(v,
                                     base + swizzled<Shape::value_bytes>(16 * step + at.row, 2 * j + at.col));
            MB_UNROLL
            for (int m = 0; m < Shape::row_tiles; ++m) {
                mma_bf16(state.o[m][2 * j], p[m], v[0], v[1]);
                mma_bf16(state.o[m][2 * j + 1], p[m], v[2], v[3]);
            }
        }
    }
}

/// One tile of keys for the queries of one warp. `first` is the position of the warp's first query, `key` that of the
/// first key of the tile.
template <class Shape>
MB_DEV void absorb_keys(const PrefillAttention& a, int warp, int base, int first, int key,
                        PrefillState<Shape>& state) {
    float s[Shape::row_tiles][Shape::key_tiles_of_8][4];
    clear(s);
    score_keys<Shape>(warp, base, s);
    const int lane = thread_index() % warp_lanes;
    if (needs_mask(first, Shape::warp_rows, key, Shape::keys, a.window)) {
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) {
            MB_UNROLL
            for (int n = 0; n < Shape::key_tiles_of_8; ++n) {
                MB_UNROLL
                for (int i = 0; i < 4; ++i) {
                    const Coordinate at = fragment_c(lane, i);
                    if (!attends(first + 16 * m + at.row, key + 8 * n + at.col, a.window))
                        s[m][n][i] = hidden_score;
                }
            }
        }
    }
    MB_UNROLL
    for (int m = 0; m < Shape::row_tiles; ++m) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            absorb_scores(s[m], half, a.score_scale, state.most[m][half], state.sum[m][half], state.o[m]);
        }
    }
    add_values<Shape>(s, base + Shape::keys * Shape::query_bytes, state);
}

template <class Shape>
MB_DEV void write_queries(const PrefillAttention& a, int sequence, int head, int first,
                          PrefillState<Shape>& state) {
    const int lane = thread_index() % warp_lanes;
    MB_UNROLL
    for (int m = 0; m < Shape::row_tiles; ++m) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            const int row = first + 16 * m + 8 * half + lane_group(lane);
            const bool valid = row < a.length;
            const std::size_t token =
                static_cast<std::size_t>(sequence) * static_cast<std::size_t>(a.length) +
                static_cast<std::size_t>(valid ? row : 0);
            const std::size_t at =
                (token * static_cast<std::size_t>(a.q_heads) + static_cast<std::size_t>(head)) *
                Shape::value_dim;
            store_row(a.out + at, state.o[m], half, reciprocal(group_sum(state.sum[m][half])), valid);
        }
    }
}

/// Grid: batch x q_heads, tiles of queries (the last, longest, first).
template <class Shape>
MB_DEV void prefill_attention(const PrefillAttention& a) {
    const int sequence = block_x() / a.q_heads;
    const int head = block_x() % a.q_heads;
    const int kv_head = head / (a.q_heads / a.kv_heads);
    const int first = (divide_up(a.length, Shape::queries) - 1 - block_y()) * Shape::queries;
    const int warp = thread_index() / warp_lanes;
    const int keys = a.prefix + a.length;
    const TokenRange tiles = key_tiles(a.prefix + first, Shape::queries, keys, a.window, Shape::keys);
    const int k_stride = a.kv_heads * Shape::query_dim;
    const int v_stride = a.kv_heads * Shape::value_dim;
    const int first_key = sequence * keys + tiles.begin * Shape::keys;
    int k_next = copy_start(first_key, k_stride, kv_head * Shape::query_dim);
    int v_next = copy_start(first_key, v_stride, kv_head * Shape::value_dim);
    auto load_keys = [&](int tile) {
        const int base = Shape::ring + (tile & 1) * Shape::stage_bytes;
        const int valid = keys - tile * Shape::keys;
        copy_rows<Shape::threads, Shape::query_dim, Shape::keys>(base, a.k, k_next, k_stride, valid);
        copy_rows<Shape::threads, Shape::value_dim, Shape::keys>(base + Shape::keys * Shape::query_bytes, a.v,
                                                                 v_next, v_stride, valid);
        k_next += Shape::keys * k_stride;
        v_next += Shape::keys * v_stride;
    };
    const int q_stride = a.q_heads * Shape::query_dim;
    copy_rows<Shape::threads, Shape::query_dim, Shape::queries>(
        0, a.q, copy_start(sequence * a.length + first, q_stride, head * Shape::query_dim), q_stride,
        a.length - first);
    load_keys(tiles.begin);
    commit_copies();
    PrefillState<Shape> state = {};
    for (int m = 0; m < Shape::row_tiles; ++m) state.most[m][0] = state.most[m][1] = no_score;
    const int warp_first = a.prefix + first + warp * Shape::warp_rows;
    MB_LOOP
    for (int tile = tiles.begin; tile < tiles.end; ++tile) {
        wait_copies<0>();
        sync_block();   // the tile is there, and everybody has left the stage that is filled next
        if (tile + 1 < tiles.end) load_keys(tile + 1);
        commit_copies();
        if (meets(warp_first, Shape::warp_rows, tile * Shape::keys, Shape::keys, a.window)) {
            absorb_keys<Shape>(a, warp, Shape::ring + (tile & 1) * Shape::stage_bytes, warp_first,
                               tile * Shape::keys, state);
        }
    }
    write_queries<Shape>(a, sequence, head, warp_first - a.prefix, state);
}

using Prefill64 = PrefillShape<64, 64, 4, 2, 64, 2>;
using Prefill128 = PrefillShape<128, 128, 4, 2, 32, 2>;   // 64 keys spill
using PrefillMla = PrefillShape<192, 128, 4, 2, 32, 2>;

}   // namespace microbench::tensor
