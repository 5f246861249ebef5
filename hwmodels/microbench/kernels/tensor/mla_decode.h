// SPDX-License-Identifier: Apache-2.0
// Decode attention of MLA in absorbed form: every head attends to one cached row of 576 values per token (512 latent,
// 64 rotary); the first 512 are the values as well. A block owns (part, up to 64 heads, sequence) and streams tiles of 64
// tokens; scores are shared among its warps, each of which accumulates 128 of the 512 output dimensions.
//
// Cache of bfloat16, or of e4m3 with one scale for the whole tensor. e4m3 lies in shared memory as bytes and is widened
// to bfloat16 (exactly) when it is loaded into fragments; queries, probabilities and all products stay bfloat16. Half the
// bytes cross memory, which is what a kernel bound by it needs, and nothing is rounded that the bfloat16 path does not
// round. Products in e4m3 would double the peak of the multiplications, but need queries and probabilities in e4m3.
#pragma once

#include "kernels/tensor/softmax.h"
#include "kernels/tensor/tile_index.h"

namespace microbench::tensor {

struct MlaDecode {
    const std::uint16_t* q = nullptr;       // batch x heads x 576
    const unsigned char* cache = nullptr;   // pages x page_tokens x 576 of bfloat16 or e4m3
    const int* pages = nullptr;             // batch x max_pages
    const int* context = nullptr;           // batch: tokens attended, at least 1
    std::uint16_t* out = nullptr;           // batch x heads x 512, where parts == 1
    float* part_out = nullptr;              // batch x heads x parts x 512
    float* part_lse = nullptr;              // batch x heads x parts
    int heads = 0;
    int page_tokens = 0;
    int max_pages = 0;
    int parts = 1;
    int part_tokens = 0;     // a multiple of 64
    float score_scale = 1;   // log2(e) / sqrt(192), times the scale of the cache
    float value_scale = 1;   // of the cache
};

/// RowTiles of 16 heads for each of two rows of warps; four columns of warps.
template <bool Bytes_, int RowTiles, int Tokens>
struct MlaShape {
    static constexpr bool bytes = Bytes_;   // of the cache
    static constexpr int row_tiles = RowTiles;
    static constexpr int heads = 32 * RowTiles;
    static constexpr int warp_rows = 16 * RowTiles;
    static constexpr int columns = 4;   // warps side by side: tokens of the scores, dimensions of the output
    static constexpr int threads = 8 * warp_lanes;
    static constexpr int tokens = Tokens;
    static constexpr int dim = 576;
    static constexpr int value_dim = 512;
    static constexpr int query_bytes = 2 * dim;   // of a row
    static constexpr int latent_bytes = dim * (Bytes_ ? 1 : 2);
    static constexpr int row_bytes = Bytes_ ? 640 : latent_bytes;   // in shared memory: a multiple of 128
    static constexpr int probability_bytes = 2 * Tokens;            // of a row
    static constexpr int token_tiles = Tokens / columns / 8;
    static constexpr int dim_tiles = value_dim / columns / 8;
    static constexpr int stage_bytes = Tokens * row_bytes;
    static constexpr int ring = heads * query_bytes;   // behind the queries
    static constexpr int scores = ring + 2 * stage_bytes;
    static constexpr int tops = scores + heads * probability_bytes;   // columns x heads floats
    static constexpr int shared_bytes = tops + columns * heads * 4;
    static_assert(token_tiles == 2 || token_tiles == 1);
};

template <class Shape>
struct MlaState {
    float o[Shape::row_tiles][Shape::dim_tiles][4];
    float most[Shape::row_tiles][2];
    float sum[Shape::row_tiles][2];   // of this lane's columns
};

/// One row of 16-byte chunks, eight lanes to a row.
template <int Bytes, int RowBytes>
MB_DEV void copy_latent(int base, int row, const unsigned char* source, bool valid) {
    const int chunk = thread_index() % 8;
    MB_UNROLL
    for (int c = 0; c < Bytes / 128; ++c) {
        copy_async(base + swizzled<RowBytes>(row, chunk) + 128 * c, source + 16 * chunk + 128 * c, valid);
    }
    constexpr int whole = Bytes / 128 * 128;
    if (16 * chunk < Bytes - whole) {
        copy_async(base + swizzled<RowBytes>(row, chunk) + whole, source + 16 * chunk + whole, valid);
    }
}

/// A row of queries in the order of k in which bytes are widened (byte_order_k): of 16 dimensions, pairs 0, 2, 4, 6
/// before 1, 3, 5, 7.
template <class Shape>
MB_DEV void reorder_query(int row, const unsigned char* source, bool valid) {
    for (int block = thread_index() % 8; block < Shape::dim / 16; block += 8) {
        Words even = {};
        Words odd = {};
        if (valid) {
            const Words left = *reinterpret_cast<const Words*>(source + 32 * block);
            const Words right = *reinterpret_cast<const Words*>(source + 32 * block + chunk_bytes);
            even = {{left.w[0], left.w[2], right.w[0], right.w[2]}};
            odd = {{left.w[1], left.w[3], right.w[1], right.w[3]}};
        }
        shared_at<Words>(swizzled<Shape::query_bytes>(row, 2 * block)) = even;
        shared_at<Words>(swizzled<Shape::query_bytes>(row, 2 * block + 1)) = odd;
    }
}

template <class Shape>
MB_DEV void copy_queries(const MlaDecode& a, int first_head) {
    MB_UNROLL
    for (int row = thread_index() / 8; row < Shape::heads; row += Shape::threads / 8) {
        const bool valid = first_head + row < a.heads;
        const std::size_t head = static_cast<std::size_t>(block_z()) * static_cast<std::size_t>(a.heads) +
                                 static_cast<std::size_t>(first_head + (valid ? row : 0));
        const auto* source = reinterpret_cast<const unsigned char*>(a.q + head * Shape::dim);
        if constexpr (Shape::bytes) {
            reorder_query<Shape>(row, source, valid);
        } else {
            copy_latent<Shape::query_bytes, Shape::query_bytes>(0, row, source, valid);
        }
    }
}

template <class Shape>
MB_DEV void copy_tokens(const MlaDecode& a, const int* pages, int first, int end, int base) {
    MB_UNROLL
    for (int row = thread_index() / 8; row < Shape::tokens; row += Shape::threads / 8) {
        const bool valid = first + row < end;
        const std::size_t from = valid ? cache_row(pages, a.page_tokens, first + row) : 0;
        copy_latent<Shape::latent_bytes, Shape::row_bytes>(base, row, a.cache + from * Shape::latent_bytes,
                                                           valid);
    }
}

template <class Shape>
MB_DEV void score_latents(int warp_row, int column, int base,
                          float (&s)[Shape::row_tiles][Shape::token_tiles][4]) {
    const int lane = thread_index() % warp_lanes;
    const Coordinate la = ldmatrix_a(lane);
    const Coordinate lb = ldmatrix_b(lane);
    // With 8 tokens a warp, the lanes of the upper 8 rows of ldmatrix read the lower ones again, unused.
    const int token = column * Shape::token_tiles * 8 + (Shape::token_tiles == 2 ? lb.row : lb.row % 8);
    MB_UNROLL_BY(2)
    for (int load = 0; load < Shape::latent_bytes / 32; ++load) {
        std::uint32_t k[4];
        load_matrices(k, base + swizzled<Shape::row_bytes>(token, 2 * load + lb.col));
        MB_UNROLL
        for (int half = 0; half < (Shape::bytes ? 2 : 1); ++half) {   // 32 bytes of a row: 16 or 32 of k
            std::uint32_t b[Shape::token_tiles][2];
            MB_UNROLL
            for (int n = 0; n < Shape::token_tiles; ++n) {
                if constexpr (Shape::bytes) {
                    expand_e4m3(k[2 * n + half], false, b[n][0], b[n][1]);
                } else {
                    b[n][0] = k[2 * n];
                    b[n][1] = k[2 * n + 1];
                }
            }
            const int step = Shape::bytes ? 2 * load + half : load;
            MB_UNROLL
            for (int m = 0; m < Shape::row_tiles; ++m) {
                std::uint32_t q[4];
                load_matrices(q, swizzled<Shape::query_bytes>(warp_row * Shape::warp_rows + 16 * m + la.row,
                                                              2 * step + la.col));
                MB_UNROLL
                for (int n = 0; n < Shape::token_tiles; ++n) mma_bf16(s[m][n], q, b[n][0], b[n][1]);
            }
        }
    }
}

/// Largest score of each row over the four columns of warps.
template <class Shape>
MB_DEV void share_tops(int warp_row, int column, const float (&s)[Shape::row_tiles][Shape::token_tiles][4],
                       float (&top)[Shape::row_tiles][2]) {
    const int lane = thread_index() % warp_lanes;
    float* tops = &shared_at<float>(Shape::tops);
    MB_UNROLL
    for (int m = 0; m < Shape::row_tiles; ++m) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            const int row = warp_row * Shape::warp_rows + 16 * m + 8 * half + lane_group(lane);
            const float most = group_max(lane_max(s[m], half));
            if (lane_place(lane) == 0) tops[column * Shape::heads + row] = most;
        }
    }
    sync_block();
    MB_UNROLL
    for (int m = 0; m < Shape::row_tiles; ++m) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            const int row = warp_row * Shape::warp_rows + 16 * m + 8 * half + lane_group(lane);
            top[m][half] = tops[row];
            MB_UNROLL
            for (int c = 1; c < Shape::columns; ++c)
                top[m][half] = larger(top[m][half], tops[c * Shape::heads + row]);
        }
    }
}

/// Scores to probabilities in shared memory (bfloat16); running maximum and sum move on, outputs fade.
template <class Shape>
MB_DEV void share_probabilities(const MlaDecode& a, int warp_row, int column,
                                float (&s)[Shape::row_tiles][Shape::token_tiles][4], MlaState<Shape>& state) {
    const int lane = thread_index() % warp_lanes;
    float top[Shape::row_tiles][2];
    share_tops<Shape>(warp_row, column, s, top);
    MB_UNROLL
    for (int m = 0; m < Shape::row_tiles; ++m) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            const float most = larger(state.most[m][half], top[m][half]);
            const float fade = exp2_fast((state.most[m][half] - most) * a.score_scale);
            state.most[m][half] = most;
            state.sum[m][half] = state.sum[m][half] * fade + exponentials(s[m], half, most, a.score_scale);
            scale_rows(state.o[m], half, fade);
            const int row = warp_row * Shape::warp_rows + 16 * m + 8 * half + lane_group(lane);
            MB_UNROLL
            for (int n = 0; n < Shape::token_tiles; ++n) {
                const int at = swizzled<Shape::probability_bytes>(row, column * Shape::token_tiles + n);
                shared_at<std::uint32_t>(Shape::scores + at + 4 * lane_place(lane)) =
                    pack_bf16(s[m][n][2 * half], s[m][n][2 * half + 1]);
            }
        }
    }
    sync_block();
}

/// Products of the probabilities p of 16 tokens from `token` on with their values.
template <class Shape>
MB_DEV void add_halves(const std::uint32_t (&p)[Shape::row_tiles][4], int base, int token, int column,
                       MlaState<Shape>& state) {
    const Coordinate at = ldmatrix_a(thread_index() % warp_lanes);
    MB_UNROLL
    for (int j = 0; j < Shape::dim_tiles / 2; ++j) {
        std::uint32_t v[4];
        const int chunk = column * Shape::dim_tiles + 2 * j + at.col;
        load_matrices_transposed(v, base + swizzled<Shape::row_bytes>(token + at.row, chunk));
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) {
            mma_bf16(state.o[m][2 * j], p[m], v[0], v[1]);
            mma_bf16(state.o[m][2 * j + 1], p[m], v[2], v[3]);
        }
    }
}

/// The same of e4m3: tiles 2j and 2j + 1 of the output are the even and the odd dimensions of chunk j.
template <class Shape>
MB_DEV void add_bytes(const std::uint32_t (&p)[Shape::row_tiles][4], int base, int token, int column,
                      MlaState<Shape>& state) {
    const Coordinate at = ldmatrix_a(thread_index() % warp_lanes);
    MB_UNROLL
    for (int j = 0; j < Shape::dim_tiles / 4; ++j) {
        std::uint32_t v[4];
        const int chunk = column * Shape::dim_tiles / 2 + 2 * j + at.col;
        load_matrices_transposed(v, base + swizzled<Shape::row_bytes>(token + at.row, chunk));
        MB_UNROLL
        for (int c = 0; c < 2; ++c) {
            std::uint32_t even[2];
            std::uint32_t odd[2];
            expand_e4m3(v[2 * c], true, even[0], odd[0]);
            expand_e4m3(v[2 * c + 1], true, even[1], odd[1]);
            MB_UNROLL
            for (int m = 0; m < Shape::row_tiles; ++m) {
                mma_bf16(state.o[m][4 * j + 2 * c], p[m], even[0], even[1]);
                mma_bf16(state.o[m][4 * j + 2 * c + 1], p[m], odd[0], odd[1]);
            }
        }
    }
}

template <class Shape>
MB_DEV void add_latents(int warp_row, int column, int base, MlaState<Shape>& state) {
    const Coordinate at = ldmatrix_a(thread_index() % warp_lanes);
    MB_UNROLL_BY(1)
    for (int step = 0; step < Shape::tokens / 16; ++step) {
        std::uint32_t p[Shape::row_tiles][4];
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) {
            const int row = warp_row * Shape::warp_rows + 16 * m + at.row;
            load_matrices(p[m], Shape::scores + swizzled<Shape::probability_bytes>(row, 2 * step + at.col));
        }
        if constexpr (Shape::bytes) {
            add_bytes<Shape>(p, base, 16 * step, column, state);
        } else {
            add_halves<Shape>(p, base, 16 * step, column, state);
        }
    }
}

template <class Shape>
MB_DEV void absorb_latents(const MlaDecode& a, int base, int left, MlaState<Shape>& state) {
    const int lane = thread_index() % warp_lanes;
    const int warp_row = thread_index() / warp_lanes % 2;
    const int column = thread_index() / warp_lanes / 2;
    float s[Shape::row_tiles][Shape::token_tiles][4];
    clear(s);
    score_latents<Shape>(warp_row, column, base, s);
    if (left < Shape::tokens) {
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) {
            MB_UNROLL
            for (int n = 0; n < Shape::token_tiles; ++n) {
                MB_UNROLL
                for (int i = 0; i < 4; ++i) {
                    const int token = 8 * (column * Shape::token_tiles + n) + fragment_c(lane, i).col;
                    if (token >= left) s[m][n][i] = hidden_score;
                }
            }
        }
    }
    share_probabilities<Shape>(a, warp_row, column, s, state);
    add_latents<Shape>(warp_row, column, base, state);
}

/// Sum of the exponentials of a row over lanes and columns of warps, into all of them.
template <class Shape>
MB_DEV void share_sums(int warp_row, int column, MlaState<Shape>& state) {
    const int lane = thread_index() % warp_lanes;
    float* sums = &shared_at<float>(Shape::tops);
    sync_block();   // the largest scores have been read
    MB_UNROLL
    for (int i = 0; i < 2 * Shape::row_tiles; ++i) {
        const int row = warp_row * Shape::warp_rows + 8 * i + lane_group(lane);
        const float sum = group_sum(state.sum[i / 2][i % 2]);
        if (lane_place(lane) == 0) sums[column * Shape::heads + row] = sum;
    }
    sync_block();
    MB_UNROLL
    for (int i = 0; i < 2 * Shape::row_tiles; ++i) {
        const int row = warp_row * Shape::warp_rows + 8 * i + lane_group(lane);
        float sum = 0;
        MB_UNROLL
        for (int c = 0; c < Shape::columns; ++c) sum += sums[c * Shape::heads + row];
        state.sum[i / 2][i % 2] = sum;
    }
}

/// First of two neighbouring dimensions that elements 2 half and 2 half + 1 of tile n stand for.
template <class Shape>
MB_DEV int latent_dim(int n, int lane) {
    return Shape::bytes ? 16 * (n / 2) + byte_order_k(lane, 2 * (n % 2)) : 8 * n + 2 * lane_place(lane);
}

/// Even and odd dimensions change places so that pairs are neighbours: see latent_dim.
template <class Shape>
MB_DEV void pair_dimensions(float (&o)[Shape::dim_tiles][4]) {
    MB_UNROLL
    for (int n = 0; n < Shape::dim_tiles; n += 2) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            const float even = o[n][2 * half + 1];
            o[n][2 * half + 1] = o[n + 1][2 * half];
            o[n + 1][2 * half] = even;
        }
    }
}

template <class Shape>
MB_DEV void store_latents(std::uint16_t* row, const float (&o)[Shape::dim_tiles][4], int half, float factor,
                          bool valid) {
    if constexpr (Shape::bytes) {
        if (!valid) return;
        MB_UNROLL
        for (int n = 0; n < Shape::dim_tiles; ++n) {
            *reinterpret_cast<std::uint32_t*>(row + latent_dim<Shape>(n, thread_index() % warp_lanes)) =
                pack_bf16(o[n][2 * half] * factor, o[n][2 * half + 1] * factor);
        }
    } else {
        store_row(row, o, half, factor, valid);
    }
}

template <class Shape>
MB_DEV void write_latents(const MlaDecode& a, int first_head, MlaState<Shape>& state) {
    const int lane = thread_index() % warp_lanes;
    const int warp_row = thread_index() / warp_lanes % 2;
    const int column = thread_index() / warp_lanes / 2;
    share_sums<Shape>(warp_row, column, state);
    if constexpr (Shape::bytes) {
        MB_UNROLL
        for (int m = 0; m < Shape::row_tiles; ++m) pair_dimensions<Shape>(state.o[m]);
    }
    MB_UNROLL
    for (int i = 0; i < 2 * Shape::row_tiles; ++i) {
        const int m = i / 2;
        const int half = i % 2;
        const int head = first_head + warp_row * Shape::warp_rows + 8 * i + lane_group(lane);
        const bool valid = head < a.heads;
        const std::size_t row = static_cast<std::size_t>(block_z()) * static_cast<std::size_t>(a.heads) +
                                static_cast<std::size_t>(valid ? head : 0);
        const float sum = state.sum[m][half];
        const float factor = sum > 0 ? a.value_scale * reciprocal(sum) : 0.0F;
        if (a.parts == 1) {
            store_latents<Shape>(a.out + row * Shape::value_dim + column * Shape::dim_tiles * 8, state.o[m],
                                 half, factor, valid);
            continue;
        }
        const std::size_t part =
            row * static_cast<std::size_t>(a.parts) + static_cast<std::size_t>(block_x());
        if (!valid) continue;
        float* out = a.part_out + part * Shape::value_dim + column * Shape::dim_tiles * 8;
        MB_UNROLL
        for (int n = 0; n < Shape::dim_tiles; ++n) {
            const int dim = latent_dim<Shape>(n, lane);
            out[dim] = state.o[m][n][2 * half] * factor;
            out[dim + 1] = state.o[m][n][2 * half + 1] * factor;
        }
        if (column == 0 && lane_place(lane) == 0) {
            a.part_lse[part] = sum > 0 ? state.most[m][half] * a.score_scale + log2_fast(sum) : no_score;
        }
    }
}

/// Grid: parts, ceil(heads / Shape::heads), batch.
template <class Shape>
MB_DEV void mla_decode(const MlaDecode& a) {
    const int first_head = block_y() * Shape::heads;
    const int* pages = a.pages + static_cast<std::size_t>(block_z()) * static_cast<std::size_t>(a.max_pages);
    const TokenRange range = tokens_of_part(block_x(), a.part_tokens, a.context[block_z()]);
    const int tiles = divide_up(range.end - range.begin, Shape::tokens);
    auto load_tile = [&](int tile) {
        if (tile < tiles) {
            copy_tokens<Shape>(a, pages, range.begin + tile * Shape::tokens, range.end,
                               Shape::ring + (tile & 1) * Shape::stage_bytes);
        }
        commit_copies();
    };
    copy_queries<Shape>(a, first_head);
    load_tile(0);
    MlaState<Shape> state = {};
    for (int m = 0; m < Shape::row_tiles; ++m) state.most[m][0] = state.most[m][1] = no_score;
    MB_LOOP
    for (int tile = 0; tile < tiles; ++tile) {
        wait_copies<0>();
        sync_block();   // the tile is there, and everybody has left the stage that is filled next
        load_tile(tile + 1);
        absorb_latents<Shape>(a, Shape::ring + (tile & 1) * Shape::stage_bytes,
                              range.end - range.begin - tile * Shape::tokens, state);
    }
    wait_copies<0>();
    write_latents<Shape>(a, first_head, state);
}

using MlaLarge = MlaShape<false, 2, 64>;   // 64 heads
using MlaSmall = MlaShape<false, 1, 64>;   // 32 heads
using MlaA100 = MlaShape<false, 1, 32>;    // fits in 163 KB of shared memory
using MlaE4m3Large = MlaShape<true, 2, 64>;
using MlaE4m3Small = MlaShape<true, 1, 64>;

}   // namespace microbench::tensor
