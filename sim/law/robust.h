// SPDX-License-Identifier: Apache-2.0
// The minimum of a robust cost of a loss law over its parameters. The linear algebra (Eigen) stays in robust.cpp.
//   cost = sum_i w_i rho(ln L(x_i) - ln L_i),  rho(r) = r^2/2 for |r| <= delta, else delta (|r| - delta/2)  (Huber)
#pragma once

#include <array>
#include <vector>

#include "moecost/law/form.h"

namespace moecost {

struct Observation {
    Variables<double> at;
    double ln_loss = 0;
};

struct RobustProblem {
    LossForm form = LossForm::chinchilla;
    std::array<double, max_coefficients>
        constants{};   // coefficients that no parameter moves keep these values
    const std::vector<Observation>* rows = nullptr;
    std::vector<double> weights;   // one for each row; 0 leaves it out
    double delta = 1e-3;
};

struct Minimum {
    std::vector<double> parameters;
    double cost = HUGE_VAL;   // infinite: the start gave no finite loss
};

/// Descends from a start: Levenberg-Marquardt on reweighted squares, delta falling to that of the problem by steps,
/// then BFGS on the cost itself when `polish`, since reweighting creeps where most residuals exceed delta.
[[nodiscard]] Minimum descend(const RobustProblem& problem, std::vector<double> start, bool polish);

[[nodiscard]] double robust_cost(const RobustProblem& problem, const std::vector<double>& parameters);
/// ln L(x_i) - ln L_i for every row.
[[nodiscard]] std::vector<double> residuals(const RobustProblem& problem,
                                            const std::vector<double>& parameters);

/// What the rows say about each parameter, from the Jacobian of ln L at the minimum with columns of unit length.
struct Identification {
    std::size_t rank = 0;
    std::vector<bool> identified;     // false: part of a direction along which no row changes
    std::vector<double> covariance;   // s^2 (J'J)^+ of the identified directions, row by row
};
[[nodiscard]] Identification identify(const RobustProblem& problem, const std::vector<double>& parameters);

}   // namespace moecost
