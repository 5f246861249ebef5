// SPDX-License-Identifier: Apache-2.0
// How one model instance is spread over GPUs, and which layouts an engine can run.
#pragma once

#include <optional>
#include <string_view>

#include "moecost/base/expected.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// How tokens reach their experts: by the collectives of the layer (all-reduce, or gather and scatter between
/// attention-data-parallel ranks), or by an all-to-all backend: DeepEP in its low-latency or normal mode, or the
/// two-sided kernels of one NVLink domain (TensorRT-LLM).
enum class ExpertExchange { collective, low_latency, normal, nvlink };
[[nodiscard]] std::string_view name_of(ExpertExchange exchange);

struct Layout {
    int tp = 1;             // tensor parallelism of attention, inside one data-parallel rank
    int pp = 1;             // pipeline stages
    int ep = 1;             // expert parallelism: whole experts on tp * attention_dp / expert_tp() ranks
    int attention_dp = 1;   // ranks that hold their own sequences
    ExpertExchange exchange = ExpertExchange::collective;
    int redundant_experts =
        0;   // copies of the hottest experts beyond those of the model, all ranks together
    bool batch_overlap = false;   // a step runs as two half batches: one computes while the other travels
    bool operator==(const Layout&) const = default;

    /// Experts meet their tokens by an all-to-all: a rank sees the rows of its own experts alone.
    [[nodiscard]] bool all_to_all() const { return exchange != ExpertExchange::collective && ep > 1; }

    [[nodiscard]] int stage_gpus() const { return tp * attention_dp; }
    [[nodiscard]] int gpus() const { return tp * attention_dp * pp; }
    [[nodiscard]] int expert_tp() const { return stage_gpus() / ep; }   // tensor parallelism inside an expert
};

/// Heads that tensor parallelism splits: query-side heads, and key/value heads (0: replicated latents or states).
struct Heads {
    int query = 0;
    int kv = 0;
};
[[nodiscard]] Heads heads_of(const Mixer& mixer);

/// Nothing when our arithmetic holds for the layout, else which rule it breaks (what an engine refuses besides is in
/// launchable.h):
///   tp divides the query heads; K divides tp or tp divides K; ep divides tp * attention_dp and E
/// plus its redundant copies; pp <= layers; copies need ep > 1.
[[nodiscard]] std::optional<Infeasible> layout_problem(const Architecture& architecture,
                                                       const Layout& layout);

}   // namespace moecost
