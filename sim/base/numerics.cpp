// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/numerics.h"

#include <cmath>
#include <numbers>

namespace moecost {
namespace {

PowerTables make_tables() {
    PowerTables t{};
    for (int i = 0; i < 128; ++i) {
        const double lower = 1 + i / 128.0;
        t.reciprocal[i] = 1 / lower;
        t.log2[i] =
            -std::log2(t.reciprocal[i]);   // of the rounded reciprocal, so that the product is consistent
        t.exp2[i] = std::exp2(i / 128.0);
    }
    return t;
}

/// g(x) = log2(1 + 2^x): g' = s, s' = ln 2 s (1 - s).
SoftMaximum make_soft_maximum() {
    SoftMaximum t{};
    for (int i = 0; i < SoftMaximum::pieces; ++i) {
        const double middle = negligible_exponent + (i + 0.5) / 4;
        const double power = std::exp2(middle);
        double s[7] = {power / (1 + power)};
        for (int n = 0; n < 6; ++n) {
            double product = s[n];
            for (int k = 0; k <= n; ++k) product -= s[k] * s[n - k];
            s[n + 1] = std::numbers::ln2 / (n + 1) * product;
        }
        t.series[i][0] = std::log1p(power) / std::numbers::ln2;
        for (int n = 0; n < 7; ++n) t.series[i][n + 1] = s[n] / (n + 1);
    }
    return t;
}

/// Rational approximation of the normal quantile, relative error 1.15e-9 (P. J. Acklam, 2003).
double acklam(double u) {
    constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                            1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                            6.680131188771972e+01, -1.328068155288572e+01};
    constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                            -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                            3.754408661907416e+00};
    const auto tail = [&](double q) {
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    };
    constexpr double low = 0.02425;
    if (u < low) return tail(std::sqrt(-2 * std::log(u)));
    if (u > 1 - low) return -tail(std::sqrt(-2 * std::log(1 - u)));
    const double q = u - 0.5;
    const double r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

}   // namespace

const PowerTables power_tables = make_tables();
const SoftMaximum soft_maximum = make_soft_maximum();

double normal_quantile(double u) {
    const double x = acklam(u);
    const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - u;
    const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
    return x - step / (1 + x * step / 2);
}

double expected_max_normal(double n) { return n <= 1 ? 0 : normal_quantile((n - 0.375) / (n + 0.25)); }

}   // namespace moecost
