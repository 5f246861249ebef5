// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/output_mixture.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/serving/queueing.h"

namespace moecost {

void OutputMixture::add(double weight, double mean, double variance) {
    const double sigma2 = std::log1p(std::max(variance, 0.0) / (mean * mean));
    parts_.push_back({weight, mean, std::log(mean) - sigma2 / 2, std::sqrt(std::max(sigma2, 1e-10))});
}

Latency OutputMixture::latency() const {
    Latency l;
    double low = 1e300;
    double high = -1e300;
    double weight = 0;
    double mean = 0;
    for (const Part& p : parts_) {
        low = std::min(low, p.mu - 3.2 * p.sigma);
        high = std::max(high, p.mu + 3.6 * p.sigma);
        weight += p.weight;
        mean += p.weight * p.mean;
    }
    l.mean = Seconds{mean / weight};
    constexpr int points = 64;
    double last_x = low;
    double last_z = -6;
    std::size_t level = 0;
    for (int i = 0; i < points && level < latency_levels.size(); ++i) {
        const double x = low + (high - low) * i / (points - 1);
        double share = 0;
        for (const Part& p : parts_) share += p.weight * normal_cdf((x - p.mu) / p.sigma);
        const double z = normal_quantile(std::clamp(share / weight, 1e-9, 1 - 1e-9));
        for (; level < latency_levels.size(); ++level) {
            const double wanted = normal_quantile(latency_levels[level]);
            if (wanted > z && i + 1 < points) break;
            const double part = z > last_z ? std::clamp((wanted - last_z) / (z - last_z), 0.0, 1.0) : 1;
            l.at[level] = std::min(std::exp(last_x + part * (x - last_x)), cap_);
        }
        last_x = x;
        last_z = z;
    }
    return l;
}

}   // namespace moecost
