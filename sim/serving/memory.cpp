// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/memory.h"

#include <algorithm>
#include <cmath>

#include "moecost/model/cache.h"

namespace moecost {

Bytes weights_per_gpu(const WeightBytes& weights, const Layout& layout) {
    const double tp = layout.tp;
    const Bytes sharded = weights.of(Component::attention) + weights.of(Component::linear_attention) +
                          weights.of(Component::dense_ffn) + weights.of(Component::shared_experts);
    const Bytes replicated = weights.of(Component::router) + weights.of(Component::norms) +
                             weights.of(Component::indexer) + weights.of(Component::latent_proj) +
                             weights.of(Component::other);
    const Bytes layers =
        sharded / tp + weights.of(Component::routed_experts) / layout.stage_gpus() + replicated;
    const Bytes embeddings = weights.of(Component::embeddings) / tp;
    const Bytes head = weights.of(Component::head) / tp;
    if (layout.pp == 1) return layers + embeddings + head;
    return layers / layout.pp + max(embeddings, head);
}

Expected<MemoryPlan> plan_memory(const Architecture& architecture, const Precision& precision,
                                 const WeightBytes& weights, const Layout& layout, const Cluster& cluster,
                                 const EngineSettings& engine, const Traffic& traffic) {
    MemoryPlan plan;
    plan.capacity = cluster.gpu.memory;
    plan.weights = weights_per_gpu(weights, layout);
    plan.reserve = engine.reserve;
    const double share = engine.memory_fraction;
    const Bytes usable = engine.memory_basis == MemoryBasis::total ? plan.capacity * share : plan.capacity;
    const Bytes free = usable - plan.weights - plan.reserve;
    if (free.value() <= 0) {
        return Infeasible{"the weights do not fit", "memory per GPU for weights and reserve", "GB",
                          (plan.weights + plan.reserve).value() / 1e9, usable.value() / 1e9};
    }
    plan.cache = engine.memory_basis == MemoryBasis::total ? free : free * share;
    const auto held = [&](double tokens) {
        return sequence_bytes(architecture, precision.kv_cache, tokens, layout.tp) / layout.pp;
    };
    const Bytes longest = held(traffic.input + traffic.output);
    if (longest > plan.cache) {
        return Infeasible{"not one sequence fits beside the weights", "cache per GPU for one request", "GB",
                          longest.value() / 1e9, plan.cache.value() / 1e9};
    }
    plan.sequence = held(traffic.input + engine.output_reserve * traffic.output);
    const double per_rank = plan.sequence.value() > 0 ? std::floor(plan.cache / plan.sequence) : 1e9;
    plan.max_concurrency = std::min(std::max(per_rank, 1.0), engine.max_sequences) * layout.attention_dp;
    return plan;
}

}   // namespace moecost
