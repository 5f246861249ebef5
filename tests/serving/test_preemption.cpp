// SPDX-License-Identifier: Apache-2.0
// Engines whose cache grows beyond their memory: the law against the event simulation, and against limits by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "moecost/serving/open_loop.h"
#include "moecost/serving/preemption.h"
#include "moecost/serving/simulate.h"
#include "moecost/serving/steady_loop.h"
#include "steps.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// A replica whose memory holds so many sequences of mean length.
Replica tight(const StepConstants& law, Batching batching, const Lengths& lengths, double sequences,
              double chunk = 8192) {
    Replica r = replica_of(law, batching, chunk, 1e6, lengths);
    r.rules.cache_tokens = sequences * r.lengths.context;
    return r;
}

Simulation backlogged(const Replica& r, const Lengths& lengths, double requests) {
    StepTable steps(r.step, r.lengths.context, r.lengths.mean_input / 2);
    SimulationSettings settings;
    settings.warm_up = 3000;
    settings.requests = 6000;
    return simulate(r.rules, steps, request_source(ClosedLoop{requests}, lengths, 0, 1), settings);
}

}   // namespace

TEST_CASE(
    "requests taken out again: few where prompts are long, as many as prompts fit an answer where they are "
    "short") {
    // 512 sequences of 1,000 + 1,000 tokens: half a completion in a step, r = O/h e^-0.512 = 0.60 by hand (h = I).
    const auto at = [](const Lengths& lengths, double sequences) {
        return preemption(tight(llama70b_h100x4, Batching::chunked_prefill, lengths, sequences)).per_request;
    };
    CHECK(at({around(1000), ExponentialLength{1000}, {}}, 512) == Approx(0.6).epsilon(0.02));
    CHECK(at({around(1000), ExponentialLength{1000}, {}}, 64) >
          at({around(8000), ExponentialLength{1000}, {}}, 64));
    CHECK(at({around(1000), ExponentialLength{4000}, {}}, 128) == Approx(3.1).epsilon(0.1));
    // One output token grows nothing.
    CHECK(at({around(1000), FixedLength{1}, {}}, 64) == 0);
    // Who promises the whole answer, or half of what is to come, takes nobody out.
    Replica r = tight(llama70b_h100x4, Batching::chunked_prefill, around(1000, 1000), 64);
    r.rules.promised = 0.5;
    CHECK(preemption(r).per_request == 0);
    r.rules.cache = CachePolicy::reserve;
    CHECK(preemption(r).per_request == 0);
}

TEST_CASE("memory presses when the sequences outgrow it") {
    const Replica r = tight(llama70b_h100x4, Batching::chunked_prefill, around(1000, 1000), 100);
    CHECK(memory_pressure(r, 50) < 1e-6);
    CHECK(memory_pressure(r, 100) == Approx(0.5));
    CHECK(memory_pressure(r, 200) > 0.999999);
}

TEST_CASE("a full engine delivers what the event simulation says, whatever it takes out again") {
    struct Shape {
        double input, output, chunk;
    };
    const Shape shapes[] = {{1000, 1000, 2048}, {512, 4096, 8192}, {4096, 1024, 8192}, {8192, 512, 8192}};
    std::vector<double> errors;
    for (const StepConstants* law : {&llama70b_h100x4, &dsv3_h200x8, &gptoss_b200x1}) {
        for (const Batching batching : {Batching::chunked_prefill, Batching::prefill_first}) {
            for (const Shape& shape : shapes) {
                for (const bool even : {true, false}) {
                    Lengths lengths = around(shape.input, shape.output);
                    if (!even) lengths.output = LognormalLength{shape.output, 0.5};
                    const double sequences = even ? 60 : 150;
                    const Replica r = tight(*law, batching, lengths, sequences, shape.chunk);
                    const Simulation m = backlogged(r, lengths, 2.5 * sequences);
                    const SteadyLoop s = steady_loop(r, 2.5 * sequences);
                    errors.push_back(std::abs(s.rate / m.requests_per_s.value() - 1));
                    CHECK(s.preemptions == Approx(m.preemptions).epsilon(0.3));
                }
            }
        }
    }
    std::sort(errors.begin(), errors.end());
    CHECK(errors[errors.size() / 2] < 0.025);
    CHECK(errors[errors.size() * 9 / 10] < 0.06);
    CHECK(errors.back() < 0.1);
}

TEST_CASE("the capacity at a rate is that of the engine with its memory full") {
    const Replica r = tight(llama70b_h100x4, Batching::chunked_prefill, around(1000, 1000), 100);
    const double most = full_rate(r);
    Replica roomy = r;
    roomy.rules.cache_tokens = std::numeric_limits<double>::infinity();
    roomy.rules.max_sequences = 100;
    CHECK(most < 0.95 * full_rate(roomy));   // the same sequences, prompts computed twice
    CHECK(open_loop(r, 0.9 * most, 1, false).capacity == Approx(most));
    CHECK_FALSE(open_loop(r, 1.01 * most, 1, false).stable);
}

TEST_CASE("prompts of an engine that stalls decodes for them do not chase each other out for ever") {
    const Lengths lengths = around(128, 2048);
    const Replica r = tight(llama70b_h100x4, Batching::prefill_first, lengths, 10);
    const Simulation m = backlogged(r, lengths, 30);
    CHECK(m.requests == 6000);
    CHECK(m.preemptions > 1);
}
