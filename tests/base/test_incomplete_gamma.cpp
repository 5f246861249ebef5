// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/incomplete_gamma.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using moecost::upper_gamma_share;

TEST_CASE("the tail of an exponential is e^-x") {
    for (const double x : {0.001, 0.5, 1.0, 1.9, 2.1, 7.0, 40.0})
        CHECK(upper_gamma_share(1, x) == doctest::Approx(std::exp(-x)).epsilon(1e-12));
}

TEST_CASE("half a degree of freedom is the error function") {
    for (const double x : {0.01, 0.4, 1.4, 1.6, 3.0, 20.0})
        CHECK(upper_gamma_share(0.5, x) == doctest::Approx(std::erfc(std::sqrt(x))).epsilon(1e-12));
}

// Gamma(a, x)/Gamma(a) = P(N < a) for N ~ Poisson(x) and whole a.
TEST_CASE("whole shapes are sums of Poisson's terms") {
    for (const int a : {2, 5, 30, 200}) {
        for (const double share : {0.5, 0.9, 1.0, 1.1, 1.6}) {
            const double x = share * a;
            double sum = 0;
            for (int n = 0; n < a; ++n) sum += std::exp(n * std::log(x) - x - std::lgamma(n + 1));
            CHECK(upper_gamma_share(a, x) == doctest::Approx(sum).epsilon(1e-10));
        }
    }
}

TEST_CASE("percentage points of chi-square as tables print them") {   // Q(k/2, chi2/2)
    CHECK(upper_gamma_share(0.5, 3.841459 / 2) == doctest::Approx(0.05).epsilon(1e-6));
    CHECK(upper_gamma_share(5, 18.307038 / 2) == doctest::Approx(0.05).epsilon(1e-6));
    CHECK(upper_gamma_share(50, 124.342113 / 2) == doctest::Approx(0.05).epsilon(1e-6));
}

TEST_CASE("large shapes: the median is near a - 1/3") {
    CHECK(upper_gamma_share(1e4, 1e4 - 1.0 / 3) == doctest::Approx(0.5).epsilon(1e-6));
    CHECK(upper_gamma_share(3, 0) == 1);
}
