// SPDX-License-Identifier: Apache-2.0
// What an engine does with the requests it holds: the rules that closed forms and event simulation share.
#pragma once

#include <algorithm>
#include <limits>

#include "moecost/hardware/profile/profile.h"
#include "moecost/ops/layout.h"
#include "moecost/serving/memory.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

/// How cache is promised: all of I + O at admission, or the prompt (and the share `promised` of what is still to come of
/// every answer that runs) and then what grows; what does not fit any more is preempted, the latest first, and computed
/// again.
enum class CachePolicy { reserve, grow };

/// One engine instance. Limits are per attention rank; ranks (attention data parallelism) step together.
struct SchedulerRules {
    Batching batching = Batching::chunked_prefill;
    double chunk_tokens = 8192;   // C: tokens of a step; where decodes share it they take their part first
    double max_sequences = 256;
    double cache_tokens = std::numeric_limits<double>::infinity();   // M
    CachePolicy cache = CachePolicy::grow;
    double promised = 0;          // of an answer to come, held back from new requests while cache grows
    double queries = 1;           // tokens a decode sequence takes of a step: 1 + drafts
    double tokens_per_step = 1;   // y: tokens it gains
    int ranks = 1;                // attention ranks in lockstep: a step lasts as its busiest rank
    double prompt_interval = 0;   // least steps between two that carry prompts, while anybody decodes
};

/// What an engine promises of answers to come while its cache grows.
[[nodiscard]] inline double promised_share(const EngineSettings& s) {
    return s.output_reserve >= 1 ? 0 : std::max(2 * s.output_reserve - 1, 0.0);
}
/// KV tokens of a rank.
[[nodiscard]] double cache_tokens(const EngineSettings& settings, const MemoryPlan& memory,
                                  const Traffic& traffic);

/// Rules of a deployment: limits of the engine, cache from the memory plan, reserve where the engine holds the whole
/// output (output_reserve 1). A promise of p holds (1 + p)/2 of an answer on average, so p = 2 output_reserve - 1.
[[nodiscard]] SchedulerRules scheduler_rules(const EngineSettings& settings, const Layout& layout,
                                             const MemoryPlan& memory, const Traffic& traffic);

/// Prompt tokens a step takes: C - B queries, at least 1, where decodes share it; C where they wait.
[[nodiscard]] inline double prompt_budget(const SchedulerRules& r, double decodes) {
    if (r.batching == Batching::prefill_first) return r.chunk_tokens;
    return std::max(r.chunk_tokens - decodes * r.queries, 1.0);
}

/// Attention ranks that the prompt tokens of a step lie on: a prompt stays on one rank, so few prompts leave the others
/// waiting for the busiest; 0 where there is one rank (StepShape::prompt_ranks).
[[nodiscard]] inline double prompt_ranks(double tokens, double prompt, double chunk, double ranks) {
    return ranks > 1 ? std::clamp(tokens / std::max(std::min(prompt, chunk), 1.0), 1.0, ranks) : 0;
}

/// Seconds of a decode step with the checks of its drafts: longer by what verification takes of the sequences of a rank, and
/// by the host of each rank, which works on its own sequences one after another.
[[nodiscard]] inline double with_checks(const EngineSettings& s, double ranks, double decodes,
                                        double seconds) {
    if (s.draft_tokens <= 0 || decodes <= 0) return seconds;
    return s.verification(decodes / ranks) * seconds +
           decodes / ranks * s.draft_cost.host_per_sequence.value();
}

/// Tokens that must be free to admit a request: I + O, or I and the promised share of O.
[[nodiscard]] inline double admission_tokens(const SchedulerRules& r, double input, double output) {
    return r.cache == CachePolicy::reserve ? input + output : input + r.promised * output;
}

}   // namespace moecost
