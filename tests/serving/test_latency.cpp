// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/latency.h"

#include <doctest/doctest.h>

#include <cmath>

#include "moecost/serving/output_mixture.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("quantiles and shares of a sample invert each other") {
    LatencySample sample;
    for (int i = 1; i <= 100000; ++i) sample.add(i * 1e-4);
    const Latency l = sample.latency();
    CHECK(l.mean.value() == Approx(5.00005));
    CHECK(l.p50().value() == Approx(5).epsilon(1e-3));
    CHECK(l.p99().value() == Approx(9.9).epsilon(1e-3));
    for (const double u : {0.05, 0.5, 0.85, 0.93, 0.99})
        CHECK(l.share_within(l.quantile(u)) == Approx(u).epsilon(1e-9));
    CHECK(l.share_within(Seconds{1e9}) == 1);
    CHECK(l.share_within(Seconds{1e-9}) == 0);
}

TEST_CASE("a mixture of uniform parts has their quantiles") {
    UniformMixture m(0, 10);
    m.add(0.5, 0, 2);
    m.add(0.5, 4, 4);
    const Latency l = m.latency();
    CHECK(l.mean.value() == Approx((1.0 + 6.0) / 2));
    CHECK(l.quantile(0.4).value() == Approx(1.6).epsilon(0.01));
    CHECK(l.quantile(0.75).value() == Approx(6).epsilon(0.01));
}

TEST_CASE("an exponential wait after a point is the exponential law") {
    UniformMixture m(0, 12);
    m.add(1, 1, 0);
    m.then_exponential(1, 1);
    const Latency l = m.latency();
    CHECK(l.mean.value() == Approx(2));
    CHECK(l.p50().value() == Approx(1 + std::log(2)).epsilon(0.01));
    CHECK(l.p99().value() == Approx(1 + std::log(100)).epsilon(0.01));
}

TEST_CASE("half of the requests wait on") {
    UniformMixture m(0, 12);
    m.add(1, 1, 0);
    m.then_exponential(0.5, 1);
    // P(T > t) = e^-(t - 1)/2: 0.01 at 1 + ln 50.
    CHECK(m.latency().p99().value() == Approx(1 + std::log(50)).epsilon(0.01));
    CHECK(m.latency().quantile(0.4).value() == Approx(1).epsilon(0.01));
}

TEST_CASE("one lognormal part has lognormal quantiles") {
    OutputMixture m;
    const double sigma = 0.3;
    const double mean = std::exp(sigma * sigma / 2);   // median 1
    m.add(1, mean, mean * mean * std::expm1(sigma * sigma));
    CHECK(m.latency().p50().value() == Approx(1).epsilon(1e-3));
    CHECK(m.latency().p99().value() == Approx(std::exp(0.3 * 2.3263479)).epsilon(1e-3));
}

TEST_CASE("later moves, stretched multiplies") {
    const Latency l = certain(Seconds{2});
    CHECK(later(l, Seconds{1}).p99().value() == 3);
    CHECK(stretched(l, 3).mean.value() == 6);
}
