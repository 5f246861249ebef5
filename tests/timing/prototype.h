// SPDX-License-Identifier: Apache-2.0
// The numerical prototype behind the expected figures of whole steps and loops: it knew the engine's own GEMM tables alone, no
// all-reduce of norms over all heads, and other constants of the served step.
#pragma once

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture.h"

inline void as_in_the_prototype(moecost::Profile& p) {
    using namespace moecost;
    if (!p.kernels) return;
    const auto micro = [](double x) { return Seconds{x * 1e-6}; };
    const ServingLaw law = p.serving.law;
    p.serving = {};
    p.serving.law = law;
    p.serving.floor_factor = p.engine == "vllm" ? 1.397 : p.engine == "sglang" ? 1.471 : 1.394;
    p.serving.floor_cap = micro(30);
    p.serving.prefill_factor = p.engine == "vllm" ? 1.35 : p.engine == "sglang" ? 1.153 : 1.336;
    p.serving.host = micro(245.4);
    p.serving.host_per_sequence = micro(12.33);
    p.serving.expert_skew = 1.13;
    p.serving.lockstep_requests = 1e6;
    std::vector<GemmTable> own;
    for (const GemmTable& t : p.kernels->gemm) {
        const bool known =
            std::any_of(own.begin(), own.end(), [&](const auto& o) { return o.weights == t.weights; });
        if (!known) own.push_back(t);
    }
    p.kernels->gemm = std::move(own);
}

inline moecost::Architecture as_in_the_prototype(moecost::Architecture a) {
    for (moecost::MixerGroup& g : a.mixers) {
        if (auto* grouped = std::get_if<moecost::GroupedAttention>(&g.kind))
            grouped->qk_norm = moecost::QkNorm::none;
    }
    return a;
}
