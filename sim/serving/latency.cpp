// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/latency.h"

#include <algorithm>
#include <cmath>

namespace moecost {

Seconds Latency::quantile(double u) const {
    const auto it = std::lower_bound(latency_levels.begin(), latency_levels.end(), u);
    if (it == latency_levels.begin()) return Seconds{at.front()};
    if (it == latency_levels.end()) return Seconds{at.back()};
    const auto i = static_cast<std::size_t>(it - latency_levels.begin());
    const double share = (u - latency_levels[i - 1]) / (latency_levels[i] - latency_levels[i - 1]);
    return Seconds{at[i - 1] + share * (at[i] - at[i - 1])};
}

double Latency::share_within(Seconds limit) const {
    const double t = limit.value();
    if (t < at.front()) return 0;
    if (t >= at.back()) return 1;
    const auto i = static_cast<std::size_t>(std::upper_bound(at.begin(), at.end(), t) - at.begin());
    const double share = (t - at[i - 1]) / (at[i] - at[i - 1]);
    return latency_levels[i - 1] + share * (latency_levels[i] - latency_levels[i - 1]);
}

Latency certain(Seconds value) {
    Latency l{value, {}};
    l.at.fill(value.value());
    return l;
}

Latency later(Latency latency, Seconds constant) {
    latency.mean += constant;
    for (double& t : latency.at) t += constant.value();
    return latency;
}

Latency stretched(Latency latency, double factor) {
    latency.mean *= factor;
    for (double& t : latency.at) t *= factor;
    return latency;
}

namespace {

constexpr double bins_per_e = 1000;
constexpr double shortest = 1e-6;
constexpr std::size_t bin_count = 29934;   // ln(1e13) of them per e-fold

/// Quantiles from ascending cumulative counts: value(i) is the time at the end of slot i.
template <class Cumulative, class Value>
void read_levels(Latency& l, std::size_t count, Cumulative cumulative, Value value) {
    std::size_t i = 0;
    for (std::size_t k = 0; k < latency_levels.size(); ++k) {
        const double wanted = latency_levels[k] * cumulative(count - 1);
        while (i + 1 < count && cumulative(i) < wanted) ++i;
        const double below = i > 0 ? cumulative(i - 1) : 0;
        const double inside = cumulative(i) > below ? (wanted - below) / (cumulative(i) - below) : 1;
        const double start = i > 0 ? value(i - 1) : value(0);
        l.at[k] = start + std::clamp(inside, 0.0, 1.0) * (value(i) - start);
    }
}

}   // namespace

LatencySample::LatencySample() : bins_(bin_count, 0.0F) {}

void LatencySample::add(double seconds) {
    const double bin = std::log(std::max(seconds, shortest) / shortest) * bins_per_e;
    bins_[std::min(static_cast<std::size_t>(bin), bin_count - 1)] += 1;
    count_ += 1;
    sum_ += seconds;
}

Latency LatencySample::latency() const {
    Latency l;
    if (count_ == 0) return l;
    l.mean = Seconds{sum_ / count_};
    std::vector<double> cumulative(bin_count);
    double sum = 0;
    for (std::size_t i = 0; i < bin_count; ++i) cumulative[i] = sum += static_cast<double>(bins_[i]);
    read_levels(
        l, bin_count, [&](std::size_t i) { return cumulative[i]; },
        [](std::size_t i) { return shortest * std::exp(static_cast<double>(i + 1) / bins_per_e); });
    return l;
}

UniformMixture::UniformMixture(double low, double high)
    : low_(low),
      step_(std::max(high - low, 1e-12) / static_cast<double>(points - 3)),
      kinks_(points, 0.0),
      settled_(points, 0.0) {}

void UniformMixture::add(double weight, double start, double width) {
    const double spread = std::max(width, step_);   // a point of time is as wide as the grid
    const double from = start - (spread - std::max(width, 0.0)) / 2;
    const auto impulse = [&](double time, double slope) {
        const double x = std::clamp((time - low_) / step_, 0.0, static_cast<double>(points - 2));
        const auto i = static_cast<std::size_t>(x);
        const double part = x - static_cast<double>(i);
        kinks_[i] += slope * (1 - part);
        kinks_[i + 1] += slope * part;
    };
    impulse(from, weight / spread * step_);
    impulse(from + spread, -weight / spread * step_);
    sum_ += weight;
    moment_ += weight * (start + width / 2);
}

std::vector<double> UniformMixture::cumulative() const {
    std::vector<double> shares(points);
    double slope = 0;
    double share = 0;
    for (std::size_t i = 0; i < points; ++i) {
        shares[i] = share;   // the kink at i bends the line to i + 1
        slope += kinks_[i];
        share += slope;
    }
    return shares;
}

/// dG/dt = (F - G)/mean for G = F * exponential; F is linear between points, so each step is exact.
void UniformMixture::then_exponential(double p, double mean) {
    std::vector<double> before = cumulative();
    for (std::size_t i = 0; i < points; ++i) before[i] += settled_[i];
    const double decay = mean > 0 ? std::exp(-step_ / mean) : 0;
    const double lag = mean > 0 ? mean / step_ * (1 - decay) : 0;
    double g = before[0];
    for (std::size_t i = 0; i < points; ++i) {
        if (i > 0) g = decay * g + before[i] - decay * before[i - 1] - (before[i] - before[i - 1]) * lag;
        settled_[i] = (1 - p) * before[i] + p * g;
    }
    moment_ += p * mean * sum_;
    std::fill(kinks_.begin(), kinks_.end(), 0.0);
}

void UniformMixture::add(const UniformMixture& other) {
    for (std::size_t i = 0; i < points; ++i) {
        kinks_[i] += other.kinks_[i];
        settled_[i] += other.settled_[i];
    }
    sum_ += other.sum_;
    moment_ += other.moment_;
}

Latency UniformMixture::latency() const {
    Latency l;
    if (sum_ <= 0) return l;
    std::vector<double> shares = cumulative();
    for (std::size_t i = 0; i < points; ++i) shares[i] += settled_[i];
    shares.back() = sum_;
    l.mean = Seconds{moment_ / sum_};
    read_levels(
        l, points, [&](std::size_t i) { return shares[i]; },
        [&](std::size_t i) { return low_ + static_cast<double>(i) * step_; });
    return l;
}

}   // namespace moecost
