// SPDX-License-Identifier: Apache-2.0
// Prefill and decode apart against check values of an independent program, and against hand-worked limits.
#include <doctest/doctest.h>

#include "moecost/serving/two_pools.h"
#include "steps.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// Equal workers with the steps of a law; prompts of I tokens, chunk C, spread evenly from 0.8 to 1 of the longest.
struct Setup {
    StepConstants law = dsv3_h200x8;
    double input = 4096, output = 512, chunk = 8192, transfer = 0.02;
    double u = 2, v = 1;
    [[nodiscard]] TwoPools pools() const {
        TwoPools p;
        p.prompts.workers = u;
        p.prompts.tokens = input;
        p.prompts.full_prompts = chunk / input;
        const auto pairs = [this](double x) {
            return x * (1 + 1.0 / 12 * (1 - 0.64) / (0.81 * 4)) * input / 2;
        };
        const StepConstants l = law;
        const double attended = pairs(1);
        p.prompts.step = [l, attended](double x) { return l(0, 0, x, x * attended); };
        p.prompts.lone = [l, attended](double n, double x) { return l(0, 0, n * x, n * x * attended); };
        p.prompts.full = p.prompts.step(chunk);
        p.decode.workers = v;
        p.decode.slots = 512;
        p.decode.steps = output - 1;
        const double context = input + output / 2;
        p.decode.step = [l, context](double b) { return l(b, b * context, 0, 0); };
        p.handover.transfer = transfer;
        return p;
    }
};

/// Every step takes `seconds` whatever it carries.
TwoPools constant_steps(double prompt, double decode) {
    TwoPools p;
    p.prompts.step = [prompt](double) { return prompt; };
    p.prompts.lone = [prompt](double, double) { return prompt; };
    p.prompts.full = prompt;
    p.decode.slots = 1000;
    p.decode.steps = 100;
    p.decode.step = [decode](double) { return decode; };
    return p;
}

}   // namespace

TEST_CASE("two prefill workers and one of decode at a rate: the check value and its simulation") {
    // Check value: rho 0.4199, TTFT 214.2 ms (simulated 210.7) without the transfer of 20 ms, B 98.72 (98.2), TPOT with
    // the transfer 38.68 ms (38.59).
    const Setup s;
    const TwoPools p = s.pools();
    const TwoPoolsAnswer a = open_loop_apart(p, 5, 1, 0.0041);
    REQUIRE(a.stable);
    CHECK(5 / a.prefill_capacity == Approx(0.4199).epsilon(0.002));
    CHECK(1e3 * (a.ttft - 0.02) == Approx(214.2).epsilon(0.01));
    CHECK(a.decodes == Approx(98.72).epsilon(0.005));
    CHECK(1e3 * (a.decode_time + 0.02) / 511 == Approx(38.68).epsilon(0.005));
}

TEST_CASE("few requests in flight queue nowhere") {
    // Prompt 0.1 s, 100 decode steps of 0.01 s: one request takes 1.1 s.
    const TwoPools p = constant_steps(0.1, 0.01);
    const TwoPoolsAnswer a = closed_loop_apart(p, 1);
    CHECK(a.ttft == Approx(0.105).epsilon(0.02));   // M/D/1 with itself: at most half a prompt behind
    CHECK(a.decode_time == Approx(1.0));
    CHECK(a.rate == Approx(1 / 1.1).epsilon(0.01));
    CHECK(a.limit() == PoolLimit::requests);
}

TEST_CASE("prefill binds: requests leave as fast as prompts are computed") {
    // 100 in flight, 10 prompts/s: 10 s in all, of which 1 s decodes, 0.1 s is the own prompt, the rest waits.
    TwoPools p = constant_steps(0.1, 0.01);
    const TwoPoolsAnswer a = closed_loop_apart(p, 100);
    CHECK(a.rate == Approx(10).epsilon(0.002));
    CHECK(a.wait == Approx(8.9).epsilon(0.005));
    CHECK(a.decodes == Approx(10).epsilon(0.01));
    CHECK(a.limit() == PoolLimit::prefill);
    // Two prefill workers: 20 prompts/s.
    p.prompts.workers = 2;
    CHECK(closed_loop_apart(p, 100).rate == Approx(20).epsilon(0.01));
}

TEST_CASE("slots of the decode pool bind: the rest waits") {
    // 10 slots of 1 s: 10 requests/s; 100 prompts/s would be computed.
    TwoPools p = constant_steps(0.01, 0.01);
    p.decode.slots = 10;
    const TwoPoolsAnswer a = closed_loop_apart(p, 30);
    CHECK(a.rate == Approx(10).epsilon(0.01));
    CHECK(a.decodes == Approx(10).epsilon(0.01));
    CHECK(a.slot_wait == Approx(2 - 0.01).epsilon(0.02));
    CHECK(a.limit() == PoolLimit::decode);
    CHECK(open_loop_apart(p, 11, 1, 0).stable == false);
}

TEST_CASE("those who wait in a loop of two pools are a queue of constant length: all wait as long") {
    // As above: each of 30 waits until the 20 before it have had a slot, 2 s less its prompt.
    TwoPools p = constant_steps(0.01, 0.01);
    p.decode.slots = 10;
    const Lengths lengths{FixedLength{1000}, FixedLength{101}, {}};
    const Latency l = latency_apart(p, closed_loop_apart(p, 30), lengths, ClosedLoop{30}).ttft;
    CHECK(l.p50().value() == Approx(2).epsilon(0.03));
    CHECK(l.p99().value() == Approx(2).epsilon(0.05));
    // Prefill binds: 100 prompts of 0.1 s in turn, 1 s of 10 decodes.
    const TwoPools slow = constant_steps(0.1, 0.01);
    const Latency q = latency_apart(slow, closed_loop_apart(slow, 100), lengths, ClosedLoop{100}).ttft;
    CHECK(q.p50().value() == Approx(9).epsilon(0.03));
    CHECK(q.p99().value() == Approx(9).epsilon(0.05));
}

TEST_CASE("links bind where caches are large: X = one transfer after another") {
    TwoPools p = constant_steps(0.01, 0.001);
    p.handover.transfer = 0.5;
    p.handover.per_prompt = 0.5;
    const TwoPoolsAnswer a = closed_loop_apart(p, 50);
    CHECK(a.rate == Approx(2).epsilon(0.01));
    CHECK(a.limit() == PoolLimit::transfer);
    CHECK(offline_apart(p).rate == Approx(2));
}

TEST_CASE("a transfer hides behind the prompt's own steps at most") {
    Handover h;
    h.transfer = 0.3;
    CHECK(h.exposed(1) == Approx(0.3));
    h.hidden = 0.5;
    CHECK(h.exposed(1) == Approx(0.15));
    CHECK(h.exposed(0.1) == Approx(0.2));   // a short prompt hides no more than itself
}

TEST_CASE("a run that starts with all requests at once waits for its first wave") {
    // 40 at once, 0.1 s each: 2 s more in the first wave, of a tenth of the requests, over 4 rounds: 0.8 s.
    TwoPools p = constant_steps(0.1, 0.1);
    p.handover.burst_rounds = 4;
    const TwoPoolsAnswer endless = closed_loop_apart(p, 40);
    const TwoPoolsAnswer run = closed_loop_apart(p, 40, 400);
    CHECK(run.burst == Approx(0.8));
    CHECK(run.ttft - endless.ttft == Approx(0.8));
    CHECK(run.rate < endless.rate);
}

TEST_CASE("an endless queue runs at the least capacity") {
    const Setup s;
    const TwoPools p = s.pools();
    const TwoPoolsAnswer a = offline_apart(p);
    CHECK(a.rate == Approx(std::min(a.prefill_capacity, a.decode_capacity)));
    CHECK(a.decodes * p.decode.workers == Approx(a.rate * a.decode_time).epsilon(1e-4));   // Little's law
}

TEST_CASE("percentiles of two pools ascend and keep their means") {
    const Setup s;
    const TwoPools p = s.pools();
    const TwoPoolsAnswer a = open_loop_apart(p, 8, 1, 0.0041);
    REQUIRE(a.stable);
    const TwoPoolsLatency l = latency_apart(p, a, around(4096, 512), OpenLoop{8});
    CHECK(l.ttft.mean.value() == Approx(a.ttft));
    CHECK(l.ttft.p50() < l.ttft.p90());
    CHECK(l.ttft.p90() < l.ttft.p99());
    CHECK(l.ttft.p50().value() == Approx(a.ttft).epsilon(0.25));
    CHECK(l.tpot.p50().value() == Approx(a.decode_time / 511).epsilon(0.02));
    CHECK(l.tpot.p99() > l.tpot.p50());
    CHECK(l.e2e.p50().value() == Approx(a.ttft + a.decode_time).epsilon(0.05));
    // A run of ten rounds: the slowest tenth is the first wave.
    const TwoPoolsAnswer loop = closed_loop_apart(p, 200, 2000);
    const TwoPoolsLatency run = latency_apart(p, loop, around(4096, 512), ClosedLoop{200, 2000});
    CHECK(run.ttft.p99().value() > 0.8 * 200 * p.prompts.per_prompt());
    CHECK(run.ttft.p50().value() < 0.5 * 200 * p.prompts.per_prompt());
}
