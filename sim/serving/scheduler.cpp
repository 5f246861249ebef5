// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/scheduler.h"

#include <cmath>

namespace moecost {

SchedulerRules scheduler_rules(const EngineSettings& settings, const Layout& layout, const MemoryPlan& memory,
                               const Traffic& traffic) {
    SchedulerRules r;
    r.batching = settings.batching;
    r.chunk_tokens = settings.chunk_tokens * layout.pp;   // each stage works on a chunk of its own
    r.max_sequences = std::floor(settings.max_sequences);
    if (memory.sequence.value() > 0) {
        r.cache_tokens = memory.cache / memory.sequence * resident_tokens(settings, traffic);
    }
    r.cache = settings.output_reserve >= 1 ? CachePolicy::reserve : CachePolicy::grow;
    r.queries = 1 + settings.draft_tokens;
    r.tokens_per_step = settings.tokens_per_step();
    r.ranks = layout.attention_dp;
    r.prompt_interval = settings.prompt_interval;
    return r;
}

}   // namespace moecost
