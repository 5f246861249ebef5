// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/memory.h"

#include <algorithm>
#include <cmath>

#include "moecost/serving/engine_weights.h"
#include "moecost/serving/pages.h"
#include "moecost/serving/reserve.h"

namespace moecost {

namespace {

/// Of a stage that holds `all`: sharded parts over tp, routed experts over all GPUs, the small rest on each.
Bytes layers_per_gpu(const std::array<Bytes, component_count>& all, const Layout& layout) {
    const auto of = [&](Component c) { return all[static_cast<std::size_t>(c)]; };
    const Bytes sharded = of(Component::attention) + of(Component::linear_attention) +
                          of(Component::dense_ffn) + of(Component::shared_experts);
    const Bytes replicated = of(Component::router) + of(Component::norms) + of(Component::indexer) +
                             of(Component::latent_proj) + of(Component::other);
    return sharded / layout.tp + of(Component::routed_experts) / layout.stage_gpus() + replicated;
}

}   // namespace

Bytes weights_per_gpu(const WeightBytes& weights, const Layout& layout) {
    const Bytes layers = layers_per_gpu(weights.by_component, layout);
    const Bytes embeddings = weights.of(Component::embeddings) / layout.tp;
    const Bytes head = weights.of(Component::head) / layout.tp;
    if (layout.pp == 1) return layers + embeddings + head;
    return layers / layout.pp + max(embeddings, head);
}

Bytes redundant_weights_per_gpu(const Architecture& architecture, const WeightBytes& weights,
                                const Layout& layout) {
    if (layout.redundant_experts == 0) return {};
    double experts = 0;
    for (const FfnGroup& group : architecture.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind))
            experts = std::max(experts, 1.0 * moe->experts);
    }
    if (experts == 0) return {};
    const double share = layout.redundant_experts / experts;
    return weights.of(Component::routed_experts) * (share / layout.gpus());
}

Bytes draft_weights_per_gpu(const WeightBytes& weights, const Layout& layout) {
    const Bytes tables = weights.of_mtp[static_cast<std::size_t>(Component::embeddings)] +
                         weights.of_mtp[static_cast<std::size_t>(Component::head)];
    return layers_per_gpu(weights.of_mtp, layout) + tables / layout.tp;
}

Bytes reserve_per_gpu(const Architecture& architecture, const Layout& layout, const EngineSettings& settings,
                      const EngineRules& rules) {
    if (settings.reserve) return *settings.reserve;
    const MemoryTerms* terms = terms_of(rules.memory);
    return terms == nullptr ? Bytes{} : reserve_of(architecture, layout, settings, *terms);
}

Expected<MemoryPlan> memory_left(const MemoryInput& in) {
    const MemoryTerms* terms = in.settings.reserve ? nullptr : in.terms();
    MemoryPlan plan;
    plan.capacity = in.cluster.gpu.memory;
    plan.weights = weights_per_gpu(in.weights, in.layout);
    if (in.settings.draft_tokens > 0) plan.weights += draft_weights_per_gpu(in.weights, in.layout);
    if (in.rules != nullptr) {
        plan.weights += extra_weights(in.architecture, in.precision, in.layout, in.cluster.gpu.generation,
                                      in.rules->memory);
    }
    plan.weights += redundant_weights_per_gpu(in.architecture, in.weights, in.layout);
    plan.reserve = in.settings.reserve.value_or(Bytes{});
    if (terms != nullptr) plan.reserve = reserve_of(in.architecture, in.layout, in.settings, *terms);
    const Bytes seen = plan.capacity - (terms == nullptr ? Bytes{} : context_memory(in.layout, *terms));
    const double share = in.settings.memory_fraction;
    const bool of_all = in.settings.memory_basis == MemoryBasis::total;
    const Bytes usable = of_all ? seen * share : seen;
    const Bytes free = usable - plan.weights - plan.reserve;
    if (free.value() <= 0) {
        return Infeasible{"the weights do not fit", "memory per GPU for weights and reserve", "GB",
                          (plan.weights + plan.reserve).value() / 1e9, usable.value() / 1e9};
    }
    plan.cache = of_all ? free : free * share;
    return plan;
}

Expected<MemoryPlan> plan_memory(const MemoryInput& in, const Traffic& traffic) {
    Expected<MemoryPlan> left = memory_left(in);
    if (!left) return left;
    MemoryPlan& plan = *left;
    const DType cache = in.precision.kv_cache;
    const Pages pages = pages_of(in.architecture, cache, in.layout.tp, in.terms());
    const Bytes longest =
        paged_bytes(in.architecture, cache, traffic.input + traffic.output, in.layout.tp, pages) /
        in.layout.pp;
    if (longest > plan.cache) {
        return Infeasible{"not one sequence fits beside the weights", "cache per GPU for one request", "GB",
                          longest.value() / 1e9, plan.cache.value() / 1e9};
    }
    plan.sequence =
        mean_paged_bytes(in.architecture, cache, resident_tokens(in.settings, traffic), in.layout.tp, pages) /
        in.layout.pp;
    const double per_rank = plan.sequence.value() > 0 ? std::floor(plan.cache / plan.sequence) : 1e9;
    plan.max_concurrency =
        std::min(std::max(per_rank, 1.0), in.settings.max_sequences) * in.layout.attention_dp;
    return left;
}

}   // namespace moecost
