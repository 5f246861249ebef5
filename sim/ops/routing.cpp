// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/routing.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"

namespace moecost {

double distinct_experts(double experts, double top_k, double tokens, double skew) {
    if (top_k >= experts) return tokens > 0 ? experts : 0;
    const double log_miss = std::log1p(-top_k / experts);   // of one token missing one expert
    if (skew <= 0) return -experts * std::expm1(tokens * log_miss);
    return experts * (1 - fast_exp2(-skew * fast_log2(1 - tokens * log_miss / skew)));
}

double balanced_skew(double skew, double balance) { return skew / ((1 - balance) * (1 - balance)); }

RankLoad busiest_rank(double experts, double top_k, double tokens, double ranks, double skew, double copies) {
    const double pairs = top_k * tokens;
    if (pairs <= 0) return {};
    const double all = std::max(distinct_experts(experts, top_k, tokens, skew), std::min(pairs, top_k));
    const double held = experts + copies;
    const double mean = std::max(all * (held / experts) / ranks, std::min(1.0, pairs / ranks));
    double busiest = 1;
    if (ranks > 1) {
        const double popularity = skew > 0 ? ranks / (experts * skew) : 0;
        busiest = 1 + expected_max_normal(ranks) * std::sqrt(popularity + ranks / pairs);
        busiest = std::min(busiest, ranks);
    }
    // The normal approximation falls below one expert where few tokens meet many ranks; the busiest rank never does.
    const double distinct = std::max(1.0, mean * (1 + (busiest - 1) / 2));
    return {std::min(held / ranks, distinct), std::max(1.0, busiest * pairs / ranks)};
}

double ranks_reached(double experts, double top_k, double ranks) {
    // C(E - E/n, k)/C(E, k): the chance that none of the k experts of a token lies on one given rank.
    const double elsewhere = experts - experts / ranks;
    double none = 1;
    for (double i = 0; i < top_k; ++i) none *= std::max(elsewhere - i, 0.0) / (experts - i);
    return ranks * (1 - none);
}

}   // namespace moecost
