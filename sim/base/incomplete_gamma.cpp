// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/incomplete_gamma.h"

#include <cmath>

namespace moecost {
namespace {

constexpr int most_terms = 20000;
constexpr double precision = 1e-15;

/// x^a exp(-x)/Gamma(a)
double weight(double a, double x) { return std::exp(a * std::log(x) - x - std::lgamma(a)); }

double lower_series(double a, double x) {
    double term = 1 / a;
    double sum = term;
    for (int n = 1; n < most_terms && term > precision * sum; ++n) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * weight(a, x);
}

double upper_fraction(double a, double x) {
    constexpr double tiny = 1e-300;
    double b = x + 1 - a;
    double c = 1 / tiny;
    double d = 1 / b;
    double value = d;
    for (int i = 1; i < most_terms; ++i) {
        const double an = -i * (i - a);
        b += 2;
        d = an * d + b;
        d = 1 / (std::abs(d) < tiny ? tiny : d);
        c = b + an / c;
        if (std::abs(c) < tiny) c = tiny;
        const double factor = d * c;
        value *= factor;
        if (std::abs(factor - 1) < precision) break;
    }
    return value * weight(a, x);
}

}   // namespace

double upper_gamma_share(double a, double x) {
    if (x <= 0) return 1;
    return x < a + 1 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

}   // namespace moecost
