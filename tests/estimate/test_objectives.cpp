// SPDX-License-Identifier: Apache-2.0
// Objectives of means and of percentiles, as text and as judged by evaluate().
#include <doctest/doctest.h>

#include "moecost/moecost.h"

using namespace moecost;
using doctest::Approx;

namespace {

Description described() {
    Description d;
    d.model = "mixtral-8x7b";
    d.gpu = "h100_sxm";
    d.tp = 2;
    d.isl = 2000;
    d.osl = 300;
    d.load = OpenLoop{5};
    return d;
}

}   // namespace

TEST_CASE("an objective is a time, or a percentile and a time, and reads back as it was written") {
    Description d;
    set_option(d, "slo-ttft", "p95:2s", {"--slo-ttft"});
    set_option(d, "slo-tpot", "40ms", {"--slo-tpot"});
    CHECK(d.slo_ttft == 2.0);
    CHECK(*d.slo_ttft_level == Approx(0.95));
    CHECK_FALSE(d.slo_tpot_level);
    CHECK(options_of(d) == "--slo-ttft p95:2 --slo-tpot 0.04");
    set_option(d, "slo_ttft", "p99.9:500ms", {"--slo-ttft"});
    CHECK(options_of(d) == "--slo-ttft p99.9:0.5 --slo-tpot 0.04");
    set_option(d, "ttft-slo", "mean:1s", {"--slo-ttft"});
    CHECK_FALSE(d.slo_ttft_level);
}

TEST_CASE("what is no percentile is refused with what is allowed") {
    for (const char* text : {"p0:2s", "p100:2s", "95:2s", "px:2s", "p95:", "p95:2x", ":2s"}) {
        CAPTURE(text);
        Description d;
        CHECK_THROWS_AS(set_option(d, "slo-ttft", text, {"--slo-ttft"}), InputError);
    }
}

TEST_CASE("a percentile of an open loop lies above its mean and decides whether the objective is met") {
    Description d = described();
    d.slo_ttft = 1;
    const auto mean = evaluate(*describe(DataStore{}, d));
    d.slo_ttft_level = 0.99;
    const auto tail = evaluate(*describe(DataStore{}, d));
    REQUIRE(mean);
    REQUIRE(tail);
    CHECK(mean->ttft_of_slo == mean->serving.ttft);
    CHECK(tail->serving.ttft == mean->serving.ttft);   // the means stay as they are
    CHECK(tail->ttft_of_slo > mean->ttft_of_slo);
    d.slo_ttft = 0.5 * (mean->ttft_of_slo + tail->ttft_of_slo).value();
    CHECK_FALSE(evaluate(*describe(DataStore{}, d))->meets_slo);
    d.slo_ttft_level.reset();
    CHECK(evaluate(*describe(DataStore{}, d))->meets_slo);
}
