// SPDX-License-Identifier: Apache-2.0
// The minimum of a robust cost of a loss law over its parameters (base/robust_least_squares.h).
//   cost = sum_i w_i rho(ln L(x_i) - ln L_i),  rho(r) = r^2/2 for |r| <= delta, else delta (|r| - delta/2)  (Huber)
#pragma once

#include <array>
#include <vector>

#include "moecost/base/robust_least_squares.h"
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

/// Descends from a start: Levenberg-Marquardt on reweighted squares, delta falling to that of the problem by steps,
/// then BFGS on the cost itself when `polish`, since reweighting creeps where most residuals exceed delta.
[[nodiscard]] RobustMinimum descend(const RobustProblem& problem, const std::vector<double>& start,
                                    bool polish);

/// ln L(x_i) - ln L_i for every row.
[[nodiscard]] std::vector<double> residuals(const RobustProblem& problem,
                                            const std::vector<double>& parameters);

/// What the rows say about each parameter.
[[nodiscard]] Influence identify(const RobustProblem& problem, const std::vector<double>& parameters);

}   // namespace moecost
