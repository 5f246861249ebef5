// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/scheduler.h"

#include <cmath>

namespace moecost {

double cache_tokens(const EngineSettings& settings, const MemoryPlan& memory, const Traffic& traffic) {
    if (!(memory.sequence.value() > 0)) return std::numeric_limits<double>::infinity();
    return memory.cache / memory.sequence * resident_tokens(settings, traffic);
}

SchedulerRules scheduler_rules(const EngineSettings& settings, const Layout& layout, const MemoryPlan& memory,
                               const Traffic& traffic) {
    SchedulerRules r;
    r.batching = settings.batching;
    r.chunk_tokens = settings.chunk_tokens * layout.pp;   // each stage works on a chunk of its own
    r.max_sequences = std::floor(settings.max_sequences);
    r.cache_tokens = cache_tokens(settings, memory, traffic);
    r.cache = settings.output_reserve >= 1 ? CachePolicy::reserve : CachePolicy::grow;
    r.promised = promised_share(settings);
    r.queries = 1 + settings.draft_tokens;
    r.tokens_per_step = settings.tokens_per_step();
    r.ranks = layout.attention_dp;
    r.prompt_interval = settings.prompt_interval;
    return r;
}

}   // namespace moecost
