// SPDX-License-Identifier: Apache-2.0
// The event simulation against schedules worked by hand, conservation laws and published examples.
#include <doctest/doctest.h>

#include "moecost/serving/simulate.h"
#include "steps.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// A decode step takes 1 s, each prompt token 0.01 s: schedules can be written down.
StepTable clockwork() {
    return StepTable([](double, double, double prompts, double) { return 1 + 0.01 * prompts; }, 100, 50);
}

Simulation replayed(const SchedulerRules& rules, StepTable steps, std::vector<TracedRequest> requests,
                    SimulationSettings settings = {}) {
    steps.ask_exactly();
    const Load load = Replay{std::move(requests)};
    return simulate(rules, steps, request_source(load, {}, 0, 1), settings);
}

SchedulerRules rules_of(Batching batching, double chunk, double slots) {
    SchedulerRules r;
    r.batching = batching;
    r.chunk_tokens = chunk;
    r.max_sequences = slots;
    return r;
}

struct Case {
    StepConstants step;
    SchedulerRules rules;
    Lengths lengths;
    Load load;
    double cached = 0;
};
Simulation run(const Case& c, double requests, bool exactly = false) {
    StepTable steps(c.step, mean(c.lengths.input) + mean(c.lengths.output) / 2, mean(c.lengths.input) / 2);
    if (exactly) steps.ask_exactly();
    SimulationSettings settings;
    settings.warm_up = requests / 4;
    settings.requests = requests;
    return simulate(c.rules, steps, request_source(c.load, c.lengths, c.cached, 1), settings);
}

}   // namespace

TEST_CASE("two requests under chunked prefill, by hand") {
    // Chunk 100. A: 150 + 3 tokens at 0; B: 40 + 2 tokens at 0.5.
    //   0.0 - 2.0  100 tokens of A
    //   2.0 - 3.9  50 of A, 40 of B: both have their first token at 3.9
    //   3.9 - 4.9  decode A, B: B is done (2 tokens)
    //   4.9 - 5.9  decode A: done (3 tokens)
    const Simulation s =
        replayed(rules_of(Batching::chunked_prefill, 100, 8), clockwork(), {{0, 150, 3, 0}, {0.5, 40, 2, 0}});
    CHECK(s.requests == 2);
    CHECK(s.ttft.mean.value() == Approx((3.9 + 3.4) / 2));
    CHECK(s.tpot.mean.value() == Approx(1.0));
    CHECK(s.e2e.mean.value() == Approx((5.9 + 4.4) / 2));
    CHECK(s.duration.value() == Approx(5.9));
    CHECK(s.steps == 4);
}

TEST_CASE("decodes take their part of the chunk first") {
    // Chunk 100, A decodes from 2.0 on (100 tokens: 2 s). B: 150 tokens at 2.5, seen at 3.0 by the next step:
    //   2.0 - 3.0 decode A; 3.0 - 4.99 decode A + 99 of B; 4.99 - 6.50 decode A + 51 of B.
    const Simulation s = replayed(rules_of(Batching::chunked_prefill, 100, 8), clockwork(),
                                  {{0, 100, 9, 0}, {2.5, 150, 1, 0}});
    CHECK(s.ttft.mean.value() == Approx((2.0 + 4.0) / 2));
    CHECK(s.steps == 9);
}

TEST_CASE("prefill first: prompts stall the decodes") {
    // A: first token at 2 (100 tokens), decodes 2 - 3; B (200 tokens, chunk 100) runs 3 - 5 and 5 - 7 alone;
    // A goes on at 7: 4 tokens more than the first, one at 3, three at 8, 9, 10.
    const Simulation s =
        replayed(rules_of(Batching::prefill_first, 100, 8), clockwork(), {{0, 100, 5, 0}, {2.5, 200, 1, 0}});
    CHECK(s.ttft.mean.value() == Approx((2.0 + 4.5) / 2));
    CHECK(s.tpot.mean.value() == Approx((10.0 - 2.0) / 4));
}

TEST_CASE("a request waits for a slot, then for memory") {
    // One slot: B (at 0) starts when A is done at 2 + 4 = 6 s.
    const std::vector<TracedRequest> two = {{0, 100, 5, 0}, {0, 100, 5, 0}};
    const Simulation slots = replayed(rules_of(Batching::chunked_prefill, 100, 1), clockwork(), two);
    CHECK(slots.ttft.mean.value() == Approx((2.0 + 8.0) / 2));
    CHECK(slots.waited == 0.5);
    CHECK(slots.wait.value() == Approx(3.0));
    SchedulerRules memory = rules_of(Batching::chunked_prefill, 100, 8);
    memory.cache = CachePolicy::reserve;
    memory.cache_tokens = 209;   // 2 x 105 do not fit
    CHECK(replayed(memory, clockwork(), two).ttft.mean.value() == Approx((2.0 + 8.0) / 2));
    memory.cache_tokens = 210;   // B runs beside A: 99 tokens until 3.99, the last one until 5
    CHECK(replayed(memory, clockwork(), two).ttft.mean.value() == Approx((2.0 + 5.0) / 2));
}

TEST_CASE("growing cache preempts the latest, which computes its prompt and output again") {
    // Contexts of A and B pass the 205 tokens of cache soon after B's first token; B, admitted last, gives way and
    // starts over with a longer prompt. A and both first tokens are untouched.
    SchedulerRules rules = rules_of(Batching::chunked_prefill, 200, 8);
    rules.cache_tokens = 205;
    const Simulation s = replayed(rules, clockwork(), {{0, 100, 10, 0}, {0.5, 100, 10, 0}});
    CHECK(s.requests == 2);
    CHECK(s.preemptions > 0);
    const Simulation roomy = replayed(rules_of(Batching::chunked_prefill, 200, 8), clockwork(),
                                      {{0, 100, 10, 0}, {0.5, 100, 10, 0}});
    CHECK(s.ttft.mean == roomy.ttft.mean);
    CHECK(s.e2e.mean > roomy.e2e.mean);
}

TEST_CASE(
    "prompts first, and room for two up to their first tokens: the others decode before the second comes "
    "back") {
    // 199 tokens hold prompts of 100 and 99; with the first tokens of both they are 2 too many.
    //   0    - 2.99   both prompts in one step: first tokens of A and B, and B leaves
    //   2.99 - 6.99   A decodes its tokens 2 to 5; B fits beside it at no time
    //   6.99 - 12.98  the prompt of B again, and its tokens 2 to 5
    SchedulerRules r = rules_of(Batching::prefill_first, 200, 8);
    r.cache_tokens = 199;
    const Simulation s = replayed(r, clockwork(), {{0, 100, 5, 0}, {0, 99, 5, 0}});
    CHECK(s.requests == 2);
    CHECK(s.preemptions == 0.5);   // a request
    CHECK(s.duration.value() == Approx(12.98));
}

TEST_CASE("cached prompt tokens cost nothing, drafted tokens come several at a step") {
    CHECK(replayed(rules_of(Batching::chunked_prefill, 1000, 8), clockwork(), {{0, 500, 1, 400}})
              .ttft.mean.value() == Approx(2.0));
    SchedulerRules drafted = rules_of(Batching::chunked_prefill, 1000, 8);
    drafted.tokens_per_step = 2.5;
    drafted.queries = 4;
    // 10 tokens after the first at 2.5 a step: 4 steps.
    CHECK(replayed(drafted, clockwork(), {{0, 100, 11, 0}}).tpot.mean.value() == Approx(0.4));
}

TEST_CASE("ranks step together: one rank's prompt slows all") {
    // Two ranks, one request each; t of the busiest rank times two.
    SchedulerRules rules = rules_of(Batching::chunked_prefill, 1000, 8);
    rules.ranks = 2;
    const Simulation s = replayed(rules, clockwork(), {{0, 100, 5, 0}, {3.5, 300, 1, 0}});
    // A: 1 + 0.01 x 200 = 3 s to its first token; decode 3 - 4; B's prompt 4 - 11 holds A's third token back.
    CHECK(s.ttft.mean.value() == Approx((3.0 + 7.5) / 2));
    CHECK(s.tpot.mean.value() == Approx((13.0 - 3.0) / 4));
    rules.prompt_interval = 3;   // B may only start three steps after A's prompt: decode 3 - 4, 4 - 5, 5 - 6
    CHECK(replayed(rules, clockwork(), {{0, 100, 5, 0}, {3.5, 300, 1, 0}}).ttft.mean.value() ==
          Approx((3.0 + 9.5) / 2));
}

TEST_CASE("a request larger than the engine is counted and left out") {
    SchedulerRules rules = rules_of(Batching::chunked_prefill, 1000, 8);
    rules.cache_tokens = 400;
    const Simulation s = replayed(rules, clockwork(), {{0, 500, 5, 0}, {1, 100, 5, 0}});
    CHECK(s.refused == 1);
    CHECK(s.requests == 1);
}

TEST_CASE("conservation: in the system = rate x time, in decode = rate x decode time, tokens come out") {
    const SchedulerRules mixed = rules_of(Batching::chunked_prefill, 8192, 256);
    const SchedulerRules separate = rules_of(Batching::prefill_first, 8192, 256);
    const Case cases[] = {
        {llama70b_h100x4, mixed, {around(1024), around(256), {}}, OpenLoop{3, 1}},
        {dsv3_h200x8, separate, {around(1024), ExponentialLength{1024}, {}}, OpenLoop{2.5, 1}},
        {gptoss_b200x1, mixed, {LognormalLength{2048, 1}, LognormalLength{512, 1}, {}}, OpenLoop{8, 4}},
        {gptoss_b200x1, mixed, {around(8192), around(1024), {}}, ClosedLoop{32}},
    };
    for (const Case& c : cases) {
        const Simulation s = run(c, 40000);
        const double x = s.requests_per_s.value();
        CHECK(s.in_system == Approx(x * s.e2e.mean.value()).epsilon(0.01));
        CHECK(s.output_tokens_per_s.value() == Approx(x * mean(c.lengths.output)).epsilon(0.02));
        if (const auto* open = std::get_if<OpenLoop>(&c.load)) CHECK(x == Approx(open->rate).epsilon(0.03));
        if (const auto* closed = std::get_if<ClosedLoop>(&c.load))
            CHECK(s.in_system == Approx(closed->concurrency).epsilon(1e-6));
    }
}

TEST_CASE("the same seed gives the same answer") {
    const Case c{llama70b_h100x4,
                 rules_of(Batching::chunked_prefill, 8192, 256),
                 {LognormalLength{1024, 1}, ExponentialLength{256}, {}},
                 OpenLoop{3, 1}};
    CHECK(run(c, 2000).ttft == run(c, 2000).ttft);
}

TEST_CASE("remembered steps change times by less than 0.2 %") {
    const Case cases[] = {
        {llama70b_h100x4,
         rules_of(Batching::chunked_prefill, 8192, 256),
         {around(1024), ExponentialLength{256}, {}},
         OpenLoop{3, 1}},
        {dsv3_h200x8,
         rules_of(Batching::prefill_first, 8192, 256),
         {around(1024), ExponentialLength{1024}, {}},
         OpenLoop{2.5, 1}},
        {gptoss_b200x1,
         rules_of(Batching::chunked_prefill, 8192, 256),
         {LognormalLength{2048, 1}, ExponentialLength{512}, {}},
         OpenLoop{8, 1}},
    };
    for (const Case& c : cases) {
        const Simulation grid = run(c, 20000);
        const Simulation exact = run(c, 20000, true);
        CHECK(grid.ttft.mean.value() == Approx(exact.ttft.mean.value()).epsilon(0.002));
        CHECK(grid.tpot.mean.value() == Approx(exact.tpot.mean.value()).epsilon(0.0005));
        CHECK(grid.evaluations < exact.evaluations / 20);
    }
}

TEST_CASE("published examples of steady traffic") {
    // Times in ms from an event simulator of its own, seed 1: TPOT, TTFT mean, p50, p90, p99, sequences in decode.
    const SchedulerRules mixed = rules_of(Batching::chunked_prefill, 8192, 512);
    const SchedulerRules separate = rules_of(Batching::prefill_first, 8192, 512);
    struct Example {
        Case c;
        double tpot, ttft, p50, p90, p99, decoding;
        double noise = 0.01;   // of means; 80,000 requests
    };
    const Example examples[] = {
        {{llama70b_h100x4, mixed, {around(1024), around(256), {}}, ClosedLoop{64}},
         34.72,
         107.3,
         92.81,
         160.9,
         229.5,
         63.17},
        {{gptoss_b200x1, mixed, {around(8192), around(1024), {}}, ClosedLoop{32}},
         11.4,
         86.77,
         88.99,
         100.3,
         152.2,
         31.76},
        {{dsv3_h200x8, separate, {around(1024), around(1024), {}}, ClosedLoop{128}},
         44.97,
         70.32,
         66.44,
         96.73,
         107.3,
         127.8},
        {{llama70b_h100x4, mixed, {around(1024), around(256), {}}, OpenLoop{3, 1}},
         16.42,
         110.6,
         96.06,
         163.3,
         249.6,
         12.53},
        {{dsv3_h200x8, separate, {around(1024), around(1024), {}}, OpenLoop{2.5, 1}},
         41.73,
         89.61,
         86.66,
         115.1,
         153.1,
         106.5},
        {{gptoss_b200x1, mixed, {LognormalLength{2048, 1}, LognormalLength{512, 1}, {}}, OpenLoop{8, 1}},
         12.63,
         40.05,
         32.65,
         59.96,
         149.3,
         51.35,
         0.03},
        {{gptoss_b200x1, mixed, {around(1024), around(256), {}}, OpenLoop{20, 4}},
         14.57,
         42.25,
         39.14,
         61.46,
         88.5,
         74.13},
        {{gptoss_b200x1, mixed, {around(8192), around(1024), {}}, OpenLoop{3, 1}, 0.5},
         10.72,
         57.83,
         53.85,
         75.44,
         121.1,
         32.82},
    };
    for (const Example& e : examples) {
        const Simulation s = run(e.c, 80000);
        CHECK(1e3 * s.tpot.mean.value() == Approx(e.tpot).epsilon(e.noise));
        CHECK(1e3 * s.ttft.mean.value() == Approx(e.ttft).epsilon(1.5 * e.noise));
        CHECK(1e3 * s.ttft.p50().value() == Approx(e.p50).epsilon(0.01));
        CHECK(1e3 * s.ttft.p90().value() == Approx(e.p90).epsilon(0.02));
        CHECK(1e3 * s.ttft.p99().value() == Approx(e.p99).epsilon(0.05));
        CHECK(s.decoding == Approx(e.decoding).epsilon(e.noise));
    }
}

TEST_CASE("a timeline keeps its length, its arrivals and its means") {
    const Case c{llama70b_h100x4,
                 rules_of(Batching::chunked_prefill, 8192, 256),
                 {around(1024), around(256), {}},
                 OpenLoop{3, 1}};
    StepTable steps(c.step, 1152, 512);
    SimulationSettings settings;
    settings.requests = 3000;
    settings.timeline_points = 200;
    const Simulation s = simulate(c.rules, steps, request_source(c.load, c.lengths, 0, 1), settings);
    REQUIRE(s.timeline.size() >= 100);
    CHECK(s.timeline.size() <= 200);
    double arrivals = 0;
    double last = 0;
    for (const TimelinePoint& p : s.timeline) {
        arrivals += p.arrivals_per_s * (p.time_s - last);
        last = p.time_s;
    }
    CHECK(arrivals == Approx(3000).epsilon(0.02));
}
