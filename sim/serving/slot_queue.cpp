// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/slot_queue.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

/// A distribution as parts that spread uniformly from one level to the next.
template <class Sink>
void in_parts(const Latency& l, Sink sink) {
    for (std::size_t i = 0; i < latency_levels.size(); ++i) {
        const double below = i > 0 ? latency_levels[i - 1] : 0;
        const double start = i > 0 ? l.at[i - 1] : l.at[0];
        sink(latency_levels[i] - below, start, l.at[i] - start);
    }
    sink(1 - latency_levels.back(), l.at.back(), 0.0);
}

/// Gamma by Wilson and Hilferty (1931): its cube root is nearly normal.
Latency gamma_wait(double shift, double mean, double sd) {
    Latency l = certain(Seconds{shift + mean});
    if (sd <= 0 || mean <= 0) return l;
    const double shape = std::pow(mean / sd, 2);
    for (std::size_t i = 0; i < latency_levels.size(); ++i) {
        const double z = normal_quantile(latency_levels[i]);
        const double root = 1 - 1 / (9 * shape) + z / (3 * std::sqrt(shape));
        l.at[i] = shift + mean * std::pow(std::max(root, 0.0), 3);
    }
    return l;
}

Latency sum_of(const Latency& wait, const Latency& own) {
    UniformMixture mixture(0, wait.at.back() + own.at.back() + 1e-9);
    in_parts(wait, [&](double share, double start, double width) {
        in_parts(own, [&](double w, double t, double spread) {
            const double wide = std::max(width, spread);   // about the same centre
            mixture.add(share * w, start + t + (width + spread - wide) / 2, wide);
        });
    });
    Latency l = mixture.latency();
    l.mean = wait.mean + own.mean;
    return l;
}

/// Whole cycles: some wait one more than others.
Latency in_waves(const SteadyLoop& s, double requests, const Latency& own) {
    const double cycle = s.running / s.rate;
    const double cycles = s.queued / cycle;
    const double more = cycles - std::floor(cycles);
    UniformMixture mixture(0, own.at.back() + std::ceil(cycles) * cycle + 1e-9);
    in_parts(own, [&](double w, double start, double width) {
        mixture.add(w * (1 - more), start + std::floor(cycles) * cycle, width);
        if (more > 0) mixture.add(w * more, start + std::ceil(cycles) * cycle, width);
    });
    Latency l = mixture.latency();
    l.mean = own.mean + Seconds{s.queued};
    return requests > s.running ? l : own;
}

/// E[(t - S)+] of a lognormal S.
double time_left(double t, double mean, double variance) {
    const double s2 = std::log1p(variance / (mean * mean));
    if (s2 < 1e-12) return std::max(t - mean, 0.0);
    const double s = std::sqrt(s2);
    const double z = (std::log(t / mean) + s2 / 2) / s;
    return t * normal_cdf(z) - mean * normal_cdf(z - s);
}

}   // namespace

double renewal_variance(const LengthNodes& law, double t) {
    double mean = 0, square = 0, sum = 0;
    for (const LengthNode& n : law) {
        mean += n.weight * n.tokens;
        square += n.weight * n.tokens * n.tokens;
        sum += n.weight * std::max(t - n.tokens, 0.0);
    }
    const double variance = std::max(square - mean * mean, 0.0);
    const double windows = t / mean;
    constexpr double many = 500;   // windows: the variance of lives is all that is left
    if (windows > many) return windows * variance / (mean * mean);
    for (double k = 2; k * mean - 5 * std::sqrt(k * variance) < t && k < 4 * many; ++k)
        sum += time_left(t, k * mean, k * variance);
    return std::max(windows + 2 * sum / mean - windows * windows, 0.0);
}

Latency behind_queue(const Replica& r, const SteadyLoop& s, double requests, const Latency& own) {
    if (!(s.queued > 0) || !(s.rate > 0)) return own;
    if (r.lengths.fixed) return in_waves(s, requests, own);
    const double waiting = s.queued * s.rate;
    const double prompts = std::min(waiting * s.prompt_cost, s.queued);
    const double prompt_steps = s.round > 0 ? (s.ttft - s.queued) / s.round : 0;
    LengthNodes lives = r.lengths.output;
    double life = 0;
    for (std::size_t i = 0; i < lives.count; ++i) {
        LengthNode& n = lives.node[i];
        n.tokens = std::max((n.tokens - 1) / r.rules.tokens_per_step, 0.0) + prompt_steps;
        life += n.weight * n.tokens;
    }
    const double each = life / s.running;   // steps from one answer to the next
    const double ends = s.running * renewal_variance(lives, waiting * each);
    const double sd = s.at.decode * each * std::sqrt(ends);
    return sum_of(gamma_wait(prompts, s.queued - prompts, sd), own);
}

}   // namespace moecost
