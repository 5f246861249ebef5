// SPDX-License-Identifier: Apache-2.0
// More requests in flight than slots: how long each waits, against renewal theory and the event simulation.
#include "moecost/serving/slot_queue.h"

#include <doctest/doctest.h>

#include "moecost/serving/simulate.h"
#include "moecost/traffic/length_presets.h"
#include "steps.h"

using namespace moecost;
using doctest::Approx;

namespace {

LengthNodes lives(std::initializer_list<LengthNode> list) {
    LengthNodes n;
    for (const LengthNode& node : list) n.node[n.count++] = node;
    return n;
}

Simulation events(const Replica& r, const Lengths& lengths, double in_flight, double requests) {
    StepTable steps(r.step, r.lengths.context, r.lengths.attended / r.lengths.prompt);
    SimulationSettings settings;
    settings.requests = requests;
    settings.warm_up = requests / 4;
    return simulate(r.rules, steps, request_source(ClosedLoop{in_flight}, lengths, 0, 1), settings);
}

Latency form(const Replica& r, double in_flight) {
    const bool step = r.lengths.fixed;
    const SteadyLoop l = step ? loop_in_step(r, in_flight) : steady_loop(r, in_flight);
    if (!step) return behind_queue(r, l, in_flight, loop_ttft(r, l));
    LatencySample first;
    for (const double t : burst_times(r, l.running)) first.add(t);
    return behind_queue(r, l, in_flight, first.latency());
}

}   // namespace

TEST_CASE("ends of lives of equal length in a window are as even as can be") {
    // One or two ends in 1.3 lives: two with chance 0.3, variance 0.3 * 0.7.
    CHECK(renewal_variance(lives({{10, 1}}), 5) == Approx(0.25));
    CHECK(renewal_variance(lives({{10, 1}}), 13) == Approx(0.21));
    CHECK(renewal_variance(lives({{10, 1}}), 20) == Approx(0).epsilon(1e-9));
}

TEST_CASE("ends of unequal lives: the laws of renewal theory") {
    // Lives of 1 or 3: no window of 1 holds two ends, one of them with chance 1/2.
    CHECK(renewal_variance(lives({{1, 0.5}, {3, 0.5}}), 1) == Approx(0.25).epsilon(0.02));
    // Cox, Renewal Theory (1962): c2 t/T + 1/6 + c2^2/2 - (third central moment)/(3 T^3), here 2.5 + 0.1667 + 0.03125.
    CHECK(renewal_variance(lives({{1, 0.5}, {3, 0.5}}), 20) == Approx(2.698).epsilon(0.02));
}

TEST_CASE("waits for a slot spread as they do in the event simulation") {
    struct Case {
        Batching batching;
        Lengths lengths;
        double slots, in_flight;
    };
    const Lengths uneven{LognormalLength{1024, 0.8}, LognormalLength{512, 1.0}, {}};
    for (const Case& c : {Case{Batching::chunked_prefill, around(1024, 512), 64, 96},
                          Case{Batching::chunked_prefill, uneven, 64, 200},
                          Case{Batching::prefill_first, around(1024, 512), 64, 150},
                          Case{Batching::prefill_first, uneven, 32, 48}}) {
        const Replica r = replica_of(llama70b_h100x4, c.batching, 8192, c.slots, c.lengths);
        const Latency l = form(r, c.in_flight);
        const Simulation s = events(r, c.lengths, c.in_flight, 60000);
        CAPTURE(c.in_flight);
        CHECK(l.mean.value() == Approx(s.ttft.mean.value()).epsilon(0.03));
        CHECK(l.p50().value() == Approx(s.ttft.p50().value()).epsilon(0.03));
        CHECK(l.p90().value() == Approx(s.ttft.p90().value()).epsilon(0.05));
        CHECK(l.p99().value() == Approx(s.ttft.p99().value()).epsilon(0.08));
        CHECK(l.quantile(0.1).value() == Approx(s.ttft.quantile(0.1).value()).epsilon(0.08));
    }
}

TEST_CASE("equal lengths wait whole cycles: of 96 on 64 slots every other request waits none") {
    const Lengths lengths{FixedLength{1024}, FixedLength{512}, {}};
    const Replica r = replica_of(llama70b_h100x4, Batching::prefill_first, 8192, 64, lengths);
    const Latency l = form(r, 96);
    const Simulation s = events(r, lengths, 96, 9600);
    CHECK(l.quantile(0.75).value() > 4 * l.quantile(0.25).value());
    CHECK(l.quantile(0.25).value() == Approx(s.ttft.quantile(0.25).value()).epsilon(0.25));
    CHECK(l.quantile(0.75).value() == Approx(s.ttft.quantile(0.75).value()).epsilon(0.08));
    CHECK(l.mean.value() == Approx(s.ttft.mean.value()).epsilon(0.05));
}
