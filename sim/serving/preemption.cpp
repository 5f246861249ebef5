// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/preemption.h"

#include <algorithm>
#include <cmath>

#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

/// The positive root of 1 - e^-x = q x, 0 < q < 1. The left side is concave: Newton's steps come down from 1/q and stay above.
double stay_root(double q) {
    double x = 1 / q;
    for (int i = 0; i < 60; ++i) {
        const double e = std::exp(-x);
        const double down = (q * x - 1 + e) / (q - e);
        x -= down;
        if (!(down > 1e-13 * x)) break;
    }
    return x;
}

/// Part of the outputs that end on their own, not with those that came beside them.
double independent(const LengthLaw& l) { return std::clamp(16 * l.cv2_output, 1e-6, 1.0); }

/// Where f(x) = x, by secants: f is smooth and falls or hardly rises, so that a few suffice.
template <class F>
double fixed_point(const F& f, double x) {
    double before = x;
    double off = f(x) - x;
    x += off;
    for (int i = 0; i < 40; ++i) {
        const double now = f(x) - x;
        if (std::abs(now) <= 1e-13 * x || now == off) break;
        const double next = x - now * (x - before) / (now - off);
        before = x;
        off = now;
        x = next;
    }
    return x;
}

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
    const auto returns = [&](double gained) { return output / (l.mean_input + gained * output); };
    const auto gains = [&](double gained) {
        const double n = returns(gained);
        const double q = n / (1 + n);
        const double free = (1 + n) / (stay_root(q) * q * sequences * independent(l));
        return most * free / (most + free);
    };
    const double gained = fixed_point(gains, 0.1);   // g/O
    p.per_request = returns(gained);
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
