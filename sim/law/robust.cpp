// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/robust.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "moecost/law/parameters.h"

namespace moecost {
namespace {

constexpr int most = static_cast<int>(max_coefficients);
using Vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, most, 1>;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, most, most>;
using Partials = Dual<max_coefficients>;

// Delta of the first descent: residuals of a poor start are far from normal, those of a law below 5 %.
constexpr double first_delta = 0.05;
constexpr double delta_ratio = 0.15;

double huber(double r, double delta) {
    const double size = std::abs(r);
    return size <= delta ? 0.5 * r * r : delta * (size - 0.5 * delta);
}
double huber_weight(double r, double delta) {
    const double size = std::abs(r);
    return size <= delta ? 1 : delta / size;
}

std::vector<double> to_vector(const Vector& v) { return {v.data(), v.data() + v.size()}; }
Vector to_eigen(const std::vector<double>& v) {
    return Eigen::Map<const Eigen::VectorXd>(v.data(), static_cast<Eigen::Index>(v.size()));
}

/// The coefficients with their derivatives by the parameters.
std::array<Partials, max_coefficients> dual_coefficients(const RobustProblem& problem, const Vector& theta) {
    const FormInfo& f = info(problem.form);
    std::array<Partials, max_coefficients> c{};
    std::size_t p = 0;
    for (std::size_t i = 0; i < f.count; ++i) {
        const Domain domain = f.coefficients[i].domain;
        if (domain == Domain::constant) {
            c[i] = Partials(problem.constants[i]);
        } else {
            const Partials parameter = Partials::variable(theta[static_cast<Eigen::Index>(p)], p);
            c[i] = coefficient(domain, parameter, i > 0 ? c[i - 1] : Partials(0));
            ++p;
        }
    }
    return c;
}

/// Visits rows of weight above 0 with residual and derivatives of the residual.
template <class Visit>
void for_each_row(const RobustProblem& problem, const Vector& theta, Visit visit) {
    const auto c = dual_coefficients(problem, theta);
    for (std::size_t i = 0; i < problem.rows->size(); ++i) {
        if (problem.weights[i] <= 0) continue;
        const Observation& row = (*problem.rows)[i];
        const Partials l = log(forms::loss(problem.form, c.data(), row.at));
        const Vector slope = Eigen::Map<const Vector>(l.partial.data(), theta.size());
        visit(problem.weights[i], l.value - row.ln_loss, slope);
    }
}

double cost_at(const RobustProblem& problem, const Vector& theta, double delta) {
    std::array<double, max_coefficients> c = problem.constants;
    set_coefficients(problem.form, to_vector(theta), c);
    double sum = 0;
    for (std::size_t i = 0; i < problem.rows->size(); ++i) {
        if (problem.weights[i] <= 0) continue;
        const Observation& row = (*problem.rows)[i];
        const double r = std::log(forms::loss(problem.form, c.data(), row.at)) - row.ln_loss;
        sum += problem.weights[i] * huber(r, delta);
    }
    return std::isfinite(sum) ? sum : HUGE_VAL;
}

/// Gradient of the cost and the matrix of its reweighted squares.
struct Normal {
    Vector gradient;
    Matrix matrix;
};
Normal normal_equations(const RobustProblem& problem, const Vector& theta, double delta) {
    Normal n{Vector::Zero(theta.size()), Matrix::Zero(theta.size(), theta.size())};
    for_each_row(problem, theta, [&](double weight, double r, const Vector& slope) {
        const double w = weight * huber_weight(r, delta);
        n.gradient += w * r * slope;
        n.matrix += w * slope * slope.transpose();
    });
    return n;
}

/// H + lambda diag(H), with a floor for parameters without influence.
Matrix damped(const Matrix& h, double lambda) {
    Matrix m = h;
    const double floor = 1e-14 * std::max(h.diagonal().maxCoeff(), 1e-300);
    m.diagonal() += lambda * h.diagonal();
    m.diagonal().array() += floor;
    return m;
}

/// Levenberg-Marquardt at one delta; reweighted squares lie above the Huber cost, so accepted steps lower it.
double levenberg_marquardt(const RobustProblem& problem, Vector& theta, double delta, int iterations) {
    double cost = cost_at(problem, theta, delta);
    double lambda = 1e-2;
    int stalled = 0;
    for (int i = 0; i < iterations && stalled < 3 && std::isfinite(cost); ++i) {
        const Normal n = normal_equations(problem, theta, delta);
        if (!n.gradient.allFinite() || !n.matrix.allFinite()) break;
        const double before = cost;
        while (lambda < 1e10) {
            const Vector next = theta - damped(n.matrix, lambda).ldlt().solve(n.gradient);
            const double trial = cost_at(problem, next, delta);
            if (trial < cost) {
                theta = next;
                cost = trial;
                lambda = std::max(lambda * 0.2, 1e-9);
                break;
            }
            lambda *= 4;
        }
        if (lambda >= 1e10) break;
        stalled = before - cost < 1e-9 * before ? stalled + 1 : 0;
    }
    return cost;
}

Vector gradient_at(const RobustProblem& problem, const Vector& theta) {
    return normal_equations(problem, theta, problem.delta).gradient;
}

/// BFGS with backtracking; the first inverse Hessian is that of the reweighted squares.
void bfgs(const RobustProblem& problem, Vector& theta, double& cost) {
    const Normal start = normal_equations(problem, theta, problem.delta);
    if (!start.matrix.allFinite()) return;
    const Eigen::Index p = theta.size();
    Matrix inverse = damped(start.matrix, 1e-8).ldlt().solve(Matrix::Identity(p, p));
    Vector gradient = start.gradient;
    int stalled = 0;
    for (int i = 0; i < 300 && stalled < 5; ++i) {
        Vector step = -inverse * gradient;
        double slope = step.dot(gradient);
        if (!(slope < 0)) break;
        double scale = 1;
        double trial = HUGE_VAL;
        for (; scale > 1e-8; scale *= 0.5) {
            trial = cost_at(problem, theta + scale * step, problem.delta);
            if (trial <= cost + 1e-4 * scale * slope) break;
        }
        if (scale <= 1e-8) break;
        step *= scale;
        theta += step;
        const Vector next = gradient_at(problem, theta);
        const Vector change = next - gradient;
        const double curvature = step.dot(change);
        if (curvature > 1e-12 * step.norm() * change.norm()) {
            const Vector moved = inverse * change;
            inverse += (1 + change.dot(moved) / curvature) / curvature * step * step.transpose() -
                       (moved * step.transpose() + step * moved.transpose()) / curvature;
        }
        gradient = next;
        stalled = cost - trial < 1e-11 * cost ? stalled + 1 : 0;
        cost = trial;
    }
}

}   // namespace

Minimum descend(const RobustProblem& problem, std::vector<double> start, bool polish) {
    Vector theta = to_eigen(start);
    double delta = std::max(problem.delta, first_delta);
    double cost = levenberg_marquardt(problem, theta, delta, polish ? 200 : 60);
    while (polish && delta > problem.delta && std::isfinite(cost)) {
        delta = std::max(delta * delta_ratio, problem.delta);
        cost = levenberg_marquardt(problem, theta, delta, 60);
    }
    if (polish && std::isfinite(cost)) bfgs(problem, theta, cost);
    return {to_vector(theta), cost_at(problem, theta, problem.delta)};
}

double robust_cost(const RobustProblem& problem, const std::vector<double>& parameters) {
    return cost_at(problem, to_eigen(parameters), problem.delta);
}

std::vector<double> residuals(const RobustProblem& problem, const std::vector<double>& parameters) {
    std::array<double, max_coefficients> c = problem.constants;
    set_coefficients(problem.form, parameters, c);
    std::vector<double> r;
    r.reserve(problem.rows->size());
    for (const Observation& row : *problem.rows) {
        r.push_back(std::log(forms::loss(problem.form, c.data(), row.at)) - row.ln_loss);
    }
    return r;
}

Identification identify(const RobustProblem& problem, const std::vector<double>& parameters) {
    // Below: a column as short as rounding, a direction flat to 1e-6 of the steepest one (1e-12 of squares).
    constexpr double least_length = 1e-7;
    constexpr double least_square = 1e-12;
    constexpr double share_of_direction = 0.1;
    const Vector theta = to_eigen(parameters);
    const Eigen::Index p = theta.size();
    Matrix squares = Matrix::Zero(p, p);
    double weights = 0;
    double sum = 0;
    for_each_row(problem, theta, [&](double weight, double r, const Vector& slope) {
        squares += weight * slope * slope.transpose();
        weights += weight;
        sum += weight * r * r;
    });
    Identification result{0, std::vector<bool>(parameters.size(), true), {}};
    Vector length = squares.diagonal().cwiseSqrt();
    for (Eigen::Index j = 0; j < p; ++j) {
        if (length[j] > least_length * std::sqrt(weights)) continue;
        result.identified[static_cast<std::size_t>(j)] = false;
        squares.row(j).setZero();
        squares.col(j).setZero();
        length[j] = 1;
    }
    const Matrix scaled = length.cwiseInverse().asDiagonal() * squares * length.cwiseInverse().asDiagonal();
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(scaled);
    const double variance = sum / std::max(weights - static_cast<double>(p), 1.0);
    Matrix covariance = Matrix::Zero(p, p);
    for (Eigen::Index k = 0; k < p; ++k) {
        const double square = eigen.eigenvalues()[k];
        const Vector direction = eigen.eigenvectors().col(k);
        if (square > least_square * eigen.eigenvalues()[p - 1]) {
            ++result.rank;
            covariance += variance / square * direction * direction.transpose();
            continue;
        }
        for (Eigen::Index j = 0; j < p; ++j) {
            if (std::abs(direction[j]) > share_of_direction)
                result.identified[static_cast<std::size_t>(j)] = false;
        }
    }
    covariance =
        (length.cwiseInverse().asDiagonal() * covariance * length.cwiseInverse().asDiagonal()).eval();
    result.covariance.assign(covariance.data(), covariance.data() + p * p);
    return result;
}

}   // namespace moecost
