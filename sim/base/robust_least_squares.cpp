// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/robust_least_squares.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>

namespace moecost {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;   // of normal equations: the lower triangle alone is filled and read

constexpr double step_of_logarithm = 1e-4;
constexpr double step_of_range = 1e-5;   // of a linear parameter, in shares of its range

double rho(RobustLoss loss, double r, double scale) {
    if (loss == RobustLoss::soft_l1) {
        const double z = r / scale;
        return 2 * scale * scale * (std::sqrt(1 + z * z) - 1);
    }
    const double size = std::abs(r);
    return size <= scale ? 0.5 * r * r : scale * (size - 0.5 * scale);
}
/// rho'(r) / r
double reweighting(RobustLoss loss, double r, double scale) {
    if (loss == RobustLoss::soft_l1) {
        const double z = r / scale;
        return 1 / std::sqrt(1 + z * z);
    }
    const double size = std::abs(r);
    return size <= scale ? 1 : scale / size;
}

double inner(const Bounds& b, double x) { return b.logarithmic ? std::log(x) : x; }
double outer(const Bounds& b, double u) { return std::clamp(b.logarithmic ? std::exp(u) : u, b.low, b.high); }

/// Gradient and matrix of reweighted squares.
struct Normal {
    Vector gradient;
    Matrix squares;
    [[nodiscard]] bool finite() const { return gradient.allFinite() && squares.allFinite(); }
};

/// The problem in moved coordinates u: logarithms of scales, other parameters as they are. Keeps the residuals and
/// derivatives of the last point it was asked for.
class Moved {
  public:
    explicit Moved(const RobustLeastSquares& problem)
        : problem_(problem),
          size_(static_cast<Eigen::Index>(problem.bounds.size())),
          residuals_(problem.rows),
          jacobian_(problem.rows * problem.bounds.size()) {}

    [[nodiscard]] Eigen::Index size() const { return size_; }
    [[nodiscard]] double low(Eigen::Index j) const { return inner(bounds(j), bounds(j).low); }
    [[nodiscard]] double high(Eigen::Index j) const { return inner(bounds(j), bounds(j).high); }
    [[nodiscard]] Vector from(std::span<const double> x) const {
        Vector u(size_);
        for (Eigen::Index j = 0; j < size_; ++j) {
            const Bounds& b = bounds(j);
            u[j] = inner(b, std::clamp(x[static_cast<std::size_t>(j)], b.low, b.high));
        }
        return u;
    }
    [[nodiscard]] std::vector<double> to(const Vector& u) const {
        std::vector<double> x(problem_.bounds.size());
        for (Eigen::Index j = 0; j < size_; ++j) x[static_cast<std::size_t>(j)] = outer(bounds(j), u[j]);
        return x;
    }
    [[nodiscard]] Vector inside(Vector u) const {
        for (Eigen::Index j = 0; j < size_; ++j) u[j] = std::clamp(u[j], low(j), high(j));
        return u;
    }

    [[nodiscard]] double cost(const Vector& u) {
        problem_.residuals(to(u), residuals_);
        at_ = u;
        double sum = 0;
        for (std::size_t i = 0; i < problem_.rows; ++i)
            sum += weight(i) * rho(problem_.loss, residuals_[i], problem_.scale);
        return std::isfinite(sum) ? sum : HUGE_VAL;
    }
    /// Residuals and their derivatives by u.
    void linearise(const Vector& u) {
        const std::vector<double> x = to(u);
        if (!problem_.derivatives) {
            if (at_.size() != u.size() || at_ != u) problem_.residuals(x, residuals_);
            difference(u);
            return;
        }
        problem_.derivatives(x, residuals_, jacobian_);
        for (Eigen::Index j = 0; j < size_; ++j) {
            if (!bounds(j).logarithmic) continue;
            for (std::size_t i = 0; i < problem_.rows; ++i) slope(i)[j] *= x[static_cast<std::size_t>(j)];
        }
    }
    /// Of the last linearisation; `weight_of(i, r)` says what a row counts.
    template <class Weight>
    [[nodiscard]] Normal normal(Weight weight_of) const {
        Normal n{Vector::Zero(size_), Matrix::Zero(size_, size_)};
        for (std::size_t i = 0; i < problem_.rows; ++i) {
            const double w = weight_of(i, residuals_[i]);
            const double* s = slope(i);
            for (Eigen::Index b = 0; b < size_; ++b) {
                n.gradient[b] += w * residuals_[i] * s[b];
                for (Eigen::Index a = b; a < size_; ++a) n.squares(a, b) += w * s[a] * s[b];
            }
        }
        return n;
    }
    [[nodiscard]] Normal reweighted(const Vector& u) {
        linearise(u);
        return normal([this](std::size_t i, double r) {
            return weight(i) * reweighting(problem_.loss, r, problem_.scale);
        });
    }
    [[nodiscard]] double weight(std::size_t i) const {
        return problem_.weights.empty() ? 1 : problem_.weights[i];
    }
    [[nodiscard]] const std::vector<double>& residuals() const { return residuals_; }

  private:
    void difference(const Vector& u) {
        std::vector<double> moved(problem_.rows);
        for (Eigen::Index j = 0; j < size_; ++j) {
            double step = bounds(j).logarithmic ? step_of_logarithm : step_of_range * (high(j) - low(j));
            if (u[j] + step > high(j)) step = -step;
            Vector v = u;
            v[j] += step;
            problem_.residuals(to(v), moved);
            for (std::size_t i = 0; i < problem_.rows; ++i) slope(i)[j] = (moved[i] - residuals_[i]) / step;
        }
    }
    double* slope(std::size_t row) { return jacobian_.data() + row * problem_.bounds.size(); }
    [[nodiscard]] const double* slope(std::size_t row) const {
        return jacobian_.data() + row * problem_.bounds.size();
    }
    [[nodiscard]] const Bounds& bounds(Eigen::Index j) const {
        return problem_.bounds[static_cast<std::size_t>(j)];
    }

    const RobustLeastSquares& problem_;
    Eigen::Index size_;
    Vector at_;   // where residuals_ were last asked for by `cost`
    std::vector<double> residuals_;
    std::vector<double> jacobian_;   // row by row
};

/// H + lambda diag(H), with a floor for parameters without influence.
Matrix damped(const Matrix& h, double lambda, double floor_share) {
    Matrix m = h;
    const double floor = floor_share * std::max(h.diagonal().maxCoeff(), 1e-300);
    m.diagonal() += lambda * h.diagonal();
    m.diagonal().array() += floor;
    return m;
}

/// The damped step; parameters that the gradient pushes against their bound do not move.
Vector damped_step(const Moved& moved, const Vector& u, const Normal& n, double lambda, double floor_share) {
    Matrix a = damped(n.squares, lambda, floor_share);
    Vector g = n.gradient;
    for (Eigen::Index j = 0; j < u.size(); ++j) {
        const bool pushed = (u[j] <= moved.low(j) && g[j] > 0) || (u[j] >= moved.high(j) && g[j] < 0);
        if (!pushed) continue;
        a.row(j).setZero();
        a.col(j).setZero();
        a(j, j) = 1;
        g[j] = 0;
    }
    return -a.ldlt().solve(g);
}

/// Backtracks along a step until the cost falls as its slope promises; 0: it does not.
double accepted_scale(Moved& moved, const Vector& u, const Vector& step, double slope, double cost,
                      double& trial) {
    for (double scale = 1; scale > 1e-8; scale *= 0.5) {
        trial = moved.cost(u + scale * step);
        if (trial <= cost + 1e-4 * scale * slope) return scale;
    }
    return 0;
}

/// The BFGS update of an inverse Hessian by a step and the change of the gradient along it.
void update(Matrix& inverse, const Vector& step, const Vector& change) {
    const double curvature = step.dot(change);
    if (!(curvature > 1e-12 * step.norm() * change.norm())) return;
    const Vector moved = inverse * change;
    inverse += (1 + change.dot(moved) / curvature) / curvature * step * step.transpose() -
               (moved * step.transpose() + step * moved.transpose()) / curvature;
}

/// Takes parameters that change nothing out of the squares; lengths of the other columns, 1 of those.
Vector unit_lengths(const Moved& moved, Matrix& squares, double least_change, double weights,
                    std::vector<bool>& identified) {
    Vector length = squares.diagonal().cwiseSqrt();
    for (Eigen::Index j = 0; j < length.size(); ++j) {
        const double range = std::min(1.0, moved.high(j) - moved.low(j));
        if (length[j] * range > least_change * std::sqrt(weights)) continue;
        identified[static_cast<std::size_t>(j)] = false;
        squares.row(j).setZero();
        squares.col(j).setZero();
        length[j] = 1;
    }
    return length;
}

}   // namespace

double robust_cost(const RobustLeastSquares& problem, std::span<const double> x) {
    Moved moved(problem);
    return moved.cost(moved.from(x));
}

RobustMinimum levenberg_marquardt(const RobustLeastSquares& problem, std::span<const double> start,
                                  const Descent& descent) {
    Moved moved(problem);
    Vector u = moved.from(start);
    double cost = moved.cost(u);
    double lambda = 1e-2;
    int stalled = 0;
    for (int i = 0; i < descent.iterations && stalled < 3 && std::isfinite(cost); ++i) {
        const Normal n = moved.reweighted(u);
        if (!n.finite()) break;
        const double before = cost;
        for (; lambda < descent.most_damping; lambda *= 4) {
            const Vector next = moved.inside(u + damped_step(moved, u, n, lambda, descent.damping_floor));
            const double trial = moved.cost(next);
            if (!(trial < cost)) continue;
            u = next;
            cost = trial;
            lambda = std::max(lambda * 0.2, 1e-9);
            break;
        }
        if (lambda >= descent.most_damping) break;
        stalled = before - cost < descent.least_gain * before ? stalled + 1 : 0;
    }
    return {moved.to(u), cost};
}

RobustMinimum polish(const RobustLeastSquares& problem, const RobustMinimum& start) {
    Moved moved(problem);
    Vector u = moved.from(start.x);
    double cost = start.cost;
    const Normal first = moved.reweighted(u);
    if (!first.squares.allFinite()) return start;
    Matrix inverse =
        damped(first.squares, 1e-8, 1e-14).ldlt().solve(Matrix::Identity(moved.size(), moved.size()));
    Vector gradient = first.gradient;
    int stalled = 0;
    for (int i = 0; i < 300 && stalled < 5; ++i) {
        Vector step = -inverse * gradient;
        const double slope = step.dot(gradient);
        if (!(slope < 0)) break;
        double trial = HUGE_VAL;
        const double scale = accepted_scale(moved, u, step, slope, cost, trial);
        if (scale == 0) break;
        step *= scale;
        u += step;
        const Vector next = moved.reweighted(u).gradient;
        update(inverse, step, next - gradient);
        gradient = next;
        stalled = cost - trial < 1e-11 * cost ? stalled + 1 : 0;
        cost = trial;
    }
    return {moved.to(u), cost};
}

Influence influence(const RobustLeastSquares& problem, std::span<const double> x,
                    const InfluenceLimits& limits) {
    Moved moved(problem);
    moved.linearise(moved.from(x));
    Matrix squares = moved.normal([&](std::size_t i, double) { return moved.weight(i); }).squares;
    double weights = 0;
    double sum = 0;
    for (std::size_t i = 0; i < problem.rows; ++i) {
        weights += moved.weight(i);
        sum += moved.weight(i) * moved.residuals()[i] * moved.residuals()[i];
    }
    const Eigen::Index p = moved.size();
    Influence result{0, std::vector<bool>(x.size(), true), {}};
    const Vector length = unit_lengths(moved, squares, limits.least_change, weights, result.identified);
    const Vector inverse_length = length.cwiseInverse();
    const Matrix scaled = inverse_length.asDiagonal() * squares * inverse_length.asDiagonal();
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(scaled);
    const double spent = limits.spends_rows ? static_cast<double>(p) : 0;
    const double variance = sum / std::max(weights - spent, 1.0);
    Matrix covariance = Matrix::Zero(p, p);
    for (Eigen::Index k = 0; k < p; ++k) {
        const double square = eigen.eigenvalues()[k];
        const Vector direction = eigen.eigenvectors().col(k);
        if (square > limits.least_direction * eigen.eigenvalues()[p - 1]) {
            ++result.rank;
            covariance += variance / square * direction * direction.transpose();
            continue;
        }
        for (Eigen::Index j = 0; j < p; ++j) {
            if (std::abs(direction[j]) > limits.most_share)
                result.identified[static_cast<std::size_t>(j)] = false;
        }
    }
    covariance = (inverse_length.asDiagonal() * covariance * inverse_length.asDiagonal()).eval();
    result.covariance.assign(covariance.data(), covariance.data() + p * p);
    return result;
}

}   // namespace moecost
