// SPDX-License-Identifier: Apache-2.0
// Absorbed MLA decode: arguments, tile shapes, and how queries and cached rows come to shared memory. See mla_decode.h.
#pragma once

#include "kernels/tensor/attention_index.h"
#include "kernels/tensor/simt.h"
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

using MlaLarge = MlaShape<false, 2, 64>;   // 64 heads
using MlaSmall = MlaShape<false, 1, 64>;   // 32 heads
using MlaA100 = MlaShape<false, 1, 32>;    // fits in 163 KB of shared memory
using MlaE4m3Large = MlaShape<true, 2, 64>;
using MlaE4m3Small = MlaShape<true, 1, 64>;

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

}   // namespace microbench::tensor
