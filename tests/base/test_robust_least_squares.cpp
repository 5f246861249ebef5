// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "moecost/base/robust_least_squares.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// y = a + b x at x = 0, 1, ..., 9.
RobustLeastSquares line_through(const std::vector<double>& y, Bounds a, Bounds b) {
    RobustLeastSquares p;
    p.rows = y.size();
    p.bounds = {a, b};
    p.residuals = [y](std::span<const double> x, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[0] + x[1] * static_cast<double>(i) - y[i];
    };
    return p;
}

constexpr InfluenceLimits limits{1e-6, 1e-6, 0.3, false};

std::vector<double> points(double a, double b) {
    std::vector<double> y;
    for (int i = 0; i < 10; ++i) y.push_back(a + b * i);
    return y;
}

}   // namespace

TEST_CASE("a line through exact points is found from a far start") {
    const auto p = line_through(points(2, 0.5), {0, 100, false}, {0.001, 50, true});
    const double start[] = {90, 40};
    const RobustMinimum m = levenberg_marquardt(p, start, {100});
    CHECK(m.x[0] == Approx(2).epsilon(1e-4));
    CHECK(m.x[1] == Approx(0.5).epsilon(1e-4));
}

TEST_CASE("one outlier moves a robust line far less than a mean") {
    std::vector<double> y = points(2, 0);
    y[4] = 12;   // least squares would put the level of the line at 3
    const auto p = line_through(y, {0, 100, false}, {-1, 1, false});
    const double start[] = {5, 0};
    const RobustMinimum m = levenberg_marquardt(p, start, {200});
    CHECK(std::abs(m.x[0] + 4.5 * m.x[1] - 2) < 0.05);
}

TEST_CASE("a parameter that the rows push out of its bounds rests at the bound") {
    const auto p = line_through(points(2, 0.5), {0, 1, false}, {0, 50, false});
    const double start[] = {0.5, 1};
    const RobustMinimum m = levenberg_marquardt(p, start, {100});
    CHECK(m.x[0] == 1);
    CHECK(m.x[1] > 0.5);   // the slope makes up for the missing offset
}

TEST_CASE("parameters that only their sum decides are not identified") {
    RobustLeastSquares p;
    p.rows = 5;
    p.bounds = {{0, 10, false}, {0, 10, false}, {0, 10, false}};
    p.residuals = [](std::span<const double> x, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[0] + x[1] + x[2] * static_cast<double>(i) - 3;
    };
    const double x[] = {1, 2, 0};
    const Influence seen = influence(p, x, limits);
    CHECK(seen.rank == 2);
    CHECK_FALSE(seen.identified[0]);
    CHECK_FALSE(seen.identified[1]);
    CHECK(seen.identified[2]);
}

TEST_CASE("a parameter without influence is not identified") {
    RobustLeastSquares p;
    p.rows = 4;
    p.bounds = {{0, 10, false}, {1, 10, true}};
    p.residuals = [](std::span<const double> x, std::span<double> r) {
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = x[0] * static_cast<double>(i) - 1;
    };
    const double x[] = {1, 2};
    const Influence seen = influence(p, x, limits);
    CHECK(seen.rank == 1);
    CHECK(seen.identified[0]);
    CHECK_FALSE(seen.identified[1]);
}

namespace {

/// y = a + b x with derivatives, no bounds, Huber of that delta.
RobustLeastSquares huber_line(const std::vector<double>& y, double delta) {
    RobustLeastSquares p = line_through(y, {}, {});
    p.loss = RobustLoss::huber;
    p.scale = delta;
    p.derivatives = [residuals = p.residuals](std::span<const double> x, std::span<double> r,
                                              std::span<double> jacobian) {
        residuals(x, r);
        for (std::size_t i = 0; i < r.size(); ++i) {
            jacobian[2 * i] = 1;
            jacobian[2 * i + 1] = static_cast<double>(i);
        }
    };
    return p;
}

}   // namespace

TEST_CASE("the Huber cost of a small delta is delta times the sum of distances") {
    std::vector<double> y = points(2, 0);
    y[4] = 12;
    const double x[] = {2, 0};
    CHECK(robust_cost(huber_line(y, 1e-3), x) == Approx(1e-3 * (10 - 0.5e-3)));
    const double squares[] = {2.5, 0};   // nine residuals of 0.5 and one of -9.5, all below delta
    CHECK(robust_cost(huber_line(y, 100), squares) == Approx(0.5 * (9 * 0.25 + 9.5 * 9.5)));
}

TEST_CASE("descent and polish reach the line that most points lie on") {
    std::vector<double> y = points(2, 0.5);
    y[1] = 9;
    y[7] = -4;
    const RobustLeastSquares p = huber_line(y, 1e-4);
    const double start[] = {0, 0};
    const RobustMinimum m = polish(p, levenberg_marquardt(p, start, {200, 1e-9, 1e10, 1e-14}));
    CHECK(m.x[0] == Approx(2).epsilon(1e-3));
    CHECK(m.x[1] == Approx(0.5).epsilon(1e-3));
}

TEST_CASE("standard errors of a line are those of the textbook") {
    // Residuals +1, -1 in turn about a line through x = 0..9: s^2 = 10 / (10 - 2); var(slope) = s^2 / 82.5.
    std::vector<double> y = points(0, 0);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = i % 2 == 0 ? 1 : -1;
    const double x[] = {0, 0};
    const Influence seen = influence(huber_line(y, 1), x, {1e-7, 1e-12, 0.1, true});
    CHECK(seen.rank == 2);
    CHECK(seen.standard_error(1) == Approx(std::sqrt(10.0 / 8 / 82.5)));
    CHECK(seen.standard_error(0) == Approx(std::sqrt(10.0 / 8 * (0.1 + 4.5 * 4.5 / 82.5))));
}

TEST_CASE("a row of weight two counts as two rows") {
    const std::vector<double> y{0, 1, 1};
    RobustLeastSquares weighted = huber_line({0, 1}, 0.1);
    weighted.weights = {1, 2};
    RobustLeastSquares repeated = huber_line(y, 0.1);
    repeated.residuals = [](std::span<const double> x, std::span<double> r) {
        r[0] = x[0];
        r[1] = r[2] = x[0] + x[1] - 1;
    };
    const double x[] = {0.3, 0.05};
    CHECK(robust_cost(weighted, x) == Approx(robust_cost(repeated, x)));
}
