// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/routing.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/incomplete_gamma.h"
#include "moecost/base/numerics.h"

namespace moecost {
namespace {

/// Slots beyond the first that experts need so that none carries more than theta: the sum of P(x > j theta) over j >= 1.
/// Above `enough` it is not worked out.
double copies_above(double skew, double theta, double enough) {
    double sum = 0;
    double share = 1;
    for (int j = 1; share > 1e-12 && sum <= enough; ++j) {
        share = upper_gamma_share(skew, skew * j * theta);
        sum += share;
    }
    return sum;
}

}   // namespace

Routing::Routing(double experts, double top_k, double ranks, double skew, double copies)
    : experts_(experts),
      top_k_(top_k),
      ranks_(ranks),
      skew_(skew),
      log_miss_(top_k < experts ? std::log1p(-top_k / experts) : 0),
      spread_(skew > 0 ? slot_variance(skew, copies / experts) * ranks / (experts + copies) : 0),
      most_(expected_max_normal(ranks)),
      held_share_((experts + copies) / experts),
      held_((experts + copies) / ranks) {}

double Routing::distinct(double tokens) const {
    if (top_k_ >= experts_) return tokens > 0 ? experts_ : 0;
    if (skew_ <= 0) return -experts_ * std::expm1(tokens * log_miss_);
    return experts_ * (1 - fast_exp2(-skew_ * fast_log2(1 - tokens * log_miss_ / skew_)));
}

RankLoad Routing::at(double tokens) const {
    const double pairs = top_k_ * tokens;
    if (pairs <= 0) return {};
    const double all = std::max(distinct(tokens), std::min(pairs, top_k_));
    const double mean = std::max(all * held_share_ / ranks_, std::min(1.0, pairs / ranks_));
    double busiest = 1;
    if (ranks_ > 1) busiest = std::min(1 + most_ * std::sqrt(spread_ + ranks_ / pairs), ranks_);
    // The normal approximation falls below one expert where few tokens meet many ranks; the busiest rank never does.
    const double read = std::max(1.0, mean * (1 + (busiest - 1) / 2));
    return {std::min(held_, read), std::max(1.0, busiest * pairs / ranks_)};
}

double slot_variance(double skew, double copies_per_expert) {
    constexpr double nearly_uniform = 1e4;   // the loads hardly differ
    constexpr double most_copies = 16;       // of an expert in the mean: what is left does not matter
    if (copies_per_expert <= 0 || skew > nearly_uniform) return 1 / skew;
    const double r = std::min(copies_per_expert, most_copies);
    double low = 0;
    double high = 1 / r;   // r theta <= E[x] = 1
    for (int i = 0; i < 50; ++i) {
        const double theta = (low + high) / 2;
        (copies_above(skew, theta, r) > r ? low : high) = theta;
    }
    // E[x^2; x > t] = (gs + 1)/gs Q(gs + 2, gs t)
    const auto above = [&](double t) { return (skew + 1) / skew * upper_gamma_share(skew + 2, skew * t); };
    double sum = 0;
    double before = above(0);
    for (int m = 1; before > 1e-12; ++m) {
        const double after = above(m * high);
        sum += (before - after) / m;
        before = after;
    }
    return (1 + r) * sum - 1;
}

double distinct_experts(double experts, double top_k, double tokens, double skew) {
    return Routing(experts, top_k, 1, skew, 0).distinct(tokens);
}

double balanced_skew(double skew, double balance) { return skew / ((1 - balance) * (1 - balance)); }

RankLoad busiest_rank(double experts, double top_k, double tokens, double ranks, double skew, double copies) {
    return Routing(experts, top_k, ranks, skew, copies).at(tokens);
}

double ranks_reached(double experts, double top_k, double ranks) {
    // C(E - E/n, k)/C(E, k): the chance that none of the k experts of a token lies on one given rank.
    const double elsewhere = experts - experts / ranks;
    double none = 1;
    for (double i = 0; i < top_k; ++i) none *= std::max(elsewhere - i, 0.0) / (experts - i);
    return ranks * (1 - none);
}

}   // namespace moecost
