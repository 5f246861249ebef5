// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "moecost/calibrate/least_squares.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// y = a + b x at x = 0, 1, ..., 9.
LeastSquaresProblem line_through(const std::vector<double>& y, Bounds a, Bounds b) {
    LeastSquaresProblem p;
    p.rows = y.size();
    p.bounds = {a, b};
    p.residuals = [y](std::span<const double> x, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[0] + x[1] * static_cast<double>(i) - y[i];
    };
    return p;
}

std::vector<double> points(double a, double b) {
    std::vector<double> y;
    for (int i = 0; i < 10; ++i) y.push_back(a + b * i);
    return y;
}

}   // namespace

TEST_CASE("a line through exact points is found from a far start") {
    const auto p = line_through(points(2, 0.5), {0, 100, false}, {0.001, 50, true});
    const double start[] = {90, 40};
    const LeastSquaresMinimum m = minimise(p, start, 100);
    CHECK(m.x[0] == Approx(2).epsilon(1e-4));
    CHECK(m.x[1] == Approx(0.5).epsilon(1e-4));
}

TEST_CASE("one outlier moves a robust line far less than a mean") {
    std::vector<double> y = points(2, 0);
    y[4] = 12;   // least squares would put the level of the line at 3
    const auto p = line_through(y, {0, 100, false}, {-1, 1, false});
    const double start[] = {5, 0};
    const LeastSquaresMinimum m = minimise(p, start, 200);
    CHECK(std::abs(m.x[0] + 4.5 * m.x[1] - 2) < 0.05);
}

TEST_CASE("a parameter that the rows push out of its bounds rests at the bound") {
    const auto p = line_through(points(2, 0.5), {0, 1, false}, {0, 50, false});
    const double start[] = {0.5, 1};
    const LeastSquaresMinimum m = minimise(p, start, 100);
    CHECK(m.x[0] == 1);
    CHECK(m.x[1] > 0.5);   // the slope makes up for the missing offset
}

TEST_CASE("parameters that only their sum decides are not identified") {
    LeastSquaresProblem p;
    p.rows = 5;
    p.bounds = {{0, 10, false}, {0, 10, false}, {0, 10, false}};
    p.residuals = [](std::span<const double> x, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[0] + x[1] + x[2] * static_cast<double>(i) - 3;
    };
    const double x[] = {1, 2, 0};
    const ParameterInfluence seen = influence(p, x);
    CHECK(seen.rank == 2);
    CHECK_FALSE(seen.identified[0]);
    CHECK_FALSE(seen.identified[1]);
    CHECK(seen.identified[2]);
}

TEST_CASE("a parameter without influence is not identified") {
    LeastSquaresProblem p;
    p.rows = 4;
    p.bounds = {{0, 10, false}, {1, 10, true}};
    p.residuals = [](std::span<const double> x, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[0] * static_cast<double>(i) - 1;
    };
    const double x[] = {1, 2};
    const ParameterInfluence seen = influence(p, x);
    CHECK(seen.rank == 1);
    CHECK(seen.identified[0]);
    CHECK_FALSE(seen.identified[1]);
}
