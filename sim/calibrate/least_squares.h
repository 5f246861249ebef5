// SPDX-License-Identifier: Apache-2.0
// Robust least squares between bounds. The linear algebra (Eigen) stays in least_squares.cpp.
//   cost = sum_i s^2 rho((r_i/s)^2),  rho(z) = 2 (sqrt(1 + z) - 1)  (soft L1: squares below s, linear above)
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace moecost {

/// Bounds of one parameter. Positive scales that span decades are moved in logarithms.
struct Bounds {
    double low = 0;
    double high = 0;
    bool logarithmic = false;
};

struct LeastSquaresProblem {
    std::size_t rows = 0;
    std::vector<Bounds> bounds;
    double scale = 0.05;   // s: residuals beyond it count linearly
    /// Writes r_i at the parameters x; called with x inside the bounds.
    std::function<void(std::span<const double> x, std::span<double> residuals)> residuals;
};

struct LeastSquaresMinimum {
    std::vector<double> x;
    double cost = 0;
};

/// Levenberg-Marquardt on reweighted squares with forward differences; parameters that push against a bound rest
/// there. Ends when three iterations gain less than 1e-6 of the cost, or after `iterations`.
[[nodiscard]] LeastSquaresMinimum minimise(const LeastSquaresProblem& problem, std::span<const double> start,
                                           int iterations);

/// From the Jacobian at x over parameters with influence, columns of unit length: `rank` counts directions that
/// change residuals by more than 1e-3 of the steepest one; a parameter is not identified when it takes part in a
/// direction below that, or changes nothing. Standard errors are s sqrt((J'J)^+_jj) with s the root mean square residual,
/// of ln x for logarithmic parameters.
struct ParameterInfluence {
    std::size_t rank = 0;
    std::vector<bool> identified;
    std::vector<double> standard_error;
};
[[nodiscard]] ParameterInfluence influence(const LeastSquaresProblem& problem, std::span<const double> x);

}   // namespace moecost
