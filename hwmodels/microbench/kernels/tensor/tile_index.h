// SPDX-License-Identifier: Apache-2.0
// Which tile of which expert a block works on, and which row of weights a row of a tile is: plain integer functions.
#pragma once

#include "kernels/index/hd.h"

namespace microbench::tensor {

MB_HD constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

/// Largest i in [0, count) with prefix[i] <= value, where prefix ascends (count + 1 entries, prefix[count] > value):
/// the owner of item `value`. Empty owners (equal neighbours) are never returned.
MB_HD inline int owner_of(const int* prefix, int count, int value) {
    int low = 0;
    int high = count;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (prefix[middle] <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

struct Tile {
    int expert;
    int m;   // tile of rows inside the expert
    int n;   // tile of columns
};

/// Rows of tiles that share one walk over the columns: their A stays in L2 while B streams.
constexpr int rows_of_walk = 16;

/// Tile `index` of the list ordered by expert, then by groups of rows_of_walk row tiles, then by column, then by row:
/// neighbouring blocks share a tile of weights. `tile_prefix` counts row tiles before each expert (experts + 1 entries).
MB_HD inline Tile tile_at(int index, const int* tile_prefix, int experts, int column_tiles) {
    const int row_tile = index / column_tiles;   // as if rows were walked first: enough to find the expert
    const int expert = owner_of(tile_prefix, experts, row_tile);
    const int row_tiles = tile_prefix[expert + 1] - tile_prefix[expert];
    const int inside = index - tile_prefix[expert] * column_tiles;
    const int walk = inside / (rows_of_walk * column_tiles);
    const int first = walk * rows_of_walk;
    const int rows = row_tiles - first < rows_of_walk ? row_tiles - first : rows_of_walk;
    const int rest = inside - first * column_tiles;
    return {expert, first + rest % rows, rest / rows};
}

/// Of a gated layer, row r of a tile of weights: groups of 8 columns of the gate and of the up projection alternate,
/// so that both values of an element lie in one lane. Column inside the tile's output columns:
MB_HD constexpr int gated_column(int r) { return (r / 16) * 8 + r % 8; }
/// 0 gate, 1 up:
MB_HD constexpr int gated_half(int r) { return (r / 8) % 2; }

/// First row of expert e (count rows sorted by expert) and first row tile follow from the counts by running sums.
MB_HD inline void running_sums(const int* counts, int experts, int tile_rows, int* row_prefix,
                               int* tile_prefix) {
    row_prefix[0] = 0;
    tile_prefix[0] = 0;
    for (int e = 0; e < experts; ++e) {
        row_prefix[e + 1] = row_prefix[e] + counts[e];
        tile_prefix[e + 1] = tile_prefix[e] + divide_up(counts[e], tile_rows);
    }
}

}   // namespace microbench::tensor
