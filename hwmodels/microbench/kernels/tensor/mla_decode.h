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

#include "kernels/tensor/mla_tiles.h"
#include "kernels/tensor/softmax.h"

namespace microbench::tensor {

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

}   // namespace microbench::tensor
