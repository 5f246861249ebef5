// SPDX-License-Identifier: Apache-2.0
// Prompts longer than the chunk of their attention rank: piece after piece, while the other ranks wait.
#include <doctest/doctest.h>

#include "moecost/serving/open_loop.h"
#include "moecost/serving/simulate.h"
#include "moecost/serving/steady_loop.h"
#include "moecost/traffic/length_presets.h"
#include "steps.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// 10 ms, and 0.1 ms for each prompt token of the busiest of `ranks`, where a prompt has `piece` tokens in a step.
StepFunction busiest_rank(double ranks, double piece) {
    return [=](double, double, double tokens, double) {
        return tokens > 0 ? 0.01 + 1e-4 * tokens / prompt_ranks(tokens, piece, piece, ranks) : 0.01;
    };
}

Replica ranks_of(int ranks, Batching batching, double chunk, const Lengths& lengths) {
    Replica r;
    r.step = busiest_rank(ranks, chunk);
    r.rules.batching = batching;
    r.rules.chunk_tokens = chunk * ranks;
    r.rules.ranks = ranks;
    r.lengths = length_law(lengths, 0);
    prepare(r);
    return r;
}

Simulation events(const Replica& r, double chunk, const Lengths& lengths, const Load& load) {
    StepTable steps(r.step, r.lengths.context, r.lengths.attended / r.lengths.prompt);
    SchedulerRules rules = r.rules;
    rules.chunk_tokens = chunk;   // of each rank
    SimulationSettings settings;
    settings.requests = 20000;
    settings.warm_up = 5000;
    return simulate(rules, steps, request_source(load, lengths, 0, 1), settings);
}

}   // namespace

TEST_CASE("a lone prompt of three pieces takes three steps however many ranks there are") {
    const Lengths lengths{FixedLength{3000}, FixedLength{101}, {}};
    const Replica r = ranks_of(8, Batching::prefill_first, 1000, lengths);
    CHECK(outgrows_rank(r));
    // One request: 3 steps of 0.11 s, then 100 of 0.01 s.
    const Simulation s = events(r, 1000, lengths, ClosedLoop{1});
    CHECK(s.ttft.mean.value() == Approx(0.33).epsilon(0.01));
    CHECK(s.tpot.mean.value() == Approx(0.01).epsilon(1e-3));
    const SteadyLoop l = loop_in_step(r, 1);
    CHECK(l.ttft == Approx(0.33).epsilon(0.05));
    CHECK(l.rate == Approx(1 / 1.33).epsilon(0.05));
}

TEST_CASE("prompts of several pieces stall all ranks: loops and rates against the event simulation") {
    const Lengths lengths = around(3000, 400);
    for (const Batching b : {Batching::prefill_first, Batching::chunked_prefill}) {
        const Replica r = ranks_of(8, b, 1024, lengths);
        for (const double n : {8.0, 32.0}) {
            CAPTURE(n);
            const Simulation s = events(r, 1024, lengths, ClosedLoop{n});
            const SteadyLoop l = steady_loop(r, n);
            CHECK(l.rate == Approx(s.requests_per_s.value()).epsilon(0.1));
            CHECK(l.tpot == Approx(s.tpot.mean.value()).epsilon(0.1));
        }
        const Simulation s = events(r, 1024, lengths, OpenLoop{0.8});
        const OpenLoopAnswer o = open_loop(r, 0.8, 1, false);
        CHECK(o.stable);
        CHECK(o.tpot == Approx(s.tpot.mean.value()).epsilon(0.15));
    }
}
