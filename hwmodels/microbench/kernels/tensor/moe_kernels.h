// SPDX-License-Identifier: Apache-2.0
// Around the two GEMMs of an expert layer: token-expert pairs sorted by expert (counting sort), activations to e4m3,
// and the weighted sum of the results of each token. Experts beyond `experts` belong to other ranks: their pairs drop out.
#pragma once

#include "kernels/tensor/simt.h"
#include "kernels/tensor/tile_index.h"

namespace microbench::tensor {

struct MoeRoute {
    const int* expert = nullptr;   // of each pair: token * top_k + j
    int pairs = 0;
    int top_k = 1;
    int experts = 0;               // of this rank, at most route_threads
    int tile_rows = 0;             // rows of a tile of the GEMM
    int* counts = nullptr;         // experts; zero before and after
    int* cursor = nullptr;         // experts
    int* row_prefix = nullptr;     // experts + 1
    int* tile_prefix = nullptr;    // experts + 1
    int* token_of_row = nullptr;   // pairs
    int* row_of_pair = nullptr;    // pairs; -1 where the expert is elsewhere
};

constexpr int route_threads = 1024;        // of the single blocks: sort_pairs, prefix_counts
constexpr int single_block_pairs = 8192;   // up to here one block sorts alone
constexpr int spread_threads = 256;        // of count_pairs and place_pairs
constexpr int spread_each = 8;             // pairs of one thread
constexpr int spread_pairs = spread_threads * spread_each;

/// Sum of `value` over the threads of the block up to and including this one. `shared` holds 32 ints.
MB_DEV int running_sum(int value, int* shared) {
    const int lane = thread_index() % warp_lanes;
    const int warp = thread_index() / warp_lanes;
    auto over_warp = [&](int x) {
        MB_UNROLL
        for (int d = 1; d < warp_lanes; d *= 2) {
            const int below = shuffle_up(x, d);
            if (lane >= d) x += below;
        }
        return x;
    };
    sync_block();   // the ints may still be read from the last call
    const int inside = over_warp(value);
    if (lane == warp_lanes - 1) shared[warp] = inside;
    sync_block();
    if (warp == 0) {
        const int warps = thread_count() / warp_lanes;
        const int sum = over_warp(lane < warps ? shared[lane] : 0);
        shared[lane] = sum;
    }
    sync_block();
    return inside + (warp > 0 ? shared[warp - 1] : 0);
}

/// Prefix sums of rows and of row tiles; returns the first row of this thread's expert. `count` is zero for threads
/// beyond the experts.
MB_DEV int write_prefixes(const MoeRoute& r, int count, int* shared) {
    const int e = thread_index();
    const int rows = running_sum(count, shared);
    const int tiles = running_sum(divide_up(count, r.tile_rows), shared);
    if (e < r.experts) {
        r.row_prefix[e + 1] = rows;
        r.tile_prefix[e + 1] = tiles;
    }
    if (e == 0) r.row_prefix[0] = r.tile_prefix[0] = 0;
    return rows - count;
}

MB_DEV void place_pair(const MoeRoute& r, int pair, int row) {
    r.row_of_pair[pair] = row;
    if (row >= 0) r.token_of_row[row] = pair / r.top_k;
}

/// The whole sort in one block of route_threads. Shared memory: (32 + experts) ints.
MB_DEV void sort_pairs(const MoeRoute& r) {
    int* sums = &shared_at<int>(0);
    int* counts = sums + warp_lanes;
    const int e = thread_index();
    if (e < r.experts) counts[e] = 0;
    sync_block();
    MB_LOOP
    for (int pair = e; pair < r.pairs; pair += route_threads) {
        if (r.expert[pair] < r.experts) atomic_add(counts + r.expert[pair], 1);
    }
    sync_block();
    const int first = write_prefixes(r, e < r.experts ? counts[e] : 0, sums);
    if (e < r.experts) counts[e] = first;   // only this thread reads or wrote the count
    sync_block();
    MB_LOOP
    for (int pair = e; pair < r.pairs; pair += route_threads) {
        const int expert = r.expert[pair];
        place_pair(r, pair, expert < r.experts ? atomic_add(counts + expert, 1) : -1);
    }
}

/// Counts the pairs of a block of spread_threads in shared memory (experts ints); rank[i]: place of pair i of this
/// thread among those of its expert in the block.
MB_DEV void count_block(const MoeRoute& r, int (&rank)[spread_each]) {
    int* counts = &shared_at<int>(0);
    MB_LOOP
    for (int e = thread_index(); e < r.experts; e += spread_threads) counts[e] = 0;
    sync_block();
    MB_UNROLL
    for (int i = 0; i < spread_each; ++i) {
        const int pair = block_x() * spread_pairs + i * spread_threads + thread_index();
        rank[i] = -1;
        if (pair < r.pairs && r.expert[pair] < r.experts) rank[i] = atomic_add(counts + r.expert[pair], 1);
    }
    sync_block();
}

/// First of three steps for many pairs: counts of experts. Grid: ceil(pairs / spread_pairs).
MB_DEV void count_pairs(const MoeRoute& r) {
    int rank[spread_each];
    count_block(r, rank);
    const int* counts = &shared_at<int>(0);
    MB_LOOP
    for (int e = thread_index(); e < r.experts; e += spread_threads) {
        if (counts[e] > 0) atomic_add(r.counts + e, counts[e]);
    }
}

/// Second: prefix sums in one block of route_threads. Shared memory: 32 ints.
MB_DEV void prefix_counts(const MoeRoute& r) {
    const int e = thread_index();
    const int first = write_prefixes(r, e < r.experts ? r.counts[e] : 0, &shared_at<int>(0));
    if (e < r.experts) {
        r.cursor[e] = first;
        r.counts[e] = 0;
    }
}

/// Third: each block reserves rows of every expert it has, then places its pairs. Grid as for count_pairs.
MB_DEV void place_pairs(const MoeRoute& r) {
    int rank[spread_each];
    count_block(r, rank);
    int* counts = &shared_at<int>(0);
    MB_LOOP
    for (int e = thread_index(); e < r.experts; e += spread_threads) {
        if (counts[e] > 0) counts[e] = atomic_add(r.cursor + e, counts[e]);
    }
    sync_block();
    MB_UNROLL
    for (int i = 0; i < spread_each; ++i) {
        const int pair = block_x() * spread_pairs + i * spread_threads + thread_index();
        if (pair < r.pairs) place_pair(r, pair, rank[i] >= 0 ? counts[r.expert[pair]] + rank[i] : -1);
    }
}

MB_DEV float low_half(std::uint32_t pair) { return bits_float(pair << 16); }
MB_DEV float high_half(std::uint32_t pair) { return bits_float(pair & 0xFFFF0000u); }

struct MoeCombine {
    const std::uint16_t* y = nullptr;   // sorted rows x hidden
    const int* row_of_pair = nullptr;   // tokens x top_k
    const float* weight = nullptr;      // tokens x top_k
    std::uint16_t* out = nullptr;       // tokens x hidden
    int hidden = 0;                     // a multiple of 8
    int top_k = 1;
};

constexpr int combine_threads = 128;

/// Weighted sum of the rows of a token, eight columns a thread. Grid: tokens, ceil(hidden / 8 / combine_threads).
MB_DEV void combine_rows(const MoeCombine& a) {
    const int column = 8 * (block_y() * combine_threads + thread_index());
    if (column >= a.hidden) return;
    const auto token = static_cast<std::size_t>(block_x());
    float sum[8] = {};
    MB_LOOP
    for (int j = 0; j < a.top_k; ++j) {
        const std::size_t pair = token * static_cast<std::size_t>(a.top_k) + static_cast<std::size_t>(j);
        const int row = a.row_of_pair[pair];
        if (row < 0) continue;
        const float weight = a.weight[pair];
        const auto at = static_cast<std::size_t>(row) * static_cast<std::size_t>(a.hidden) +
                        static_cast<std::size_t>(column);
        const Words words = *reinterpret_cast<const Words*>(a.y + at);
        MB_UNROLL
        for (int i = 0; i < 4; ++i) {
            sum[2 * i] += weight * low_half(words.w[i]);
            sum[2 * i + 1] += weight * high_half(words.w[i]);
        }
    }
    Words out;
    MB_UNROLL
    for (int i = 0; i < 4; ++i) out.w[i] = pack_bf16(sum[2 * i], sum[2 * i + 1]);
    *reinterpret_cast<Words*>(a.out + token * static_cast<std::size_t>(a.hidden) +
                              static_cast<std::size_t>(column)) = out;
}

struct Quantize {
    const std::uint16_t* in = nullptr;
    unsigned char* out = nullptr;
    long long groups = 0;   // of 8 elements
    float factor = 1;
};

constexpr int quantize_threads = 256;

/// bfloat16 to e4m3 with one factor for all, eight elements a thread. Grid: ceil(groups / quantize_threads).
MB_DEV void quantize(const Quantize& a) {
    const long long group = static_cast<long long>(block_x()) * quantize_threads + thread_index();
    if (group >= a.groups) return;
    const Words words = reinterpret_cast<const Words*>(a.in)[group];
    MB_UNROLL
    for (int i = 0; i < 4; ++i) {
        reinterpret_cast<std::uint16_t*>(a.out)[4 * group + i] =
            pack_e4m3(low_half(words.w[i]) * a.factor, high_half(words.w[i]) * a.factor);
    }
}

}   // namespace microbench::tensor
