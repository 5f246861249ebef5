// SPDX-License-Identifier: Apache-2.0
// Percentiles of prefill and decode apart.
#include <algorithm>
#include <cmath>

#include "moecost/serving/open_loop.h"
#include "moecost/serving/output_mixture.h"
#include "moecost/serving/two_pools.h"

namespace moecost {
namespace {

double run_of(const Load& load) {
    const auto* loop = std::get_if<ClosedLoop>(&load);
    return loop != nullptr ? loop->requests : 0;
}

Latency first_token(const TwoPools& p, const TwoPoolsAnswer& a, const Lengths& lengths, const Load& load) {
    const double mean_prompt = mean(lengths.input);
    const double run = run_of(load);
    const double n = size_of(load).value_or(0);
    const double together = run > 0 ? std::min(1.0, n / run) : 0;   // share of the requests in the first wave
    const double wave = n * p.prompts.per_prompt();
    // In a loop those who wait are a queue of constant length: all of them wait as long.
    const bool loop = std::holds_alternative<ClosedLoop>(load);
    const double constant = loop ? a.slot_wait + (a.wait > a.own ? a.wait : 0) : 0;
    const double wait = loop && a.wait > a.own ? 0 : a.wait;
    const double slot_wait = loop ? 0 : a.slot_wait;
    const double waits = wait > 0 ? std::clamp(a.waits, 1e-6, 1.0) : 0;
    const double slot_waits = std::clamp(a.slot_waits, 1e-6, 1.0);
    const double rest = waits > 0 ? std::min(a.residual, wait) / waits : 0;   // mean, of those that wait
    const double queue = waits > 0 ? wait / waits - rest : 0;
    const double longest = a.shared * quantile(lengths.input, 0.999) / mean_prompt;
    const double most = p.handover.constant + p.handover.transfer + longest + 2 * rest +
                        std::max(together > 0 ? wave : 0, 12 * (queue + slot_wait / slot_waits)) + 1e-9;
    UniformMixture mixture(0, most);
    const auto start = [&](const LengthNode& node, double steps) {
        const double own = steps * node.tokens / mean_prompt;
        return p.handover.constant + own + p.handover.exposed(own) * node.tokens / mean_prompt;
    };
    const LengthNodes prompts = nodes(lengths.input);
    for (const LengthNode& node : prompts)
        mixture.add(node.weight * (1 - together) * waits, start(node, a.shared), 2 * rest);
    if (queue > 0) mixture.then_exponential(1, queue);
    UniformMixture idle(0, most);
    for (const LengthNode& node : prompts)
        idle.add(node.weight * (1 - together) * (1 - waits), start(node, a.alone), 0);
    mixture.add(idle);
    if (slot_wait > 0) mixture.then_exponential(slot_waits, slot_wait / slot_waits);
    if (together > 0) {
        for (const LengthNode& node : prompts) mixture.add(node.weight * together, start(node, a.own), wave);
    }
    Latency l = later(mixture.latency(), Seconds{constant});
    l.mean = Seconds{a.ttft};
    return l;
}

Latency per_token(const TwoPools& p, const TwoPoolsAnswer& a, const Lengths& lengths) {
    const double tokens = mean(lengths.output) - 1;
    if (tokens <= 0 || a.decode_time <= 0) return certain(Seconds{0});
    const double tpot = a.decode_time / tokens;
    const double more = a.decodes * 1.1 + 1;
    const double slope = (p.decode.step(more) - a.step) / (more - a.decodes);
    const double relative = slope / a.step * std::sqrt(a.decodes_variance * 2 / 3);
    OutputMixture mixture;
    mixture.add(1, tpot, std::pow(tpot * relative, 2));
    Latency l = mixture.latency();
    l.mean = Seconds{tpot};
    return l;
}

}   // namespace

TwoPoolsLatency latency_apart(const TwoPools& pools, const TwoPoolsAnswer& answer, const Lengths& lengths,
                              const Load& load) {
    TwoPoolsLatency l;
    l.ttft = first_token(pools, answer, lengths, load);
    l.tpot = per_token(pools, answer, lengths);
    l.e2e = end_to_end(lengths.output, l.ttft, l.tpot);
    return l;
}

}   // namespace moecost
