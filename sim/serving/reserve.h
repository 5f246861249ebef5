// SPDX-License-Identifier: Apache-2.0
// What an engine sets aside on a GPU before it lays out the cache: libraries and communication buffers, the peak of the
// step it runs to find out (the profiling step), and graphs. Constants by engine and version: hwmodels/engines/*.toml
// [[memory_terms]].
#pragma once

#include "moecost/base/quantity.h"
#include "moecost/hardware/engine_memory.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture.h"
#include "moecost/ops/layout.h"

namespace moecost {

/// Peak of a step of T = chunk tokens that samples S = min(max_sequences, T) of them, vocabulary V, hidden h:
///   max(sampler, layers)
///   sampler = S V b + 2 T h + workspace + fixed       b: bytes of a logit and its copies
///   layers  = 2 T (m w/tp + c h) + fixed              w: widest dense or shared FFN of m matrices, c: forward_hidden
///   workspace = 2 T k (max(2 w_e/tp_e, h) + w_e/tp_e) of the routed experts, where the engine keeps it
/// Logs of vLLM 0.11 to 0.19: median error 0.07 % of the cache, 90th percentile 0.7 % (results/memory, 2026-11).
[[nodiscard]] Bytes activation_peak(const Architecture& architecture, const Layout& layout,
                                    const EngineSettings& settings, const MemoryTerms& terms);

/// CUDA graphs that lie inside the engine's share: fixed + per layer of a stage.
[[nodiscard]] Bytes graph_memory(const Architecture& architecture, const Layout& layout,
                                 const MemoryTerms& terms);

/// Gone before the share is taken, and libraries inside it; several GPUs of a stage hold communication buffers.
[[nodiscard]] Bytes context_memory(const Layout& layout, const MemoryTerms& terms);
[[nodiscard]] Bytes other_memory(const Layout& layout, const MemoryTerms& terms);

/// Sum of the parts inside the share: other + activation peak + graphs.
[[nodiscard]] Bytes reserve_of(const Architecture& architecture, const Layout& layout,
                               const EngineSettings& settings, const MemoryTerms& terms);

}   // namespace moecost
