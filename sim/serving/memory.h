// SPDX-License-Identifier: Apache-2.0
// What lies in the memory of one GPU, and how many sequences fit beside the weights.
#pragma once

#include "moecost/base/expected.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/engine_rules.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/counts.h"
#include "moecost/ops/layout.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

/// What the laws of memory ask for. Refers to all of it. Without rules an engine has no terms of its own.
struct MemoryInput {
    const Architecture& architecture;
    const Precision& precision;
    const WeightBytes& weights;
    const Layout& layout;
    const Cluster& cluster;
    const EngineSettings& settings;
    const EngineRules* rules = nullptr;

    [[nodiscard]] const MemoryTerms* terms() const {
        return rules == nullptr ? nullptr : terms_of(rules->memory);
    }
};

struct MemoryPlan {
    Bytes capacity;   // device memory that the engine sees
    Bytes weights;    // of the busiest GPU, as the engine holds them
    Bytes reserve;    // runtime, activations, communication buffers, graphs inside the engine's share
    Bytes cache;      // left for sequences by the engine's memory share
    Bytes sequence;   // what one sequence holds on a GPU at its mean resident length
    double max_concurrency = 0;   // sequences of the instance
};

/// Weights of the busiest GPU of an instance: attention, dense and shared parts /tp, routed experts
/// over all GPUs of a stage, router and norms replicated, layers /pp, the larger of embeddings and head on one stage.
[[nodiscard]] Bytes weights_per_gpu(const WeightBytes& weights, const Layout& layout);
/// Modules that draft (multi-token prediction), split the same way, on the last stage.
[[nodiscard]] Bytes draft_weights_per_gpu(const WeightBytes& weights, const Layout& layout);

/// What the redundant copies of experts add: R/E of the routed experts, over all GPUs of a stage and its layers.
[[nodiscard]] Bytes redundant_weights_per_gpu(const Architecture& architecture, const WeightBytes& weights,
                                              const Layout& layout);

/// The reserve in use: settings.reserve, else reserve_of the engine's terms (reserve.h), else nothing.
[[nodiscard]] Bytes reserve_per_gpu(const Architecture& architecture, const Layout& layout,
                                    const EngineSettings& settings, const EngineRules& rules);

/// Weights, reserve and what they leave for the cache; the figures of sequences stay 0.
///   M = device memory - context (what is gone before the engine looks)
///   W = weights_per_gpu [+ draft_weights_per_gpu where tokens are drafted] + extra_weights (engine_weights.h);  reserve: settings.reserve, else reserve_of (reserve.h)
///   cache = fraction M - W - reserve (basis total) or fraction (M - W - reserve) (basis free)
/// A reserve that is given stands for everything: no context is taken beside it.
/// Infeasible when weights and reserve exceed the memory.
[[nodiscard]] Expected<MemoryPlan> memory_left(const MemoryInput& input);

/// Tokens that a sequence holds on average: I + r O, of lengths as they are met in decode, and a slot for each drafted token.
[[nodiscard]] inline double resident_tokens(const EngineSettings& settings, const Traffic& traffic) {
    return traffic.seen_input() + settings.output_reserve * traffic.seen_output() + settings.draft_tokens;
}

/// sequences of a rank = floor(cache / mean bytes at I + r O tokens in pages), at most max_sequences of the engine.
/// Infeasible when weights and reserve exceed memory, or when not one sequence of I + O tokens fits.
[[nodiscard]] Expected<MemoryPlan> plan_memory(const MemoryInput& input, const Traffic& traffic);
[[nodiscard]] inline Expected<MemoryPlan> plan_memory(const Architecture& architecture,
                                                      const Precision& precision, const WeightBytes& weights,
                                                      const Layout& layout, const Cluster& cluster,
                                                      const EngineSettings& settings, const Traffic& traffic,
                                                      const EngineRules* rules = nullptr) {
    return plan_memory({architecture, precision, weights, layout, cluster, settings, rules}, traffic);
}

}   // namespace moecost
