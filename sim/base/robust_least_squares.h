// SPDX-License-Identifier: Apache-2.0
// Robust least squares between bounds, and what the rows say about each parameter. The linear algebra (Eigen) stands in
// robust_least_squares.cpp alone.
//   cost = sum_i w_i rho(r_i(x))
//   huber    rho(r) = r^2 / 2 for |r| <= s, else s (|r| - s / 2)
//   soft_l1  rho(r) = 2 s^2 (sqrt(1 + (r / s)^2) - 1)
// Both are squares below the scale s and linear above it, so that outliers pull with a bounded force.
#pragma once

#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace moecost {

enum class RobustLoss { huber, soft_l1 };

/// Bounds of one parameter. Positive scales that span decades are moved in logarithms.
struct Bounds {
    double low = -HUGE_VAL;
    double high = HUGE_VAL;
    bool logarithmic = false;
};

struct RobustLeastSquares {
    std::size_t rows = 0;
    std::vector<Bounds> bounds;   // of every parameter
    RobustLoss loss = RobustLoss::soft_l1;
    double scale = 0.05;             // s
    std::vector<double> weights{};   // of the rows; none: all 1
    /// Writes r_i at the parameters x; called with x inside the bounds.
    std::function<void(std::span<const double> x, std::span<double> residuals)> residuals;
    /// Writes r_i and dr_i/dx_j, row by row; none: forward differences of `residuals`, whose steps follow from the bounds.
    std::function<void(std::span<const double> x, std::span<double> residuals, std::span<double> jacobian)>
        derivatives{};
};

struct RobustMinimum {
    std::vector<double> x;
    double cost = HUGE_VAL;   // infinite: some residual is not finite
};

/// When a descent ends: after `iterations`, when three of them gain less than `least_gain` of the cost, or when no step
/// lowers the cost up to the damping `most_damping`.
struct Descent {
    int iterations = 60;
    double least_gain = 1e-6;
    double most_damping = 1e8;
    double damping_floor = 1e-12;   // of the largest square, for parameters without influence
};

[[nodiscard]] double robust_cost(const RobustLeastSquares& problem, std::span<const double> x);

/// Levenberg-Marquardt on reweighted squares. They lie above the robust cost and touch it at x, so that every accepted
/// step lowers it. Parameters that the gradient pushes against a bound rest there.
[[nodiscard]] RobustMinimum levenberg_marquardt(const RobustLeastSquares& problem,
                                                std::span<const double> start, const Descent& descent);

/// BFGS on the cost itself, for problems without bounds: reweighting creeps where most residuals exceed the scale. Starts
/// where a descent ended, from the inverse of its reweighted squares.
[[nodiscard]] RobustMinimum polish(const RobustLeastSquares& problem, const RobustMinimum& start);

/// Limits below which the rows say nothing. Each fit states its own, since they follow from the error of its Jacobian and
/// from what is reported.
struct InfluenceLimits {
    double least_change = 0;      // root mean square change of r over a parameter's range, or over 1
    double least_direction = 0;   // square of a direction, as a share of that of the steepest one
    double most_share = 0;        // of a flat direction, which a parameter may have and still be identified
    bool spends_rows = false;     // the variance divides by rows less parameters instead of rows
};

/// From the Jacobian at x in moved coordinates (ln x of logarithmic parameters), columns of unit length.
struct Influence {
    std::size_t rank = 0;           // directions above least_direction
    std::vector<bool> identified;   // false: changes nothing, or is part of a flat direction
    std::vector<double>
        covariance;   // s^2 (J'J)^+ of the other directions, row by row; s^2: mean square residual
    [[nodiscard]] double standard_error(std::size_t parameter) const {
        return std::sqrt(covariance[parameter * (identified.size() + 1)]);
    }
};
[[nodiscard]] Influence influence(const RobustLeastSquares& problem, std::span<const double> x,
                                  const InfluenceLimits& limits);

}   // namespace moecost
