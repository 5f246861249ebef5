// SPDX-License-Identifier: Apache-2.0
// The unbounded parameters behind bounded coefficients: what a fit moves and what a covariance is stated for.
// positive x: ln x; negative x: ln(-x); free x: x; constant: no parameter. E_max above E_start:
// q = sqrt(E_start/(E_max - E_start)), so that 1/E_max = q^2/(1 + q^2)/E_start: no saturation at all is q = 0, a place as
// ordinary as any other, where a logarithm would run away.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "moecost/law/law.h"

namespace moecost {

/// Names of the parameters of a form, such as "ln A", in the order of its coefficients.
[[nodiscard]] std::vector<std::string> parameter_names(LossForm form);
[[nodiscard]] std::vector<double> parameters_of(LossForm form, const std::array<double, max_coefficients>& c);
/// Coefficients for parameters; constants keep the value they have in c.
void set_coefficients(LossForm form, const std::vector<double>& parameters,
                      std::array<double, max_coefficients>& c);

/// E_max that a fit can not tell from infinity: 1/q^2 at q = 0.
inline constexpr double endless = 1e9;   // times E_start
/// Whether a fitted E_max says that no saturation was seen.
[[nodiscard]] inline bool unsaturated(double e_start, double e_max) { return e_max > 1e6 * e_start; }

/// Laws that the data behind this one allow: its samples, spread evenly over `count`; else draws from its covariance, by the
/// seed; none when it has neither.
[[nodiscard]] std::vector<Law> draws_of(const Law& law, unsigned count, std::uint64_t seed);

/// The law with its parameters moved by standard normal numbers (one for each) through its covariance: one sample of
/// what the data behind it allow. The law itself when it has no covariance.
[[nodiscard]] Law sampled(const Law& law, const std::vector<double>& normals);

/// One coefficient from its parameter; `previous` is the coefficient before it (E_start for E_max).
template <class P>
P coefficient(Domain domain, const P& parameter, const P& previous) {
    using std::exp;
    switch (domain) {
        case Domain::above_zero:
            return exp(parameter);
        case Domain::below_zero:
            return -exp(parameter);
        case Domain::above_e_start:
            return previous + previous / (parameter * parameter + 1 / endless);
        case Domain::free:
        case Domain::constant:
            break;
    }
    return parameter;
}

}   // namespace moecost
