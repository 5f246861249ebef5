// SPDX-License-Identifier: Apache-2.0
// Quantiles, throttled samples and the stopping rule.
#include <doctest/doctest.h>

#include "host/measure.h"
#include "host/statistics.h"

using namespace microbench;

namespace {

std::vector<Sample> at_clock(std::initializer_list<double> mhz) {
    std::vector<Sample> samples;
    for (const double f : mhz) samples.push_back({1e6 / f, f, 0});
    return samples;
}

}   // namespace

TEST_CASE("quantiles interpolate between order statistics") {
    const std::vector<double> x{1, 2, 3, 4};
    CHECK(quantile(x, 0) == 1);
    CHECK(quantile(x, 0.25) == doctest::Approx(1.75));   // as numpy.percentile gives by default
    CHECK(quantile(x, 0.5) == 2.5);
    CHECK(quantile(x, 0.9) == doctest::Approx(3.7));
    CHECK(quantile(x, 1) == 4);
    CHECK(quantile({7}, 0.3) == 7);
}

TEST_CASE("a summary gives median, tails and spread") {
    std::vector<Sample> samples;
    for (int i = 11; i >= 1; --i) samples.push_back({10.0 * i, 1000, 300});
    const Summary s = summarise(samples);
    CHECK(s.samples == 11);
    CHECK(s.median_us == 60);
    CHECK(s.p10_us == 20);
    CHECK(s.p90_us == 100);
    CHECK(s.relative_iqr == doctest::Approx(50.0 / 60));   // quartiles 35 and 85
    CHECK(s.sm_mhz == 1000);
    CHECK(s.power_w == 300);
}

TEST_CASE("samples of a chip that still wakes up are left out") {
    const auto kept = without_throttled(at_clock({345, 1200, 1700, 1755, 1755, 1755, 1755}));
    CHECK(kept.size() == 5);
    CHECK(kept.front().sm_mhz == 1700);
}

TEST_CASE("a chip that runs slower throughout keeps all samples") {
    CHECK(without_throttled(at_clock({1400, 1390, 1410, 1405})).size() == 4);
}

TEST_CASE("without clocks nothing is left out") {
    CHECK(without_throttled({{3, 0, 0}, {900, 0, 0}}).size() == 2);
}

TEST_CASE("sampling ends with a small spread, or out of samples or time") {
    const StoppingRule rule;
    Summary s;
    s.samples = 29;
    s.relative_iqr = 0.001;
    CHECK_FALSE(enough(s, 0.1, rule));   // too few
    s.samples = 30;
    CHECK(enough(s, 0.1, rule));
    s.relative_iqr = 0.011;
    CHECK_FALSE(enough(s, 0.1, rule));   // too wide
    CHECK(enough(s, 2.0, rule));         // out of time
    s.samples = 1000;
    CHECK(enough(s, 0.1, rule));   // out of samples
}
