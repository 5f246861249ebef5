// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/robust.h"

#include <algorithm>
#include <cmath>

#include "moecost/law/parameters.h"

namespace moecost {
namespace {

using Partials = Dual<max_coefficients>;

// Delta of the first descent: residuals of a poor start are far from normal, those of a law below 5 %.
constexpr double first_delta = 0.05;
constexpr double delta_ratio = 0.15;

// Derivatives are exact, so a gain of 1e-9 is real and damping may go far; costs of laws are flat along valleys.
constexpr Descent along_valleys{60, 1e-9, 1e10, 1e-14};

/// The coefficients with their derivatives by the parameters.
std::array<Partials, max_coefficients> dual_coefficients(const RobustProblem& problem,
                                                         std::span<const double> theta) {
    const FormInfo& f = info(problem.form);
    std::array<Partials, max_coefficients> c{};
    std::size_t p = 0;
    for (std::size_t i = 0; i < f.count; ++i) {
        const Domain domain = f.coefficients[i].domain;
        if (domain == Domain::constant) {
            c[i] = Partials(problem.constants[i]);
        } else {
            const Partials parameter = Partials::variable(theta[p], p);
            c[i] = coefficient(domain, parameter, i > 0 ? c[i - 1] : Partials(0));
            ++p;
        }
    }
    return c;
}

double log_residual(const RobustProblem& problem, const std::array<double, max_coefficients>& c,
                    const Observation& row) {
    return std::log(forms::loss(problem.form, c.data(), row.at)) - row.ln_loss;
}

/// The rows of weight above 0, as the solver wants them. Parameters are free.
RobustLeastSquares squares_of(const RobustProblem& problem, std::size_t parameters) {
    RobustLeastSquares s;
    std::vector<const Observation*> rows;
    for (std::size_t i = 0; i < problem.rows->size(); ++i) {
        if (problem.weights[i] <= 0) continue;
        rows.push_back(&(*problem.rows)[i]);
        s.weights.push_back(problem.weights[i]);
    }
    s.rows = rows.size();
    s.bounds.assign(parameters, {});
    s.loss = RobustLoss::huber;
    s.scale = problem.delta;
    s.residuals = [&problem, rows](std::span<const double> theta, std::span<double> r) {
        std::array<double, max_coefficients> c = problem.constants;
        set_coefficients(problem.form, {theta.begin(), theta.end()}, c);
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = log_residual(problem, c, *rows[i]);
    };
    s.derivatives = [&problem, rows = std::move(rows)](std::span<const double> theta, std::span<double> r,
                                                       std::span<double> jacobian) {
        const auto c = dual_coefficients(problem, theta);
        for (std::size_t i = 0; i < r.size(); ++i) {
            const Partials l = log(forms::loss(problem.form, c.data(), rows[i]->at));
            r[i] = l.value - rows[i]->ln_loss;
            std::copy_n(l.partial.begin(), theta.size(),
                        jacobian.begin() + static_cast<std::ptrdiff_t>(i * theta.size()));
        }
    };
    return s;
}

}   // namespace

RobustMinimum descend(const RobustProblem& problem, const std::vector<double>& start, bool polished) {
    RobustLeastSquares squares = squares_of(problem, start.size());
    squares.scale = std::max(problem.delta, first_delta);
    Descent first = along_valleys;
    if (polished) first.iterations = 200;
    RobustMinimum m = levenberg_marquardt(squares, start, first);
    while (polished && squares.scale > problem.delta && std::isfinite(m.cost)) {
        squares.scale = std::max(squares.scale * delta_ratio, problem.delta);
        m = levenberg_marquardt(squares, m.x, along_valleys);
    }
    squares.scale = problem.delta;
    if (polished && std::isfinite(m.cost)) m = polish(squares, m);
    m.cost = robust_cost(squares, m.x);
    return m;
}

std::vector<double> residuals(const RobustProblem& problem, const std::vector<double>& parameters) {
    std::array<double, max_coefficients> c = problem.constants;
    set_coefficients(problem.form, parameters, c);
    std::vector<double> r;
    r.reserve(problem.rows->size());
    for (const Observation& row : *problem.rows) r.push_back(log_residual(problem, c, row));
    return r;
}

Influence identify(const RobustProblem& problem, const std::vector<double>& parameters) {
    // Exact derivatives resolve columns as short as rounding and directions flat to 1e-6 of the steepest one (1e-12 of
    // squares). Standard errors are reported for every coefficient, so one with a tenth of a flat direction has none.
    constexpr InfluenceLimits limits{1e-7, 1e-12, 0.1, true};
    return influence(squares_of(problem, parameters.size()), parameters, limits);
}

}   // namespace moecost
