// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/queueing.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace moecost;
using doctest::Approx;

TEST_CASE("a random walk that cannot fall below zero") {
    // Check values of an independent program (eleven digits of the sums of Spitzer's identity).
    CHECK(spitzer(0.5, 0.25).mean == Approx(0.0631863).epsilon(1e-6));
    CHECK(spitzer(0.5, 0.25).positive == Approx(0.199457).epsilon(1e-5));
    CHECK(spitzer(0.9, 0.3).mean == Approx(1.1809).epsilon(1e-4));
    CHECK(spitzer(0.9, 0.3).positive == Approx(0.762763).epsilon(1e-5));
    CHECK(spitzer(0.5, 0).mean == 0);   // nothing varies, nothing waits
}

TEST_CASE("a queue fed by few sources is shorter than M/D/1, and tends to it") {
    CHECK(finite_queue(0.95, 128, 0) == Approx(4.51797).epsilon(1e-5));
    // M/D/1: rho/(2 (1 - rho)) wait in services.
    CHECK(finite_queue(0.5, 1e7, 1) == Approx(0.5).epsilon(1e-3));
    CHECK(finite_queue(0.9, 1e7, 1) == Approx(4.5).epsilon(1e-3));
    CHECK(finite_queue(0.9, 16, 0) < finite_queue(0.9, 16, 1));
}

TEST_CASE("scaled complementary error function") {
    CHECK(erfcx(0) == 1);
    CHECK(erfcx(3) == Approx(0.17900115).epsilon(1e-7));
    CHECK(erfcx(8) == Approx(0.06998514).epsilon(1e-5));
    CHECK(erfcx(4.999) == Approx(erfcx(5.001)).epsilon(1e-3));
}

TEST_CASE("Erlang's probability of waiting") {
    CHECK(erlang_c(1, 0.7) == Approx(0.7));   // M/M/1: rho
    CHECK(erlang_c(4, 3) == Approx(0.509434).epsilon(1e-5));
}
