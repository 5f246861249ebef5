// SPDX-License-Identifier: Apache-2.0
// Index arithmetic of attention: pages of the cache, parts of a context (split KV), causal limits, merging of partial
// softmax results. Scores are in units of log2, so that exp2 serves.
#pragma once

#include <cstddef>

#include "kernels/index/hd.h"

namespace microbench::tensor {

/// No score yet; far below any real one, and free of infinity minus infinity.
constexpr float no_score = -1e30F;

struct TokenRange {
    int begin;
    int end;
};

/// Tokens of part `part` when each part has `part_tokens` (a multiple of the tile); empty beyond the context.
MB_HD constexpr TokenRange tokens_of_part(int part, int part_tokens, int context) {
    const int begin = part * part_tokens;
    const int end = begin + part_tokens < context ? begin + part_tokens : context;
    return {begin, end > begin ? end : begin};
}

/// Tokens per part so that about `parts` parts of a multiple of `tile` cover the context.
MB_HD constexpr int part_tokens_for(int context, int parts, int tile) {
    const int tiles = (context + tile - 1) / tile;
    return (tiles + parts - 1) / parts * tile;
}

/// Number of parts into which each of `items` (sequences x KV heads) is divided so that `slots` resident blocks are
/// used evenly: least waves x (tiles of a part + overhead of a part).
MB_HD constexpr int choose_parts(int items, int context, int tile, int slots, int most) {
    const int overhead = 4;   // tiles' worth of start, merge and write of one part
    const int tiles = (context + tile - 1) / tile;
    int best = 1;
    long long least = -1;
    for (int parts = 1; parts <= most && parts <= tiles; ++parts) {
        const int of_part = (tiles + parts - 1) / parts;
        const int used = (tiles + of_part - 1) / of_part;
        const long long waves = (static_cast<long long>(items) * used + slots - 1) / slots;
        const long long cost = waves * (of_part + overhead) + (parts > 1 ? 2 : 0);
        if (least < 0 || cost < least) {
            least = cost;
            best = used;
        }
    }
    return best;
}

/// Row (token) of the paged cache that holds `token` of a sequence: pages of page_tokens rows.
MB_HD constexpr std::size_t cache_row(const int* pages, int page_tokens, int token) {
    return static_cast<std::size_t>(pages[token / page_tokens]) * static_cast<std::size_t>(page_tokens) +
           static_cast<std::size_t>(token % page_tokens);
}

/// Whether query position `query` attends to key position `key`. Keys beyond the end lie beyond every query.
MB_HD constexpr bool attends(int query, int key) { return key <= query; }

/// Tiles of keys that a tile of queries [first, first + rows) needs, causal.
MB_HD constexpr int key_tiles(int first, int rows, int length, int tile) {
    const int last = first + rows < length ? first + rows : length;
    return (last + tile - 1) / tile;
}

/// First tile of keys of which some query of the tile does not see all keys: from here on scores are masked.
MB_HD constexpr int first_masked_tile(int first, int tile) { return (first + 1) / tile; }

}   // namespace microbench::tensor
