// SPDX-License-Identifier: Apache-2.0
// The unbounded parameters behind bounded coefficients: what a fit moves and what a covariance is stated for.
// positive x: ln x; negative x: ln(-x); E_max above E_start: ln(E_max - E_start); free x: x; constant: no parameter.
#pragma once

#include <array>
#include <cmath>
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
            return previous + exp(parameter);
        case Domain::free:
        case Domain::constant:
            break;
    }
    return parameter;
}

}   // namespace moecost
