// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/lengths.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace moecost {
namespace {

constexpr std::array<double, 14> tail_cuts = {0,    0.15, 0.3,  0.45, 0.6,  0.7,   0.8,
                                              0.87, 0.92, 0.96, 0.98, 0.99, 0.996, 1};

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }
double sigma_of(const LognormalLength& l) { return std::sqrt(std::log1p(l.cv * l.cv)); }

/// E[U^power] of a continuous uniform on [low, high].
double uniform_moment(double low, double high, int power) {
    if (high <= low) return std::pow(low, power);
    return (std::pow(high, power + 1) - std::pow(low, power + 1)) / ((power + 1) * (high - low));
}

double empirical_moment(const EmpiricalLength& l, int power) {
    double sum = 0;
    double below = 0;
    for (std::size_t i = 0; i < l.tokens.size(); ++i) {
        sum += (l.up_to[i] - below) * std::pow(l.tokens[i], power);
        below = l.up_to[i];
    }
    return sum;
}

struct Moment {
    int power;
    double operator()(const FixedLength& l) const { return std::pow(l.tokens, power); }
    double operator()(const UniformLength& l) const { return uniform_moment(l.low, l.high, power); }
    double operator()(const LognormalLength& l) const {
        const double s2 = std::log1p(l.cv * l.cv);
        return std::pow(l.mean, power) * std::exp(s2 * power * (power - 1) / 2);
    }
    double operator()(const ExponentialLength& l) const {
        constexpr double factorial[] = {1, 1, 2, 6};
        return factorial[power] * std::pow(l.mean, power);
    }
    double operator()(const EmpiricalLength& l) const { return empirical_moment(l, power); }
};

struct Quantile {
    double u;
    double operator()(const FixedLength& l) const { return l.tokens; }
    double operator()(const UniformLength& l) const { return l.low + u * (l.high - l.low); }
    double operator()(const LognormalLength& l) const {
        const double s = sigma_of(l);
        return l.mean * std::exp(s * normal_quantile(std::clamp(u, 1e-12, 1 - 1e-12)) - s * s / 2);
    }
    double operator()(const ExponentialLength& l) const {
        return -l.mean * std::log1p(-std::min(u, 1 - 1e-12));
    }
    double operator()(const EmpiricalLength& l) const {
        const auto it = std::lower_bound(l.up_to.begin(), l.up_to.end(), u);
        return it == l.up_to.end() ? l.tokens.back()
                                   : l.tokens[static_cast<std::size_t>(it - l.up_to.begin())];
    }
};

/// Mean of the lengths between two levels u1 < u2.
struct StratumMean {
    double u1, u2;
    double operator()(const LognormalLength& l) const {
        const double s = sigma_of(l);
        const double low = u1 <= 0 ? 0 : normal_cdf(normal_quantile(u1) - s);
        const double high = u2 >= 1 ? 1 : normal_cdf(normal_quantile(u2) - s);
        return l.mean * (high - low) / (u2 - u1);
    }
    double operator()(const ExponentialLength& l) const {
        const auto above = [](double u) { return u >= 1 ? 0 : (1 - std::log1p(-u)) * (1 - u); };
        return l.mean * (above(u1) - above(u2)) / (u2 - u1);
    }
    double operator()(const EmpiricalLength& l) const {
        double sum = 0;
        double below = 0;
        for (std::size_t i = 0; i < l.tokens.size() && below < u2; ++i) {
            sum += std::max(std::min(l.up_to[i], u2) - std::max(below, u1), 0.0) * l.tokens[i];
            below = l.up_to[i];
        }
        return sum / (u2 - u1);
    }
};

struct Nodes {
    LengthNodes operator()(const FixedLength& l) const { return {{{{l.tokens, 1}}}, 1}; }
    LengthNodes operator()(const UniformLength& l) const {
        LengthNodes n;
        for (; n.count < 8; ++n.count)
            n.node[n.count] = {l.low + (static_cast<double>(n.count) + 0.5) / 8 * (l.high - l.low), 1.0 / 8};
        return n;
    }
    template <class Tailed>
    LengthNodes operator()(const Tailed& l) const {
        LengthNodes n;
        for (; n.count + 1 < tail_cuts.size(); ++n.count) {
            const StratumMean stratum{tail_cuts[n.count], tail_cuts[n.count + 1]};
            n.node[n.count] = {std::max(stratum(l), 1.0), stratum.u2 - stratum.u1};
        }
        return n;
    }
};

struct Scaled {
    double by;
    Length operator()(FixedLength l) const { return FixedLength{l.tokens * by}; }
    Length operator()(UniformLength l) const { return UniformLength{l.low * by, l.high * by}; }
    Length operator()(LognormalLength l) const { return LognormalLength{l.mean * by, l.cv}; }
    Length operator()(ExponentialLength l) const { return ExponentialLength{l.mean * by}; }
    Length operator()(EmpiricalLength l) const {
        for (double& t : l.tokens) t *= by;
        return l;
    }
};

double draw(const Length& length, Random& random) {
    if (const auto* u = std::get_if<UniformLength>(&length)) {
        const double low = std::ceil(u->low);
        const double high = std::max(std::floor(u->high), low);
        return std::max(low + std::floor(random.uniform() * (high - low + 1)), 1.0);
    }
    return std::max(std::round(quantile(length, random.uniform())), 1.0);
}

}   // namespace

EmpiricalLength empirical_length(std::vector<double> tokens, std::vector<double> weights) {
    if (tokens.empty()) return {{1}, {1}};
    weights.resize(tokens.size(), 1.0);
    std::vector<std::size_t> order(tokens.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return tokens[a] < tokens[b]; });
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    EmpiricalLength l;
    double sum = 0;
    for (const std::size_t i : order) {
        sum += weights[i];
        if (!l.tokens.empty() && l.tokens.back() == tokens[i]) {
            l.up_to.back() = sum / all;
        } else {
            l.tokens.push_back(tokens[i]);
            l.up_to.push_back(sum / all);
        }
    }
    l.up_to.back() = 1;
    return l;
}

EmpiricalLength condensed(const EmpiricalLength& length, int points) {
    if (length.tokens.size() <= static_cast<std::size_t>(points)) return length;
    EmpiricalLength l;
    double below = 0;
    double sum = 0;
    double taken = 0;   // of the share that is being filled
    for (std::size_t i = 0; i < length.tokens.size(); ++i) {
        double weight = length.up_to[i] - below;
        below = length.up_to[i];
        while (weight > 0) {
            const double end = (static_cast<double>(l.tokens.size()) + 1) / points;
            const double start = end - 1.0 / points;
            const double part = std::min(weight, end - start - taken);
            sum += part * length.tokens[i];
            taken += part;
            weight -= part;
            if (taken < 1.0 / points - 1e-12) break;
            l.tokens.push_back(sum / taken);
            l.up_to.push_back(end);
            sum = taken = 0;
            if (weight < 1e-12) break;
        }
    }
    if (taken > 1e-9) {
        l.tokens.push_back(sum / taken);
        l.up_to.push_back(1);
    }
    l.up_to.back() = 1;
    return l;
}

EmpiricalLength length_from_quantiles(const std::vector<double>& levels,
                                      const std::vector<double>& quantiles) {
    constexpr int parts = 8;   // points of each interval
    std::vector<double> tokens;
    std::vector<double> weights;
    for (std::size_t i = 0; i + 1 < quantiles.size(); ++i) {
        const double low = std::max(quantiles[i], 1.0);
        for (int k = 0; k < parts; ++k) {
            tokens.push_back(low * std::pow(std::max(quantiles[i + 1], 1.0) / low, (k + 0.5) / parts));
            weights.push_back((levels[i + 1] - levels[i]) / parts);
        }
    }
    return empirical_length(std::move(tokens), std::move(weights));
}

double moment(const Length& length, int power) { return std::visit(Moment{power}, length); }
double mean(const Length& length) { return moment(length, 1); }
double quantile(const Length& length, double u) { return std::visit(Quantile{u}, length); }
LengthNodes nodes(const Length& length) { return std::visit(Nodes{}, length); }
Length scaled_to(const Length& length, double mean) {
    return std::visit(Scaled{mean / moment(length, 1)}, length);
}
bool is_fixed(const Length& length) { return std::holds_alternative<FixedLength>(length); }

double mean_product(const Lengths& lengths) {
    if (lengths.joint.empty()) return mean(lengths.input) * mean(lengths.output);
    double sum = 0;
    for (const LengthPair& p : lengths.joint) sum += p.input * p.output;
    return sum / static_cast<double>(lengths.joint.size());
}

LengthPair LengthSampler::next() {
    if (lengths_.joint.empty()) {
        const double input = draw(lengths_.input, random_);
        return {input, draw(lengths_.output, random_)};
    }
    const auto count = static_cast<double>(lengths_.joint.size());
    const LengthPair p = lengths_.joint[static_cast<std::size_t>(random_.uniform() * count)];
    return {std::max(std::round(p.input), 1.0), std::max(std::round(p.output), 1.0)};
}

namespace {

constexpr double exact_up_to = 8192;
constexpr double fineness = 1024;   // bins per factor e above
constexpr std::size_t largest_bin = 8192 + 12 * 1024;

std::size_t bin_of(double tokens) {
    if (tokens < exact_up_to) return static_cast<std::size_t>(std::max(tokens, 0.0));
    const double above = std::log(tokens / exact_up_to) * fineness;
    return std::min(static_cast<std::size_t>(exact_up_to + above), largest_bin);
}
double tokens_of(std::size_t bin) {
    const auto i = static_cast<double>(bin);
    return i < exact_up_to ? i : exact_up_to * std::exp((i + 0.5 - exact_up_to) / fineness);
}

}   // namespace

LengthHistogram::LengthHistogram() : counts_(largest_bin + 1, 0.0) {}

void LengthHistogram::add(double tokens, double weight) {
    counts_[bin_of(tokens)] += weight;
    weight_ += weight;
    sum_ += weight * tokens;
    squares_ += weight * tokens * tokens;
    largest_ = std::max(largest_, tokens);
}

double LengthHistogram::standard_deviation() const {
    if (weight_ <= 0) return 0;
    const double m = mean();
    return std::sqrt(std::max(squares_ / weight_ - m * m, 0.0));
}

EmpiricalLength LengthHistogram::distribution() const {
    std::vector<double> tokens;
    std::vector<double> weights;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (counts_[i] <= 0) continue;
        tokens.push_back(tokens_of(i));
        weights.push_back(counts_[i]);
    }
    return empirical_length(std::move(tokens), std::move(weights));
}

}   // namespace moecost
