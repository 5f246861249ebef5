// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/least_squares.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

constexpr double step_of_logarithm = 1e-4;
constexpr double step_of_range = 1e-5;   // of a linear parameter, in shares of its range

double inner(const Bounds& b, double x) { return b.logarithmic ? std::log(x) : x; }
double outer(const Bounds& b, double u) { return std::clamp(b.logarithmic ? std::exp(u) : u, b.low, b.high); }

/// The problem in moved coordinates u: logarithms of scales, other parameters as they are.
class Moved {
  public:
    explicit Moved(const LeastSquaresProblem& problem)
        : problem_(problem), size_(static_cast<Eigen::Index>(problem.bounds.size())) {}

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
    [[nodiscard]] double low(Eigen::Index j) const { return inner(bounds(j), bounds(j).low); }
    [[nodiscard]] double high(Eigen::Index j) const { return inner(bounds(j), bounds(j).high); }
    [[nodiscard]] Vector inside(Vector u) const {
        for (Eigen::Index j = 0; j < size_; ++j) u[j] = std::clamp(u[j], low(j), high(j));
        return u;
    }

    [[nodiscard]] Vector residuals(const Vector& u) const {
        Vector r(static_cast<Eigen::Index>(problem_.rows));
        problem_.residuals(to(u), {r.data(), problem_.rows});
        return r;
    }
    [[nodiscard]] Matrix jacobian(const Vector& u, const Vector& at_u) const {
        Matrix j(at_u.size(), size_);
        for (Eigen::Index c = 0; c < size_; ++c) {
            double step = bounds(c).logarithmic ? step_of_logarithm : step_of_range * (high(c) - low(c));
            if (u[c] + step > high(c)) step = -step;
            Vector moved = u;
            moved[c] += step;
            j.col(c) = (residuals(moved) - at_u) / step;
        }
        return j;
    }
    [[nodiscard]] Vector weights(const Vector& r) const {
        return (1 + (r.array() / problem_.scale).square()).sqrt().inverse();
    }
    [[nodiscard]] double cost(const Vector& r) const {
        const double s = problem_.scale;
        const double sum = (2 * s * s * ((1 + (r.array() / s).square()).sqrt() - 1)).sum();
        return std::isfinite(sum) ? sum : HUGE_VAL;
    }
    [[nodiscard]] Eigen::Index size() const { return size_; }

  private:
    [[nodiscard]] const Bounds& bounds(Eigen::Index j) const {
        return problem_.bounds[static_cast<std::size_t>(j)];
    }
    const LeastSquaresProblem& problem_;
    Eigen::Index size_;
};

/// The damped step; parameters that the gradient pushes against their bound do not move.
Vector damped_step(const Moved& moved, const Vector& u, const Matrix& squares, const Vector& gradient,
                   double lambda) {
    Matrix a = squares;
    Vector g = gradient;
    const double least = 1e-12 * std::max(squares.diagonal().maxCoeff(), 1e-300);
    for (Eigen::Index j = 0; j < u.size(); ++j) {
        const bool pushed = (u[j] <= moved.low(j) && g[j] > 0) || (u[j] >= moved.high(j) && g[j] < 0);
        if (pushed) {
            a.row(j).setZero();
            a.col(j).setZero();
            a(j, j) = 1;
            g[j] = 0;
        } else {
            a(j, j) += lambda * a(j, j) + least;
        }
    }
    return -a.ldlt().solve(g);
}

}   // namespace

LeastSquaresMinimum minimise(const LeastSquaresProblem& problem, std::span<const double> start,
                             int iterations) {
    constexpr double hopeless = 1e8;
    const Moved moved(problem);
    Vector u = moved.from(start);
    Vector r = moved.residuals(u);
    double cost = moved.cost(r);
    double lambda = 1e-2;
    int stalled = 0;
    for (int i = 0; i < iterations && stalled < 3 && lambda < hopeless; ++i) {
        const Matrix jacobian = moved.jacobian(u, r);
        const Vector w = moved.weights(r);
        const Matrix squares = jacobian.transpose() * w.asDiagonal() * jacobian;
        const Vector gradient = jacobian.transpose() * w.cwiseProduct(r);
        if (!squares.allFinite() || !gradient.allFinite()) break;
        const double before = cost;
        for (; lambda < hopeless; lambda *= 4) {
            const Vector next = moved.inside(u + damped_step(moved, u, squares, gradient, lambda));
            const Vector trial = moved.residuals(next);
            const double trial_cost = moved.cost(trial);
            if (trial_cost < cost) {
                u = next;
                r = trial;
                cost = trial_cost;
                lambda = std::max(lambda * 0.2, 1e-9);
                break;
            }
        }
        stalled = before - cost < 1e-6 * before ? stalled + 1 : 0;
    }
    return {moved.to(u), cost};
}

ParameterInfluence influence(const LeastSquaresProblem& problem, std::span<const double> x) {
    constexpr double least_change = 1e-6;      // root mean square change of ln t over the whole parameter
    constexpr double least_direction = 1e-6;   // of squares: 1e-3 of the steepest direction
    constexpr double share_of_direction = 0.3;
    const Moved moved(problem);
    const Vector u = moved.from(x);
    const Vector r = moved.residuals(u);
    const Matrix jacobian = moved.jacobian(u, r);
    ParameterInfluence result{0, std::vector<bool>(problem.bounds.size(), true), {}};
    Matrix scaled = jacobian;
    Vector inverse_length = Vector::Zero(moved.size());
    for (Eigen::Index j = 0; j < moved.size(); ++j) {
        const double length = jacobian.col(j).norm();
        const double range = std::min(1.0, moved.high(j) - moved.low(j));
        if (length * range > least_change * std::sqrt(static_cast<double>(problem.rows))) {
            scaled.col(j) /= length;
            inverse_length[j] = 1 / length;
        } else {
            scaled.col(j).setZero();
            result.identified[static_cast<std::size_t>(j)] = false;
        }
    }
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(scaled.transpose() * scaled);
    const double steepest = eigen.eigenvalues().maxCoeff();
    Vector variance = Vector::Zero(moved.size());
    for (Eigen::Index d = 0; d < moved.size(); ++d) {
        if (eigen.eigenvalues()[d] > least_direction * steepest) {
            ++result.rank;
            variance += eigen.eigenvectors().col(d).array().square().matrix() / eigen.eigenvalues()[d];
            continue;
        }
        for (Eigen::Index j = 0; j < moved.size(); ++j) {
            if (std::abs(eigen.eigenvectors()(j, d)) > share_of_direction)
                result.identified[static_cast<std::size_t>(j)] = false;
        }
    }
    const double mean_square = r.squaredNorm() / static_cast<double>(std::max<std::size_t>(problem.rows, 1));
    for (Eigen::Index j = 0; j < moved.size(); ++j)
        result.standard_error.push_back(std::sqrt(mean_square * variance[j]) * inverse_length[j]);
    return result;
}

}   // namespace moecost
