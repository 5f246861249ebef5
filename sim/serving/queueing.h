// SPDX-License-Identifier: Apache-2.0
// Queueing laws that the closed forms of serving are made of.
#pragma once

namespace moecost {

[[nodiscard]] double normal_density(double z);
[[nodiscard]] double normal_cdf(double z);
/// exp(x^2) erfc(x); beyond 5 by its asymptotic series.
[[nodiscard]] double erfcx(double x);

/// A random walk that cannot fall below zero: W' = max(W + Y - 1, 0), E Y = rho < 1, Var Y = variance, normal steps.
struct Walk {
    double mean = 0;       // E W
    double positive = 0;   // P(W > 0)
};
/// Spitzer's identity (1956): m_k = k (rho - 1), s_k = sqrt(variance k), z_k = m_k/s_k,
///   E W = sum (s_k pdf(z_k) + m_k cdf(z_k))/k,  P(W > 0) = 1 - exp(-sum cdf(z_k)/k),  k = 1..80;
/// where 80 terms are not enough the diffusion limit v/(2 (1 - rho)) - 0.5826 sqrt(v) (ladder correction).
[[nodiscard]] Walk spitzer(double rho, double variance);

/// Mean requests ahead in a queue of unit service fed by N sources:
///   rho sqrt(pi N/(4 kappa)) erfcx((1 - rho) sqrt(N/kappa)),  kappa = 1 + max(0, 1 - cv2):
/// sources that come back regularly (cv2 = 0) hold a Brownian bridge; large N tends to M/D/1.
[[nodiscard]] double finite_queue(double rho, double sources, double cv2);

/// Probability that an arrival waits at c servers under a load of a Erlang (M/M/c).
[[nodiscard]] double erlang_c(double servers, double load);

}   // namespace moecost
