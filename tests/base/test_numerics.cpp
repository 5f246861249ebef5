// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "moecost/base/numerics.h"

using namespace moecost;

TEST_CASE("fast_log2 agrees with std::log2 over 600 decades") {
    for (double exponent = -300; exponent <= 300; exponent += 0.37) {
        const double x = std::pow(10.0, exponent);
        CAPTURE(x);
        CHECK(std::abs(fast_log2(x) - std::log2(x)) < 1e-11 + 1e-15 * std::abs(std::log2(x)));
    }
}

TEST_CASE("fast_log2 is exact at powers of two and smooth at the seam of its reduction") {
    for (int n = -1000; n <= 1000; ++n) CHECK(fast_log2(std::ldexp(1.0, n)) == n);
    const double seam = std::sqrt(0.5);
    CHECK(fast_log2(seam * (1 + 1e-12)) - fast_log2(seam * (1 - 1e-12)) ==
          doctest::Approx(2.885e-12).epsilon(0.2));
}

TEST_CASE("fast_exp2 agrees with std::exp2 to 1e-10") {
    for (double x = -999.9; x < 1000; x += 0.173) {
        CAPTURE(x);
        CHECK(fast_exp2(x) / std::exp2(x) == doctest::Approx(1).epsilon(1e-10));
    }
    CHECK(fast_exp2(0) == 1);
    CHECK(fast_exp2(10) == 1024);
}

TEST_CASE("p_norm agrees with the definition to 1e-9") {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> log_size(-9, 3);
    std::uniform_real_distribution<double> overlap_exponent(1, 12);
    for (int i = 0; i < 20000; ++i) {
        const double a = std::pow(10.0, log_size(random));
        const double b = std::pow(10.0, log_size(random));
        const double p = overlap_exponent(random);
        const double high = std::max(a, b);
        const double exact = high * std::pow(1 + std::pow(std::min(a, b) / high, p), 1 / p);
        CHECK(p_norm(a, b, p) / exact == doctest::Approx(1).epsilon(1e-9));
    }
}

TEST_CASE("p_norm by hand") {
    CHECK(p_norm(3, 4, 2) == doctest::Approx(5).epsilon(1e-10));
    CHECK(p_norm(1, 2, 1) == doctest::Approx(3).epsilon(1e-10));
    CHECK(p_norm(5, 5, 1) == doctest::Approx(10).epsilon(1e-10));
    CHECK(p_norm(0, 7, 3) == 7);
    CHECK(p_norm(0, 0, 2) == 0);
    CHECK(p_norm(Seconds{3}, Seconds{4}, 2).value() == doctest::Approx(5).epsilon(1e-10));
}

TEST_CASE("p_norm with an infinite overlap_exponent is the maximum") {
    constexpr double sharp = std::numeric_limits<double>::infinity();
    CHECK(p_norm(2, 3, sharp) == 3);
    CHECK(p_norm(3, 3, sharp) == 3);
    CHECK(p_norm(0, 3, sharp) == 3);
    CHECK(p_norm(1e-300, 1e300, sharp) == 1e300);
}

TEST_CASE("p_norm is symmetric, at least the maximum, at most the sum, and grows with each argument") {
    std::mt19937_64 random(11);
    std::uniform_real_distribution<double> log_size(-6, 2);
    for (int i = 0; i < 5000; ++i) {
        const double a = std::pow(10.0, log_size(random));
        const double b = std::pow(10.0, log_size(random));
        for (const double p : {1.0, 1.7, 3.0, 8.0}) {
            const double n = p_norm(a, b, p);
            CHECK(n == p_norm(b, a, p));
            CHECK(n >= std::max(a, b));
            CHECK(n <= (a + b) * (1 + 1e-10));
            CHECK(p_norm(a * 1.01, b, p) >= n);
        }
    }
}

TEST_CASE("p_norm of a vanishing part is the other part") {
    CHECK(p_norm(1, 1e-30, 2) == 1);
    CHECK(p_norm(1, 1e-320, 1) == 1);   // a subnormal number
}

TEST_CASE("normal_quantile gives the published quantiles") {
    CHECK(normal_quantile(0.5) == doctest::Approx(0).epsilon(1e-12));
    CHECK(normal_quantile(0.90) == doctest::Approx(1.2815515655446004).epsilon(1e-9));
    CHECK(normal_quantile(0.95) == doctest::Approx(1.6448536269514722).epsilon(1e-9));
    CHECK(normal_quantile(0.975) == doctest::Approx(1.9599639845400545).epsilon(1e-9));
    CHECK(normal_quantile(0.99) == doctest::Approx(2.3263478740408408).epsilon(1e-9));
    CHECK(normal_quantile(0.999) == doctest::Approx(3.0902323061678132).epsilon(1e-9));
    CHECK(normal_quantile(1e-6) == doctest::Approx(-4.753424308822899).epsilon(1e-9));
    CHECK(normal_quantile(0.01) == doctest::Approx(-2.3263478740408408).epsilon(1e-9));
}

TEST_CASE("normal_quantile inverts the distribution function") {
    for (double u = 0.0005; u < 1; u += 0.0005) {
        CHECK(0.5 * std::erfc(-normal_quantile(u) / std::sqrt(2.0)) == doctest::Approx(u).epsilon(1e-12));
    }
}

TEST_CASE("the expected maximum of n normals is near the exact table") {
    struct Row {
        double n, exact, tolerance;
    };
    // Exact values by numerical integration (Harter 1961 prints the same); Blom's formula is a little above.
    for (const Row& row :
         {Row{2, 0.5642, 0.026}, Row{4, 1.0294, 0.02}, Row{8, 1.4236, 0.012}, Row{16, 1.7660, 0.012},
          Row{32, 2.0697, 0.012}, Row{64, 2.3437, 0.012}, Row{256, 2.8269, 0.0125}}) {
        CAPTURE(row.n);
        CHECK(std::abs(expected_max_normal(row.n) - row.exact) < row.tolerance);
    }
}

TEST_CASE("one draw has no maximum above its mean, and more draws have a larger one") {
    CHECK(expected_max_normal(1) == 0);
    CHECK(expected_max_normal(0.5) == 0);
    for (double n = 1; n < 1000; n *= 1.3) CHECK(expected_max_normal(n * 1.3) > expected_max_normal(n));
}

TEST_CASE("the soft maximum agrees with log2(1 + 2^x) wherever a p-norm asks") {
    for (double x = 0; x > negligible_exponent; x -= 0.0137) {
        CAPTURE(x);
        CHECK(std::abs(soft_maximum_of(x) - std::log1p(std::exp2(x)) / std::log(2.0)) < 1e-12);
    }
}
