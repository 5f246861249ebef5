// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/capacity.h"

#include <algorithm>
#include <cmath>

#include "moecost/ops/launchable.h"
#include "moecost/serving/pages.h"

namespace moecost {
namespace {

constexpr int most_tp = 64;

Bytes sequence(const MemoryInput& in, const Pages& pages, double tokens) {
    return paged_bytes(in.architecture, in.precision.kv_cache, tokens, in.layout.tp, pages) / in.layout.pp;
}

Pages pages_of(const MemoryInput& in) {
    return pages_of(in.architecture, in.precision.kv_cache, in.layout.tp, in.terms());
}

/// Why a layout cannot run or be launched.
std::optional<Infeasible> refused(const MemoryInput& in) {
    if (auto problem = layout_problem(in.architecture, in.layout)) return problem;
    if (in.rules == nullptr) return std::nullopt;
    const auto problem = launch_problem(*in.rules, in.architecture, in.precision, in.layout, in.cluster.gpu,
                                        {0, in.settings.draft_tokens});
    if (problem) return infeasible_of(*problem);
    return std::nullopt;
}

}   // namespace

Expected<double> largest_context(const MemoryInput& in, double sequences) {
    const Expected<MemoryPlan> space = memory_left(in);
    if (!space) return space.error();
    const double of_rank = std::ceil(sequences / in.layout.attention_dp);
    const Bytes budget = space->cache / of_rank;
    const Pages pages = pages_of(in);
    if (sequence(in, pages, 1) > budget) {
        return Infeasible{"not one token of each sequence fits beside the weights",
                          "cache per GPU and sequence", "GB", sequence(in, pages, 1).value() / 1e9,
                          budget.value() / 1e9};
    }
    double low = 1;
    double high = in.architecture.max_position > 0 ? in.architecture.max_position : max_tokens;
    if (sequence(in, pages, high) <= budget) return high;
    while (high - low > 1) {
        const double middle = std::floor((low + high) / 2);
        (sequence(in, pages, middle) <= budget ? low : high) = middle;
    }
    return low;
}

Expected<double> largest_concurrency(const MemoryInput& in, double context) {
    const Expected<MemoryPlan> space = memory_left(in);
    if (!space) return space.error();
    const Bytes held = sequence(in, pages_of(in), context);
    const double of_rank = held.value() > 0 ? std::floor(space->cache / held) : in.settings.max_sequences;
    if (of_rank < 1) {
        return Infeasible{"not one sequence fits beside the weights", "cache per GPU for one request", "GB",
                          held.value() / 1e9, space->cache.value() / 1e9};
    }
    return std::min(of_rank, in.settings.max_sequences) * in.layout.attention_dp;
}

Expected<int> smallest_tp(const MemoryInput& in, double context, double sequences) {
    const bool spans = in.layout.ep > 1 && in.layout.ep == in.layout.stage_gpus();
    std::optional<Infeasible> short_of_memory, refusal;
    for (int tp = 1; tp <= most_tp; tp *= 2) {
        Layout layout = in.layout;
        layout.tp = tp;
        if (spans) layout.ep = layout.stage_gpus();
        const MemoryInput tried{in.architecture, in.precision, in.weights, layout,
                                in.cluster,      in.settings,  in.rules};
        if (auto problem = refused(tried)) {
            refusal = std::move(problem);
            continue;
        }
        const Expected<double> most = largest_concurrency(tried, context);
        if (most && *most >= sequences) return tp;
        short_of_memory = most ? Infeasible{"the sequences do not fit at once", "sequences of an instance",
                                            "sequences", sequences, *most}
                               : most.error();
    }
    return short_of_memory ? *short_of_memory : *refusal;
}

Capacity capacity_of(const MemoryInput& in, double context, double sequences) {
    const Expected<double> longest = largest_context(in, sequences);
    const Expected<double> most = largest_concurrency(in, context);
    return {sequences, context, longest ? *longest : 0, most ? *most : 0,
            smallest_tp(in, context, sequences)};
}

}   // namespace moecost
