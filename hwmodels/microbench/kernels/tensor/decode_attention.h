// SPDX-License-Identifier: Apache-2.0
// Decode attention with grouped query heads over a paged cache, split along the context (flash decoding). A block owns
// (part, KV head, 16 query heads, sequence); each of its four warps streams every fourth tile of 16 tokens through its
// own ring of shared memory, without barriers, and the warps merge at the end. Cache of bfloat16, or of e4m3 that is
// expanded to bfloat16 in registers. With a sliding window the tiles before it are not read, and its first is masked.
#pragma once

#include "kernels/tensor/softmax.h"
#include "kernels/tensor/tile_index.h"

namespace microbench::tensor {

struct DecodeAttention {
    const std::uint16_t* q = nullptr;   // batch x q_heads x Dim
    const unsigned char* k = nullptr;   // pages x page_tokens x kv_heads x Dim
    const unsigned char* v = nullptr;
    const int* pages = nullptr;     // batch x max_pages
    const int* context = nullptr;   // batch: tokens in the cache, the newest included, at least 1
    std::uint16_t* out = nullptr;   // batch x q_heads x Dim, where parts == 1
    float* part_out = nullptr;      // batch x q_heads x parts x Dim
    float* part_lse = nullptr;      // batch x q_heads x parts
    int q_heads = 0;
    int kv_heads = 0;
    int page_tokens = 0;   // a multiple of 16
    int max_pages = 0;
    int window = no_window;   // latest tokens attended, the newest included
    int parts = 1;
    int part_tokens = 0;     // a multiple of 16; the parts cover what is read (tokens_read)
    float score_scale = 1;   // log2(e) / sqrt(Dim), times the scale of K
    float value_scale = 1;   // of V
};

template <bool Bytes_, int Dim, int Stages_, int Blocks_>
struct DecodeShape {
    static constexpr bool bytes = Bytes_;
    static constexpr int dim = Dim;
    static constexpr int stages = Stages_;
    static constexpr int blocks = Blocks_;
    static constexpr int warps = 4;
    static constexpr int threads = warps * warp_lanes;
    static constexpr int tile = 16;    // tokens
    static constexpr int heads = 16;   // query heads of a block: rows of a fragment
    static constexpr int row_bytes = Dim * (Bytes_ ? 1 : 2);
    static constexpr int chunks = row_bytes / chunk_bytes;
    static constexpr int copy_rows = warp_lanes / chunks;   // tokens one round of copies of a warp fills
    static constexpr int stage_bytes = 2 * tile * row_bytes;
    static constexpr int merge_stride = Dim + 8;   // floats of a row: eight rows start in different banks
    static constexpr int merge_bytes = warps * heads * (merge_stride + 2) * 4;
    static constexpr int ring_bytes = warps * stages * stage_bytes;
    static constexpr int shared_bytes = ring_bytes > merge_bytes ? ring_bytes : merge_bytes;
    static constexpr int steps = Dim / 16;
    static constexpr int dim_tiles = Dim / 8;
};

/// Dimension of element i of output tile n: with a cache of bytes, tiles are the even and odd dimensions of 16.
template <class Shape>
MB_DEV int output_dim(int n, int lane, int i) {
    const int column = fragment_c(lane, i).col;
    return Shape::bytes ? 16 * (n / 2) + byte_pair_dim(column, n % 2) : 8 * n + column;
}

template <class Shape>
MB_DEV void load_queries(const std::uint16_t* q, int rows, std::uint32_t (&fragments)[Shape::steps][4]) {
    const int lane = thread_index() % warp_lanes;
    MB_UNROLL
    for (int step = 0; step < Shape::steps; ++step) {
        MB_UNROLL
        for (int r = 0; r < 4; ++r) {
            const Coordinate at = fragment_a16(lane, 2 * r);
            const int column = 16 * step + (Shape::bytes ? byte_order_k(lane, 2 * (r / 2)) : at.col);
            fragments[step][r] =
                at.row < rows ? *reinterpret_cast<const std::uint32_t*>(q + at.row * Shape::dim + column)
                              : 0u;
        }
    }
}

/// Where the warp reads next in the cache; the page of a tile is looked up one tile ahead of its copies.
struct CacheWalk {
    const int* pages;
    TokenRange range;
    int kv_head;
    std::size_t row;
};

template <class Shape>
MB_DEV void look_up(const DecodeAttention& a, CacheWalk& walk, int tile) {
    const int token = walk.range.begin + tile * Shape::tile;
    if (token < walk.range.end) walk.row = cache_row(walk.pages, a.page_tokens, token);
}

template <class Shape>
MB_DEV void copy_tile(const DecodeAttention& a, const CacheWalk& walk, int tile, int base) {
    const int lane = thread_index() % warp_lanes;
    const int chunk = lane % Shape::chunks;
    const int first = walk.range.begin + tile * Shape::tile;
    MB_UNROLL
    for (int i = 0; i < Shape::tile / Shape::copy_rows; ++i) {
        const int r = lane / Shape::chunks + i * Shape::copy_rows;
        const bool valid = first + r < walk.range.end;
        const std::size_t row = walk.row + static_cast<std::size_t>(valid ? r : 0);
        const std::size_t offset =
            (row * static_cast<std::size_t>(a.kv_heads) + static_cast<std::size_t>(walk.kv_head)) *
                Shape::row_bytes +
            static_cast<std::size_t>(chunk * chunk_bytes);
        copy_async(base + swizzled<Shape::row_bytes>(r, chunk), a.k + offset, valid);
        copy_async(base + swizzled<Shape::row_bytes>(Shape::tile + r, chunk), a.v + offset, valid);
    }
}

template <class Shape>
MB_DEV void score_tile(const std::uint32_t (&q)[Shape::steps][4], int base, float (&s)[2][4]) {
    const Coordinate at = ldmatrix_b(thread_index() % warp_lanes);
    MB_UNROLL
    for (int j = 0; j < Shape::row_bytes / 32; ++j) {
        std::uint32_t r[4];
        load_matrices(r, base + swizzled<Shape::row_bytes>(at.row, 2 * j + at.col));
        MB_UNROLL
        for (int n = 0; n < 2; ++n) {
            if constexpr (Shape::bytes) {
                MB_UNROLL
                for (int half = 0; half < 2; ++half) {
                    std::uint32_t b0;
                    std::uint32_t b1;
                    expand_e4m3(r[2 * n + half], false, b0, b1);
                    mma_bf16(s[n], q[2 * j + half], b0, b1);
                }
            } else {
                mma_bf16(s[n], q[j], r[2 * n], r[2 * n + 1]);
            }
        }
    }
}

template <class Shape>
MB_DEV void add_values(const std::uint32_t (&p)[4], int base, float (&o)[Shape::dim_tiles][4]) {
    const Coordinate at = ldmatrix_a(thread_index() % warp_lanes);
    MB_UNROLL
    for (int j = 0; j < Shape::row_bytes / 32; ++j) {
        std::uint32_t r[4];
        load_matrices_transposed(r, base + swizzled<Shape::row_bytes>(Shape::tile + at.row, 2 * j + at.col));
        MB_UNROLL
        for (int c = 0; c < 2; ++c) {
            if constexpr (Shape::bytes) {
                std::uint32_t even[2];
                std::uint32_t odd[2];
                expand_e4m3(r[2 * c], true, even[0], odd[0]);
                expand_e4m3(r[2 * c + 1], true, even[1], odd[1]);
                mma_bf16(o[4 * j + 2 * c], p, even[0], even[1]);
                mma_bf16(o[4 * j + 2 * c + 1], p, odd[0], odd[1]);
            } else {
                mma_bf16(o[2 * j + c], p, r[2 * c], r[2 * c + 1]);
            }
        }
    }
}

/// Running result of one warp: rows g and g + 8.
template <class Shape>
struct DecodeState {
    float o[Shape::dim_tiles][4];
    float most[2];
    float sum[2];   // of this lane's columns
};

/// `seen`: which tokens of the tile count, from its first on.
template <class Shape>
MB_DEV void absorb_tile(const DecodeAttention& a, const std::uint32_t (&q)[Shape::steps][4], int base,
                        TokenRange seen, DecodeState<Shape>& state) {
    float s[2][4] = {};
    score_tile<Shape>(q, base, s);
    const int lane = thread_index() % warp_lanes;
    MB_UNROLL
    for (int n = 0; n < 2; ++n) {
        MB_UNROLL
        for (int i = 0; i < 4; ++i) {
            const int token = 8 * n + fragment_c(lane, i).col;
            if (token < seen.begin || token >= seen.end) s[n][i] = hidden_score;
        }
    }
    MB_UNROLL
    for (int half = 0; half < 2; ++half) {
        absorb_scores(s, half, a.score_scale, state.most[half], state.sum[half], state.o);
    }
    std::uint32_t p[4];
    probabilities(p, s[0], s[1]);
    add_values<Shape>(p, base, state.o);
}

/// Puts the result of the warp into shared memory: warps x 16 x Dim, then largest scores and sums.
template <class Shape>
MB_DEV void deposit(int warp, DecodeState<Shape>& state) {
    const int lane = thread_index() % warp_lanes;
    const int stats = Shape::warps * Shape::heads * Shape::merge_stride;
    float* shared = &shared_at<float>(0);
    MB_UNROLL
    for (int half = 0; half < 2; ++half) {
        const int row = warp * Shape::heads + lane_group(lane) + 8 * half;
        const float sum = group_sum(state.sum[half]);
        if (lane_place(lane) == 0) {
            shared[stats + row] = state.most[half];
            shared[stats + Shape::warps * Shape::heads + row] = sum;
        }
        MB_UNROLL
        for (int n = 0; n < Shape::dim_tiles; ++n) {
            MB_UNROLL
            for (int c = 0; c < 2; ++c) {
                shared[row * Shape::merge_stride + output_dim<Shape>(n, lane, 2 * half + c)] =
                    state.o[n][2 * half + c];
            }
        }
    }
}

/// Sum over the warps of one element, its weight and the log2 of the sum of exponentials.
struct Merged {
    float value;
    float lse;
};
template <class Shape>
MB_DEV Merged merge_warps(int row, int dim, float scale) {
    const float* shared = &shared_at<float>(0);
    const float* most = shared + Shape::warps * Shape::heads * Shape::merge_stride;
    const float* sums = most + Shape::warps * Shape::heads;
    float top = no_score;
    MB_UNROLL
    for (int w = 0; w < Shape::warps; ++w) top = larger(top, most[w * Shape::heads + row]);
    float sum = 0;
    float value = 0;
    MB_UNROLL
    for (int w = 0; w < Shape::warps; ++w) {
        const float weight = exp2_fast((most[w * Shape::heads + row] - top) * scale);
        sum += weight * sums[w * Shape::heads + row];
        value += weight * shared[(w * Shape::heads + row) * Shape::merge_stride + dim];
    }
    return sum > 0 ? Merged{value * reciprocal(sum), top * scale + log2_fast(sum)} : Merged{0, no_score};
}

template <class Shape>
MB_DEV void write_result(const DecodeAttention& a, int first_head, int rows) {
    const auto heads = static_cast<std::size_t>(block_z()) * static_cast<std::size_t>(a.q_heads) +
                       static_cast<std::size_t>(first_head);
    MB_LOOP
    for (int i = thread_index(); i < rows * Shape::dim; i += Shape::threads) {
        const int row = i / Shape::dim;
        const int dim = i % Shape::dim;
        const Merged merged = merge_warps<Shape>(row, dim, a.score_scale);
        const std::size_t head = heads + static_cast<std::size_t>(row);
        if (a.parts == 1) {
            a.out[head * Shape::dim + static_cast<std::size_t>(dim)] = to_bf16(merged.value * a.value_scale);
            continue;
        }
        const std::size_t part =
            head * static_cast<std::size_t>(a.parts) + static_cast<std::size_t>(block_x());
        a.part_out[part * Shape::dim + static_cast<std::size_t>(dim)] = merged.value * a.value_scale;
        if (dim == 0) a.part_lse[part] = merged.lse;
    }
}

/// Grid: parts, kv_heads x ceil(group / 16), batch.
template <class Shape>
MB_DEV void decode_attention(const DecodeAttention& a) {
    const int group = a.q_heads / a.kv_heads;
    const int head_blocks = divide_up(group, Shape::heads);
    const int kv_head = block_y() / head_blocks;
    const int inside = block_y() % head_blocks * Shape::heads;
    const int first_head = kv_head * group + inside;
    const int rows = group - inside < Shape::heads ? group - inside : Shape::heads;
    const int sequence = block_z();
    const int warp = thread_index() / warp_lanes;
    const int context = a.context[sequence];
    const int first = window_begin(context, a.window);
    CacheWalk walk{a.pages + static_cast<std::size_t>(sequence) * static_cast<std::size_t>(a.max_pages),
                   tokens_of_part(block_x(), a.part_tokens, context, first / Shape::tile * Shape::tile),
                   kv_head, 0};
    const int tiles = divide_up(walk.range.end - walk.range.begin, Shape::tile);
    const int ring = warp * Shape::stages * Shape::stage_bytes;
    look_up<Shape>(a, walk, warp);
    auto load_tile = [&](int tile, int stage) {
        if (tile < tiles) copy_tile<Shape>(a, walk, tile, ring + stage * Shape::stage_bytes);
        commit_copies();
        look_up<Shape>(a, walk, tile + Shape::warps);
    };
    for (int s = 0; s < Shape::stages - 1; ++s) load_tile(warp + s * Shape::warps, s);
    std::uint32_t q[Shape::steps][4];
    load_queries<Shape>(a.q + (static_cast<std::size_t>(sequence) * static_cast<std::size_t>(a.q_heads) +
                               static_cast<std::size_t>(first_head)) *
                                  Shape::dim,
                        rows, q);
    DecodeState<Shape> state = {};
    state.most[0] = state.most[1] = no_score;
    int stage = 0;
    MB_LOOP
    for (int tile = warp; tile < tiles; tile += Shape::warps) {
        wait_copies<Shape::stages - 2>();
        sync_warp();   // the tile is there for all lanes, and all have left the stage that is filled next
        load_tile(tile + (Shape::stages - 1) * Shape::warps, stage == 0 ? Shape::stages - 1 : stage - 1);
        const int token = walk.range.begin + tile * Shape::tile;
        absorb_tile<Shape>(a, q, ring + stage * Shape::stage_bytes, {first - token, walk.range.end - token},
                           state);
        stage = stage + 1 == Shape::stages ? 0 : stage + 1;
    }
    wait_copies<0>();
    sync_block();   // the rings become the place of the merge
    deposit<Shape>(warp, state);
    sync_block();
    write_result<Shape>(a, first_head, rows);
}

template <int Dim>
using Bf16Decode = DecodeShape<false, Dim, Dim == 64 ? 4 : 3, Dim == 64 ? 3 : 2>;
template <int Dim>
using E4m3Decode = DecodeShape<true, Dim, 4, 3>;

}   // namespace microbench::tensor
