// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/preemption.h"

#include <algorithm>
#include <cmath>

#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

/// The positive root of 1 - e^-x = q x, 0 < q < 1.
double stay_root(double q) {
    double low = 0;
    double high = 1 / q;
    for (int i = 0; i < 50; ++i) {
        const double x = (low + high) / 2;
        (1 - std::exp(-x) > q * x ? low : high) = x;
    }
    return (low + high) / 2;
}

/// Part of the outputs that end on their own, not with those that came beside them.
double independent(const LengthLaw& l) { return std::clamp(16 * l.cv2_output, 1e-6, 1.0); }

double sequences_of_rank(const Replica& r) { return std::max(r.rules.cache_tokens / r.lengths.context, 1.0); }

/// E[max(s O - N (I + O), 0)]/(s O), N ~ Poisson(s).
double missed_in_a_step(double s, double input, double output) {
    double chance = std::exp(-s);
    double sum = 0;
    for (int n = 0; n * (input + output) < s * output && n < 200; ++n) {
        if (n > 0) chance *= s / n;
        sum += chance * (s * output - n * (input + output));
    }
    return sum / (s * output);
}

}   // namespace

Preemption preemption(const Replica& r) {
    Preemption p;
    const LengthLaw& l = r.lengths;
    p.prompt = l.mean_input;
    const double output = l.mean_output - 1;
    if (r.rules.cache != CachePolicy::grow || r.rules.promised > 0 || !std::isfinite(r.rules.cache_tokens) ||
        output < 1)
        return p;
    const double sequences = sequences_of_rank(r);
    const double most = 0.24 / std::pow(1 + output / l.mean_input, 0.25);
    double gained = 0.1;   // g/O
    for (int i = 0; i < 30; ++i) {
        p.per_request = output / (l.mean_input + gained * output);
        const double q = p.per_request / (1 + p.per_request);
        const double stay = 1 / (stay_root(q) * q);
        const double free = (1 + p.per_request) * stay / (sequences * independent(l));
        gained = (gained + most * free / (most + free)) / 2;
    }
    p.prompt = l.mean_input + gained * output;
    p.per_request *= missed_in_a_step(sequences / r.decode_steps(), l.mean_input, output);
    return p;
}

double memory_pressure(const Replica& r, double requests) {
    const double n = std::min(requests, r.rules.max_sequences);
    if (!std::isfinite(r.rules.cache_tokens)) return 0;
    const double beyond = n * r.lengths.context - r.rules.cache_tokens;
    if (!std::isfinite(beyond)) return 1;
    return normal_cdf(beyond / std::sqrt(std::max(n * r.lengths.context_variance, 1e-9)));
}

Replica with_company(const Replica& r, const Preemption& p) {
    Replica s = r;
    LengthLaw& l = s.lengths;
    const double prompts = l.prompt + p.per_request * p.prompt;
    for (std::size_t i = 0; i < l.input.count; ++i) l.input.node[i].tokens *= prompts / l.prompt;
    l.attended += p.per_request * p.prompt * p.prompt / 2;
    l.prompt = prompts;
    l.fixed = false;
    prepare(s);
    return s;
}

double answers_waited(const Replica& r, const Preemption& p) {
    const double n = p.per_request;
    const double own = independent(r.lengths);
    return own * n * (1 + n / 2) + (1 - own) * 0.17 * n * sequences_of_rank(r) * r.rules.ranks;
}

}   // namespace moecost
