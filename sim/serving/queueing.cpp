// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/queueing.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace moecost {

double normal_density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }
double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double erfcx(double x) {
    if (x <= 5) return std::exp(x * x) * std::erfc(x);
    const double y = 1 / (x * x);
    return (1 - y * (0.5 - y * (0.75 - 15 * y / 8))) / (x * std::sqrt(std::numbers::pi));
}

Walk spitzer(double rho, double variance) {
    if (variance <= 0) return {};
    double mean = 0;
    double log_zero = 0;
    bool all = true;
    for (int k = 1; k <= 80; ++k) {
        const double m = k * (rho - 1);
        const double s = std::sqrt(variance * k);
        const double z = m / s;
        if (z < -8) {
            all = false;
            break;
        }
        const double above = normal_cdf(z);
        mean += (s * normal_density(z) + m * above) / k;
        log_zero += above / k;
    }
    if (all) mean = std::max(mean, variance / (2 * (1 - rho)) - 0.5826 * std::sqrt(variance));
    return {std::max(mean, 0.0), 1 - std::exp(-log_zero)};
}

double finite_queue(double rho, double sources, double cv2) {
    const double kappa = 1 + std::max(0.0, 1 - cv2);
    return rho * std::sqrt(std::numbers::pi * sources / (4 * kappa)) *
           erfcx((1 - rho) * std::sqrt(sources / kappa));
}

double erlang_c(double servers, double load) {
    double b = 1;
    for (double k = 1; k <= servers; ++k) b = load * b / (k + load * b);
    return b / (1 - load / servers * (1 - b));
}

}   // namespace moecost
