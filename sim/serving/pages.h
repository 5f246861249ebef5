// SPDX-License-Identifier: Apache-2.0
// Bytes of the cache that a sequence holds when the cache is handed out in pages.
#pragma once

#include "moecost/base/dtype.h"
#include "moecost/base/quantity.h"
#include "moecost/hardware/engine_memory.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// Pages of one model on one rank. Without terms of an engine a page holds one token.
struct Pages {
    double block = 1;              // tokens of a page of attention
    double recurrent_layers = 0;   // whose state takes a page each; 0: state lies apart, as large as it is
    Bytes page;                    // of one layer, where recurrent state takes one
};

/// Pages of b tokens. Where attention and recurrent layers share them (unified pages), a page of attention grows to the
/// least multiple of b that holds the state S of one recurrent layer beside a bytes per token and layer:
///   block = b ceil(S/(b a)); Qwen3.5-27B with an fp8 cache: S = 3,207,168 B, a = 2,048 B, block = 1,568 (logged).
[[nodiscard]] Pages pages_of(const Architecture& architecture, DType cache, int tp, const MemoryTerms* terms);

/// What one sequence of `tokens` holds on a rank: whole pages, and one more for a window that has slid into it.
[[nodiscard]] Bytes paged_bytes(const Architecture& architecture, DType cache, double tokens, int tp,
                                const Pages& pages);

/// The same in the mean over sequences around that length: their last page is half full.
[[nodiscard]] Bytes mean_paged_bytes(const Architecture& architecture, DType cache, double tokens, int tp,
                                     const Pages& pages);

}   // namespace moecost
