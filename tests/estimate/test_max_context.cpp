// SPDX-License-Identifier: Apache-2.0
// What memory can hold, asked by --max-context. Oracle: the log of Llama-3.1-8B on one H100 at 0.95 under vLLM 0.19:
// 476,016 tokens of cache, "maximum concurrency for 8,192 tokens per request: 58.11x"; other versions reserve a little
// more or less, so the bound is 2 %.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "moecost/moecost.h"

using namespace moecost;
using doctest::Approx;

namespace {

Description described() {
    Description d;
    d.model = "llama-3.1-8b";
    d.gpu = "h100_sxm";
    d.memory_fraction = 0.95;
    d.isl = 8000;
    d.osl = 192;
    d.load = ClosedLoop{4};
    return d;
}

}   // namespace

TEST_CASE("nobody asks, nothing is worked out") {
    CHECK_FALSE(evaluate(*describe(DataStore{}, described()))->capacity);
}

TEST_CASE("asked: the longest context, the most requests, the smallest tensor parallelism") {
    Description d = described();
    set_option(d, "max-context", "true", {"--max-context"});
    const Capacity c = *evaluate(*describe(DataStore{}, d))->capacity;
    CHECK(c.sequences == 4);
    CHECK(c.context == 8192);
    CHECK(c.max_context == Approx(476016.0 / 4).epsilon(0.02));
    CHECK(c.max_sequences == Approx(58).epsilon(0.02));
    CHECK(*c.smallest_tp == 1);
}

TEST_CASE("requests are those of an instance, and none may fit") {
    Description d = described();
    d.max_context = true;
    d.replicas = 2;
    d.load = ClosedLoop{400};
    const Capacity c = *evaluate(*describe(DataStore{}, d))->capacity;
    CHECK(c.sequences == 200);
    CHECK(c.max_context == Approx(476016.0 / 200).epsilon(0.02));
    CHECK(*c.smallest_tp == 4);   // 200 x 8,192 tokens of 131,072 B: 215 GB, 54 of them on each of four GPUs
    d.load = ClosedLoop{2e7};
    const Capacity none = *evaluate(*describe(DataStore{}, d))->capacity;
    CHECK(none.max_context == 0);
    CHECK_FALSE(none.smallest_tp);
}

TEST_CASE("the figures say what was asked, of the whole deployment, and nothing where nobody asked") {
    const auto figures_of = [](const Description& d) {
        const Scenario scenario = *describe(DataStore{}, d);
        const Estimate estimate = *evaluate(scenario);
        const View view{&d, &scenario, &estimate, nullptr};
        return std::array{figure_named("max_context_tokens")->number(view),
                          figure_named("max_requests_of_context")->number(view),
                          figure_named("smallest_tp")->number(view)};
    };
    Description d = described();
    for (const double unasked : figures_of(d)) CHECK(std::isnan(unasked));
    d.max_context = true;
    d.replicas = 2;
    d.load = ClosedLoop{8};
    const auto [context, requests, tp] = figures_of(d);
    CHECK(context == Approx(476016.0 / 4).epsilon(0.02));
    CHECK(requests == Approx(2 * 58).epsilon(0.02));
    CHECK(tp == 1);
}

TEST_CASE("of two pools it is the workers that decode whose memory is asked about") {
    // One worker that decodes the 4 sequences of one pool has the memory of one pool: the same context, but for prompts in chunks,
    // for which the pool of decode reserves no less.
    Description d = described();
    d.max_context = true;
    const Expected<Estimate> one = evaluate(*describe(DataStore{}, d));
    REQUIRE(one);
    d.prefill.replicas = d.decode.replicas = 1;
    const Expected<Estimate> apart = evaluate(*describe(DataStore{}, d));
    REQUIRE(apart);
    REQUIRE(apart->capacity);
    CHECK(apart->capacity->max_context == Approx(one->capacity->max_context).epsilon(0.02));
    CHECK(apart->capacity->sequences == 4);
}
