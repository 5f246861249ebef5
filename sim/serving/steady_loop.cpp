// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/steady_loop.h"

#include <algorithm>
#include <optional>

#include "moecost/serving/output_mixture.h"
#include "moecost/serving/preemption.h"
#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

/// Others that come in the step of a prompt: none where one prompt fills steps of its own.
double mates(const Replica& r, const SteadyLoop& s) {
    return r.mixed() && s.at.fill >= 1 ? 0 : std::min(s.arrivals, 60.0);
}

double mean_own(const Replica& r, const SteadyLoop& s, Companions detail) {
    double sum = 0;
    const LengthNodes inputs = detail == Companions::three ? coarse_inputs(r.lengths, s.at) : r.lengths.input;
    for (const LengthNode& n : inputs)
        sum += n.weight * mean_own_time(r, s.at, (1 - r.lengths.hit) * n.tokens, mates(r, s), detail);
    return sum;
}

/// Backlog of prompts in full steps under chunked prefill; returns the steps until the first token.
double prompt_queue(const Replica& r, SteadyLoop& s) {
    const double D = s.at.fill;
    const double v = 1 + r.lengths.cv2_input;
    s.load = std::min(s.arrivals * D, 0.9999);
    if (D >= 1) {
        s.backlog = finite_queue(s.load, s.running, r.lengths.cv2_output) * D * v;
        s.backlogged = s.load;
    } else {
        const Walk w = spitzer(s.load, s.arrivals * D * D * v);
        s.backlog = w.mean;
        s.backlogged = w.positive;
    }
    s.backlog_free = s.backlog;
    const double over = D < 1 ? std::max(D * (1 + s.arrivals / 2) - 1, 0.0) : 0;
    const double own = steps_of_prompt(r, s.at) + over;
    const double steps = std::max(s.backlog + own, s.running * D - r.decode_steps());
    s.backlog = std::max(s.backlog, steps - own);
    return steps;
}

/// One pass of the cycle at B decodes; returns seconds of it.
double pass_of(const Replica& r, SteadyLoop& s, double& waiting_steps, Companions detail) {
    const double R = s.running;
    const double S = r.decode_steps();
    const double a = R / (S + (r.mixed() ? waiting_steps : 0));
    s.arrivals = a * (R - 1) / R;
    const double f = prompt_step_share(r, s.at, a);
    const double x = std::min(a * r.lengths.prompt / f, s.at.budget);
    const double beside = r.mixed() ? s.at.decode : 0;
    s.prompt_cost = f / a * (s.at.prompts(x) - beside);
    s.round = s.at.decode + s.arrivals * s.prompt_cost;
    if (r.mixed()) waiting_steps = (waiting_steps + prompt_queue(r, s)) / 2;
    s.ttft = s.backlog * s.at.full + mean_own(r, s, detail);
    return s.ttft + S * s.round;
}

/// The loop of a replica that takes nobody out again, or of one that does: its requests are computed 1 + r times, and hold
/// less while they are, so that more of them run where more of the cycle is prompts.
double cycle_of(const Replica& r, SteadyLoop& s, double requests, const Preemption* preempted) {
    double B = s.running;
    double waiting_steps = 1;
    double cycle = 1;
    for (int pass = 0; pass < 12; ++pass) {
        if (pass == 0 || std::abs(B - s.at.decodes) > 1e-3 * B) s.at = at_decodes(r, B);
        cycle = pass_of(r, s, waiting_steps, pass < 10 ? Companions::three : Companions::every);
        if (preempted != nullptr) cycle += preempted->per_request * s.ttft;
        const double share = r.decode_steps() * s.round / cycle;   // of its time in the engine, in decode
        if (preempted != nullptr) {
            const double held = share * r.lengths.context + (1 - share) * preempted->prompt;
            const double ranks = r.rules.ranks;
            const double fits = ranks * (r.rules.cache_tokens - preempted->prompt / 2) / held;
            s.running = std::clamp(fits, 1.0, std::min(requests, ranks * r.rules.max_sequences));
        }
        B = B / 2 + s.running * share / 2;
    }
    s.decodes = B;
    return cycle;
}

/// What a loop of so many requests takes out again; nothing that could be told from 0.
std::optional<Preemption> taken_out(const Replica& r, double requests) {
    const double pressure = memory_pressure(r, requests / r.rules.ranks);
    if (pressure < 1e-3) return std::nullopt;
    Preemption p = preemption(r);
    p.per_request *= pressure;
    return p.per_request > 1e-3 ? std::optional(p) : std::nullopt;
}

}   // namespace

SteadyLoop steady_loop(const Replica& r, double requests) {
    SteadyLoop s;
    s.running = std::min(requests, capacity(r));
    const std::optional<Preemption> preempted = taken_out(r, requests);
    if (!preempted) {
        const double cycle = cycle_of(r, s, requests, nullptr);
        s.rate = s.running / cycle;
        s.tpot = s.round / r.rules.tokens_per_step;
    } else {
        const double cycle = cycle_of(with_company(r, *preempted), s, requests, &*preempted);
        s.preemptions = preempted->per_request;
        s.rate = s.running / cycle;
        const double outside = answers_waited(r, *preempted) / s.rate + s.preemptions * s.ttft;
        s.tpot = s.round / r.rules.tokens_per_step + outside / std::max(r.lengths.mean_output - 1, 1.0);
    }
    // All that is not with the engine waits before its first token.
    const double with_engine = s.ttft + std::max(r.lengths.mean_output - 1, 0.0) * s.tpot;
    s.queued = requests > s.running ? std::max(requests / s.rate - with_engine, 0.0) : 0;
    s.ttft += s.queued;
    return s;
}

double full_rate(const Replica& r) { return steady_loop(r, 4 * capacity(r) + 64).rate; }

double full_preemptions(const Replica& r) {
    const auto preempted = taken_out(r, 4 * capacity(r) + 64);
    return preempted ? preempted->per_request : 0;
}

std::vector<double> burst_times(const Replica& r, double requests) {
    std::vector<double> firsts;
    const double prompt = r.lengths.prompt;
    double now = 0;
    double computed = 0;   // prompt tokens so far
    while (static_cast<double>(firsts.size()) < requests - 1e-9) {
        const auto done = static_cast<double>(firsts.size());
        const double left = requests * prompt - computed;
        const double ranks =   // with a prompt to compute
            outgrows_rank(r) ? std::min(std::ceil(left / prompt - 1e-9) / r.rules.ranks, 1.0) : 1;
        const double x = std::min(prompt_budget(r.rules, done) * ranks, left);
        now += r.prompt_seconds(done, x);
        computed += x;
        const double finished = std::min(std::floor(computed / prompt + 1e-9), requests);
        while (static_cast<double>(firsts.size()) < finished) firsts.push_back(now);
        if (x < 1e-9) firsts.push_back(now);   // a last request that is no whole one
    }
    return firsts;
}

SteadyLoop loop_in_step(const Replica& r, double requests) {
    SteadyLoop s;
    const double R = s.running = std::min(requests, capacity(r));
    const double S = r.decode_steps();
    const double P = r.lengths.prompt;
    double cycle = 1;
    if (!r.mixed()) {
        s.at = at_decodes(r, R);
        const std::vector<double> firsts = burst_times(r, R);
        for (const double t : firsts) s.ttft += t / static_cast<double>(firsts.size());
        cycle = firsts.back() + S * s.at.decode;
        s.round = S > 0 ? (cycle - s.ttft) / S : 0;
        s.decodes = R * (cycle - s.ttft) / cycle;
        s.prompt_cost = firsts.back() / R;
    } else {
        double B = R;
        for (int pass = 0; pass < 8; ++pass) {
            s.at = at_decodes(r, B);
            const double C = s.at.budget;
            const double n = std::min(R, std::max(C / P, 1.0));
            s.prompt_cost = R * P > C ? (s.at.full - s.at.decode) * P / C
                                      : (r.prompt_seconds(B, R * P) - s.at.decode) / R;
            const double own =
                P <= C ? r.prompt_seconds(B, std::min(n * P, C)) : std::ceil(P / C) * s.at.full;
            s.ttft = own + std::max(R * P / C - S, 0.0) * s.at.full;
            s.round = s.at.decode + (S > 0 ? std::max(R - n, 0.0) * s.prompt_cost / S : 0);
            cycle = s.ttft + S * s.round;
            s.decodes = B = B / 2 + R * S * s.round / (2 * cycle);
        }
    }
    s.rate = R / cycle;
    s.tpot = s.round / r.rules.tokens_per_step;
    s.queued = std::max(requests - R, 0.0) / s.rate;
    s.ttft += s.queued;
    return s;
}

Latency loop_ttft(const Replica& r, const SteadyLoop& s) {
    const LengthLaw& law = r.lengths;
    double longest = 0;
    for (const LengthNode& n : law.input) longest = std::max(longest, n.tokens);
    const double tC = s.at.full;
    const bool queue = r.mixed() && s.at.fill >= 1;
    const double one = (std::ceil(longest / s.at.budget) + mates(r, s) * std::min(s.at.fill, 1.0) + 6) * tC;
    const double wait = queue
                            ? (1 + law.cv2_input) * s.at.fill * tC * std::sqrt(4 * s.running) + s.backlog * tC
                            : 12 * s.backlog * tC / std::max(s.backlogged, 0.05);
    UniformMixture mixture(0, one + std::min(wait, 60 * s.backlog * tC + tC));
    const double shift = (s.backlog - s.backlog_free) * tC;
    const auto own = [&](auto sink) {
        for (const LengthNode& n : law.input) {
            own_time(r, s.at, (1 - law.hit) * n.tokens, mates(r, s), Companions::every,
                     [&](double w, double t) { sink(n.weight * w, t + shift); });
        }
    };
    if (!queue) {
        own([&](double w, double t) { mixture.add(w, t, 0); });
        if (s.backlogged > 1e-9) mixture.then_exponential(s.backlogged, s.backlog_free * tC / s.backlogged);
        return mixture.latency();
    }
    // Backlog of a queue fed by R sources: P(> x) = rho exp(-2 (1 - rho) z - kappa z^2/R), in strata of equal chance.
    const double kappa = 1 + std::max(0.0, 1 - law.cv2_output);
    const double unit = s.at.fill * (1 + law.cv2_input) * tC;
    const auto backlog_above = [&](double share) {   // z with P(> z) = share
        if (share >= s.load) return 0.0;
        const double c = std::log(share / s.load);   // kappa/R z^2 + 2 (1 - rho) z + c = 0
        const double b = 1 - s.load;
        return (std::sqrt(b * b - kappa / s.running * c) - b) * s.running / kappa;
    };
    std::array<double, 33>
        shares{};   // evenly down to a tenth, then in ratios: the tail makes the percentiles
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const auto k = static_cast<double>(i);
        shares[i] = k <= 18 ? 1 - 0.05 * k : 0.1 * std::pow(0.7, k - 18);
    }
    own([&](double w, double t) {
        for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
            const double low = unit * backlog_above(shares[i]);
            const double high = unit * backlog_above(shares[i + 1]);
            mixture.add(w * (shares[i] - shares[i + 1]), t + low, high - low);
        }
    });
    return mixture.latency();
}

Latency loop_tpot(const Replica& r, const SteadyLoop& s) {
    const double y = r.rules.tokens_per_step;
    const double regular = std::min(1.0, 1.13 * std::sqrt(r.lengths.cv2_output));
    const double variance = s.arrivals * s.prompt_cost * s.prompt_cost * (regular + r.lengths.cv2_input);
    OutputMixture mixture;
    for (const LengthNode& n : r.lengths.output) {
        const double k = std::max((n.tokens - 1) / y, 1.0);
        mixture.add(n.weight, s.round / y, variance / k / (y * y));
    }
    return mixture.latency();
}

}   // namespace moecost
