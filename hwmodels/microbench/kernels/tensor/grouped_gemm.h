// SPDX-License-Identifier: Apache-2.0
// Grouped expert GEMM: C[rows_e x N] = scale A[rows_e x K] B_e[N x K]^T for experts with any number of rows, or, gated,
// C = silu(A G_e^T) * (A U_e^T) with B_e = [G_e; U_e]. Persistent blocks walk the list of tiles; copies of the next tile
// run during the epilogue. One text for bfloat16 and e4m3: a stage holds 128 bytes of each row whatever the type.
#pragma once

#include <type_traits>

#include "kernels/tensor/simt.h"
#include "kernels/tensor/tile_index.h"

namespace microbench::tensor {

struct GroupedGemm {
    const unsigned char* a = nullptr;   // rows of K elements
    const unsigned char* b = nullptr;   // experts x N x K, gated: experts x 2N x K
    unsigned char* c = nullptr;         // sorted rows x N
    const int* source_row = nullptr;    // row of A for each sorted row; null: the same row
    const int* row_prefix = nullptr;    // experts + 1
    const int* tile_prefix = nullptr;   // experts + 1, tiles of Shape::rows
    int experts = 0;
    int n = 0;                // columns of C; a multiple of 8
    int k_bytes = 0;          // bytes of a row of A and of B; a multiple of 16
    float scale = 1;          // of A times of B
    float output_scale = 1;   // C is multiplied by it before it is rounded to e4m3
};

/// BM x BN tile of weights rows, WM x WN warps, Stages of 128 bytes of K; Blocks resident per multiprocessor.
template <bool Bytes_, bool Gated_, int BM, int BN, int WM, int WN, int Stages_, int Blocks_>
struct GemmShape {
    static constexpr bool bytes = Bytes_;   // e4m3, else bfloat16
    static constexpr bool gated = Gated_;
    static constexpr int rows = BM;
    static constexpr int weight_rows = BN;
    static constexpr int columns = Gated_ ? BN / 2 : BN;   // of C
    static constexpr int warps_m = WM;
    static constexpr int warps_n = WN;
    static constexpr int threads = WM * WN * warp_lanes;
    static constexpr int stages = Stages_;
    static constexpr int blocks = Blocks_;
    static constexpr int depth = 128;   // bytes of K in a stage
    static constexpr int chunks = depth / chunk_bytes;
    static constexpr int stage_bytes = (BM + BN) * depth;
    static constexpr int shared_bytes = stages * stage_bytes;
    static constexpr int m_tiles = BM / WM / 16;   // of one warp
    static constexpr int n_tiles = BN / WN / 8;
    static constexpr int step_unroll = Bytes_ ? 1 : 4;   // more unrolling of e4m3 spills
    static constexpr int copy_rows = threads / chunks;   // rows one round of copies fills
    static constexpr int a_copies = BM / copy_rows;
    static constexpr int b_copies = BN / copy_rows;
    static_assert(BM % copy_rows == 0 && BN % copy_rows == 0 && copy_rows % 16 == 0 && n_tiles % 2 == 0);
};

/// Place of a block in its list of (tile, step of K).
struct GemmCursor {
    int tile;
    int step;
    int expert;
    int row;      // first sorted row of the tile
    int rows;     // rows of the expert from there on
    int column;   // first column of C
};

template <class Shape>
MB_DEV void enter_tile(const GroupedGemm& g, int tiles, GemmCursor& at) {
    if (at.tile >= tiles) return;
    const Tile t = tile_at(at.tile, g.tile_prefix, g.experts, divide_up(g.n, Shape::columns));
    at.expert = t.expert;
    at.row = g.row_prefix[t.expert] + t.m * Shape::rows;
    at.rows = g.row_prefix[t.expert + 1] - at.row;
    at.column = t.n * Shape::columns;
}

/// Next step of K, or the first of the next tile. True when the tile changed.
template <class Shape>
MB_DEV bool advance(const GroupedGemm& g, int tiles, int steps, GemmCursor& at) {
    if (++at.step < steps) return false;
    at.step = 0;
    at.tile += grid_x();
    enter_tile<Shape>(g, tiles, at);
    return true;
}

/// Row of A behind each row this thread copies; -1 beyond the expert.
template <class Shape>
MB_DEV void find_rows(const GroupedGemm& g, const GemmCursor& at, int (&source)[Shape::a_copies]) {
    MB_UNROLL
    for (int i = 0; i < Shape::a_copies; ++i) {
        const int row = thread_index() / Shape::chunks + i * Shape::copy_rows;
        source[i] = -1;
        if (row < at.rows) source[i] = g.source_row != nullptr ? g.source_row[at.row + row] : at.row + row;
    }
}

template <class Shape>
MB_DEV void copy_stage(const GroupedGemm& g, const GemmCursor& at, const int (&source)[Shape::a_copies],
                       int stage) {
    const int chunk = thread_index() % Shape::chunks;
    const int first = thread_index() / Shape::chunks;
    const int k = at.step * Shape::depth + chunk * chunk_bytes;
    const bool inside = k < g.k_bytes;
    const int base = stage * Shape::stage_bytes;
    MB_UNROLL
    for (int i = 0; i < Shape::a_copies; ++i) {
        const bool valid = inside && source[i] >= 0;
        const std::size_t offset =
            static_cast<std::size_t>(valid ? source[i] : 0) * g.k_bytes + (inside ? k : 0);
        copy_async(base + swizzled<Shape::depth>(first + i * Shape::copy_rows, chunk), g.a + offset, valid);
    }
    const int weight_rows = Shape::gated ? 2 * g.n : g.n;
    const unsigned char* expert =
        g.b + static_cast<std::size_t>(at.expert) * weight_rows * g.k_bytes + (inside ? k : 0);
    MB_UNROLL
    for (int i = 0; i < Shape::b_copies; ++i) {
        const int r = first + i * Shape::copy_rows;
        const int column = at.column + (Shape::gated ? gated_column(r) : r);
        const int row = Shape::gated ? gated_half(r) * g.n + column : column;
        const bool valid = inside && column < g.n;
        copy_async(base + swizzled<Shape::depth>(Shape::rows + r, chunk),
                   expert + static_cast<std::size_t>(valid ? row : 0) * g.k_bytes, valid);
    }
}

/// Copies of a block: place in its list, rows of A behind it.
template <class Shape>
struct GemmLoader {
    GemmCursor at;
    int source[Shape::a_copies];
};

template <class Shape>
MB_DEV GemmLoader<Shape> first_load(const GroupedGemm& g, int tiles) {
    GemmLoader<Shape> loader{{block_x(), 0, 0, 0, 0, 0}, {}};
    enter_tile<Shape>(g, tiles, loader.at);
    if (loader.at.tile < tiles) find_rows<Shape>(g, loader.at, loader.source);
    return loader;
}

/// Starts the copies of the next step, the first of the next tile after the last of one, into `stage`.
template <class Shape>
MB_DEV void load_next(const GroupedGemm& g, int tiles, int steps, GemmLoader<Shape>& loader, int stage) {
    if (loader.at.tile < tiles) {
        copy_stage<Shape>(g, loader.at, loader.source, stage);
        if (advance<Shape>(g, tiles, steps, loader.at) && loader.at.tile < tiles) {
            find_rows<Shape>(g, loader.at, loader.source);
        }
    }
    commit_copies();   // empty groups at the end keep the count of wait_copies right
}

template <class Shape>
MB_DEV void multiply_stage(int stage, int warp_m, int warp_n,
                           float (&acc)[Shape::m_tiles][Shape::n_tiles][4]) {
    const int lane = thread_index() % warp_lanes;
    const Coordinate la = ldmatrix_a(lane);
    const Coordinate lb = ldmatrix_b(lane);
    const int base = stage * Shape::stage_bytes;
    const int row_a = warp_m * Shape::m_tiles * 16 + la.row;
    const int row_b = Shape::rows + warp_n * Shape::n_tiles * 8 + lb.row;
    MB_UNROLL_BY(Shape::step_unroll)
    for (int step = 0; step < Shape::depth / 32; ++step) {
        std::uint32_t a[Shape::m_tiles][4];
        std::uint32_t b[Shape::n_tiles / 2][4];
        MB_UNROLL
        for (int m = 0; m < Shape::m_tiles; ++m) {
            load_matrices(a[m], base + swizzled<Shape::depth>(row_a + 16 * m, 2 * step + la.col));
        }
        MB_UNROLL
        for (int n = 0; n < Shape::n_tiles / 2; ++n) {
            load_matrices(b[n], base + swizzled<Shape::depth>(row_b + 16 * n, 2 * step + lb.col));
        }
        MB_UNROLL
        for (int m = 0; m < Shape::m_tiles; ++m) {
            MB_UNROLL
            for (int n = 0; n < Shape::n_tiles; ++n) {
                if constexpr (Shape::bytes) {
                    mma_e4m3(acc[m][n], a[m], b[n / 2][2 * (n % 2)], b[n / 2][2 * (n % 2) + 1]);
                } else {
                    mma_bf16(acc[m][n], a[m], b[n / 2][2 * (n % 2)], b[n / 2][2 * (n % 2) + 1]);
                }
            }
        }
    }
}

MB_DEV float silu(float x) { return x * reciprocal(1.0F + exp2_fast(-1.44269504F * x)); }

/// Two neighbouring values of C (bfloat16 pair) of output group of 8 columns j; half 0: row group, 1: row group + 8.
template <class Shape>
MB_DEV std::uint32_t output_pair(const GroupedGemm& g, const float (&acc)[Shape::n_tiles][4], int j,
                                 int half) {
    if constexpr (Shape::gated) {
        const float low = silu(acc[2 * j][2 * half] * g.scale) * acc[2 * j + 1][2 * half] * g.scale;
        const float high = silu(acc[2 * j][2 * half + 1] * g.scale) * acc[2 * j + 1][2 * half + 1] * g.scale;
        return pack_bf16(low, high);
    } else {
        return pack_bf16(acc[j][2 * half] * g.scale, acc[j][2 * half + 1] * g.scale);
    }
}

/// Eight (four words) or two (one word) values of a row to C; e4m3 where the next GEMM of an e4m3 layer reads them.
template <class Shape, int WordCount>
MB_DEV void store_output(const GroupedGemm& g, std::size_t element, const std::uint32_t* words) {
    if constexpr (Shape::bytes && Shape::gated) {
        MB_UNROLL
        for (int i = 0; i < WordCount; ++i) {
            const float low = bits_float(words[i] << 16) * g.output_scale;
            const float high = bits_float(words[i] & 0xFFFF0000u) * g.output_scale;
            reinterpret_cast<std::uint16_t*>(g.c + element)[i] = pack_e4m3(low, high);
        }
    } else if constexpr (WordCount == 4) {
        *reinterpret_cast<Words*>(g.c + 2 * element) = Words{{words[0], words[1], words[2], words[3]}};
    } else {
        *reinterpret_cast<std::uint32_t*>(g.c + 2 * element) = words[0];
    }
}

template <class Shape>
MB_DEV void write_tile(const GroupedGemm& g, const GemmCursor& at, int warp_m, int warp_n,
                       const float (&acc)[Shape::m_tiles][Shape::n_tiles][4]) {
    constexpr int groups = Shape::gated ? Shape::n_tiles / 2 : Shape::n_tiles;   // of 8 columns
    constexpr int together = groups % 4 == 0 ? 4 : 1;
    const int lane = thread_index() % warp_lanes;
    MB_UNROLL
    for (int m = 0; m < Shape::m_tiles; ++m) {
        MB_UNROLL
        for (int half = 0; half < 2; ++half) {
            const int row = warp_m * Shape::m_tiles * 16 + 16 * m + 8 * half + lane_group(lane);
            MB_UNROLL
            for (int j = 0; j < groups; j += together) {
                const int column = at.column + warp_n * groups * 8 + 8 * j;
                std::uint32_t words[4] = {};
                MB_UNROLL
                for (int i = 0; i < together; ++i) words[i] = output_pair<Shape>(g, acc[m], j + i, half);
                if constexpr (together == 4) transpose_group(words, lane);
                const int mine = column + lane_place(lane) * (together == 4 ? 8 : 2);
                if (row < at.rows && mine < g.n) {
                    store_output<Shape, together>(g, static_cast<std::size_t>(at.row + row) * g.n + mine,
                                                  words);
                }
            }
        }
    }
}

template <class Shape>
MB_DEV void grouped_gemm(const GroupedGemm& g) {
    const int tiles = g.tile_prefix[g.experts] * divide_up(g.n, Shape::columns);
    const int steps = divide_up(g.k_bytes, Shape::depth);
    const int warp = thread_index() / warp_lanes;
    const int warp_m = warp % Shape::warps_m;
    const int warp_n = warp / Shape::warps_m;
    GemmLoader<Shape> loader = first_load<Shape>(g, tiles);
    GemmCursor computing = loader.at;
    for (int stage = 0; stage < Shape::stages - 1; ++stage) load_next<Shape>(g, tiles, steps, loader, stage);
    float acc[Shape::m_tiles][Shape::n_tiles][4];
    clear(acc);
    int stage = 0;
    MB_LOOP
    while (computing.tile < tiles) {
        wait_copies<Shape::stages - 2>();
        sync_block();   // the stage has arrived for everybody, and everybody has left the one that is filled next
        load_next<Shape>(g, tiles, steps, loader, stage == 0 ? Shape::stages - 1 : stage - 1);
        multiply_stage<Shape>(stage, warp_m, warp_n, acc);
        stage = stage + 1 == Shape::stages ? 0 : stage + 1;
        if (computing.step + 1 == steps) {
            write_tile<Shape>(g, computing, warp_m, warp_n, acc);
            clear(acc);
        }
        advance<Shape>(g, tiles, steps, computing);
    }
    wait_copies<0>();
}

/// Tiles for many rows per expert. Where mma.sync of e4m3 is built from wider multiplications (compute capability 9.0)
/// the unpacked operands need registers: a narrower tile.
template <bool Bytes, bool Gated>
using LargeGemm = std::conditional_t<Bytes, GemmShape<Bytes, Gated, 128, 128, 2, 4, 4, 1>,
                                     GemmShape<Bytes, Gated, 128, 256, 2, 4, 3, 1>>;
/// For few rows: weights stream, memory bound.
template <bool Bytes, bool Gated>
using SmallGemm = GemmShape<Bytes, Gated, 16, 64, 1, 4, 6, 3>;

}   // namespace microbench::tensor
