// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/prefix_hits.h"
#include "moecost/timing/step_timer.h"

#include <algorithm>

namespace moecost {
namespace {

/// Tokens that the two tiers of an instance hold.
struct Tiers {
    double device, host;
    double bytes_per_token;   // of a GPU
};

Tiers tiers_of(const PrefixReuse& reuse, const Layout& layout, const MemoryPlan& memory, double resident) {
    const double bytes = memory.sequence.value() / resident;
    const double ranks = layout.attention_dp;
    const double gpus_of_rank = layout.gpus() / ranks;
    return {memory.cache.value() / bytes * ranks,
            reuse.host_per_gpu.value() * layout.gpus() / (bytes * gpus_of_rank), bytes};
}

}   // namespace

SettledTraffic with_prefix_hits(const PrefixReuse& reuse, StepTimer& timer, const ServingConstants& constants,
                                const EngineSettings& settings, const Layout& layout,
                                const MemoryPlan& memory, Traffic traffic) {
    SettledTraffic s{std::move(traffic), {}};
    if (!reuse.known() || !(memory.sequence.value() > 0)) return s;
    const Tiers tiers = tiers_of(reuse, layout, memory, resident_tokens(settings, s.traffic));
    for (int round = 0; round < 3; ++round) {
        const Expected<Serving> served = serve(timer, constants, settings, layout, memory, s.traffic);
        if (!served) return s;
        const double rate = std::max(served->requests_per_s.value(), 1e-9);
        const double device = std::max(tiers.device - served->running * s.traffic.mean_context(), 0.0);
        const ReuseCurve turns = reuse.curve
                                     ? ReuseCurve{}
                                     : conversation_reuse(reuse.turns, s.traffic.input, s.traffic.output,
                                                          rate, served->e2e.value(), reuse.think_s);
        s.hits = reuse.curve ? tier_hits(*reuse.curve, device, tiers.host, rate / reuse.curve_rate)
                             : tier_hits(turns, device, tiers.host);
        s.traffic.prefix_hit_rate = std::min(s.hits.device + s.hits.host, 0.999);
        s.traffic.restore_s = s.hits.host * s.traffic.input * tiers.bytes_per_token / reuse.host_link.value();
    }
    return s;
}

}   // namespace moecost
