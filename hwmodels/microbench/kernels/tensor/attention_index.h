// SPDX-License-Identifier: Apache-2.0
// Index arithmetic of attention: pages of the cache, parts of a context (split KV), causal limits, merging of partial
// softmax results. Scores are in units of log2, so that exp2 serves.
#pragma once

#include <cstddef>

#include "kernels/index/hd.h"

namespace microbench::tensor {

/// No score yet; far below any real one, and free of infinity minus infinity.
constexpr float no_score = -1e30F;
/// Score of a key that a query does not attend. Below no_score: where a row attends nothing of its first tiles, as
/// with a sliding window, the largest score stays no_score and the key weighs exp2(-1e30) = 0. The difference of two
/// scores of -1e30, scaled with one rounding, can be 1e22, which is infinite as a weight.
constexpr float hidden_score = 2 * no_score;

struct TokenRange {
    int begin;
    int end;
};

/// Sliding window of attention to everything: longer than any context, and its sum with a position is still an int.
constexpr int no_window = 1 << 30;

/// First token that the last of `context` tokens attends: a sliding window counts that token itself.
MB_HD constexpr int window_begin(int context, int window) { return window < context ? context - window : 0; }

/// Most tokens that are read of a context of at most `context`: a window may begin anywhere inside its first tile.
MB_HD constexpr int tokens_read(int context, int window, int tile) {
    return window + tile - 1 < context ? window + tile - 1 : context;
}

/// Tokens of part `part` when each part has `part_tokens` (a multiple of the tile); empty beyond the context. `first`
/// is where the first part begins, a multiple of the tile.
MB_HD constexpr TokenRange tokens_of_part(int part, int part_tokens, int context, int first = 0) {
    const int begin = first + part * part_tokens;
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

/// Whether query position `query` attends to key position `key`; `window` counts the query's own position. Keys beyond
/// the end lie beyond every query.
MB_HD constexpr bool attends(int query, int key, int window) {
    return static_cast<unsigned>(query - key) <
           static_cast<unsigned>(window);   // a later key: a large number
}

/// Tiles of keys [begin, end) that `rows` queries from `first` on need: causal, within the window.
MB_HD constexpr TokenRange key_tiles(int first, int rows, int length, int window, int tile) {
    const int last = first + rows < length ? first + rows : length;
    const int begin = first + 1 > window ? first + 1 - window : 0;
    return {begin / tile, (last + tile - 1) / tile};
}

/// Whether some of `rows` queries from `first` on attends some of `keys` keys from `key` on.
MB_HD constexpr bool meets(int first, int rows, int key, int keys, int window) {
    return first - key > -rows && first - key < keys + window - 1;
}

/// Whether one of them does not attend all those keys: the scores need a mask.
MB_HD constexpr bool needs_mask(int first, int rows, int key, int keys, int window) {
    return first - key < keys - 1 || first - key > window - rows;
}

}   // namespace microbench::tensor
