// SPDX-License-Identifier: Apache-2.0
// Lengths of prompts and outputs as distributions: mean, moments, quantiles, representative nodes, samples.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "moecost/traffic/random.h"

namespace moecost {

/// Every request has this length.
struct FixedLength {
    double tokens = 1;
    bool operator==(const FixedLength&) const = default;
};
/// Whole numbers from low to high, all alike.
struct UniformLength {
    double low = 1;
    double high = 1;
    bool operator==(const UniformLength&) const = default;
};
/// ln X is normal; cv = standard deviation / mean, sigma^2 = ln(1 + cv^2), mu = ln mean - sigma^2/2.
struct LognormalLength {
    double mean = 1;
    double cv = 1;
    bool operator==(const LognormalLength&) const = default;
};
struct ExponentialLength {
    double mean = 1;
    bool operator==(const ExponentialLength&) const = default;
};
/// What was observed: ascending lengths and the share of requests up to and including each; the last share is 1.
struct EmpiricalLength {
    std::vector<double> tokens;
    std::vector<double> up_to;
    bool operator==(const EmpiricalLength&) const = default;
};
using Length = std::variant<FixedLength, UniformLength, LognormalLength, ExponentialLength, EmpiricalLength>;

/// From observed lengths, each of weight one or as given; they need no order. Empty input gives one token.
[[nodiscard]] EmpiricalLength empirical_length(std::vector<double> tokens, std::vector<double> weights = {});
/// From quantiles at ascending levels, the first 0, the last 1; lengths grow by equal ratios between them.
[[nodiscard]] EmpiricalLength length_from_quantiles(const std::vector<double>& levels,
                                                    const std::vector<double>& quantiles);

/// The same in at most `points` lengths of equal shares, each the mean of its share: the mean stays, the far tail is cut to
/// that of its share.
[[nodiscard]] EmpiricalLength condensed(const EmpiricalLength& length, int points);

/// E[X^power], power 1 to 3; quantile at u in [0, 1].
[[nodiscard]] double moment(const Length& length, int power);
[[nodiscard]] double mean(const Length& length);
[[nodiscard]] double quantile(const Length& length, double u);
/// The same shape with another mean: every length times mean/old mean.
[[nodiscard]] Length scaled_to(const Length& length, double mean);
[[nodiscard]] bool is_fixed(const Length& length);

/// A length that stands for a share of the requests: the mean within a stratum, so that the mean of all is exact.
struct LengthNode {
    double tokens = 0;
    double weight = 0;
};
struct LengthNodes {
    std::array<LengthNode, 13> node{};
    std::size_t count = 0;
    [[nodiscard]] const LengthNode* begin() const { return node.data(); }
    [[nodiscard]] const LengthNode* end() const { return node.data() + count; }
};
/// Fixed: one node. Uniform: 8 equal strata. Others: 13 strata cut at u = 0, .15, .3, .45, .6, .7, .8, .87, .92, .96,
/// .98, .99, .996, 1, finer in the tail that makes percentiles.
[[nodiscard]] LengthNodes nodes(const Length& length);

struct LengthPair {
    double input = 1;
    double output = 1;
    bool operator==(const LengthPair&) const = default;
};

/// Prompt and output lengths of one traffic. With `joint` pairs each request is one of them (long prompts may go with
/// short outputs); without, the two are drawn independently.
struct Lengths {
    Length input = FixedLength{1024};
    Length output = FixedLength{1024};
    std::vector<LengthPair> joint{};
    bool operator==(const Lengths&) const = default;
};

/// E[I O]; differs from E[I] E[O] where lengths are joint.
[[nodiscard]] double mean_product(const Lengths& lengths);

/// Draws requests: whole tokens, at least one. Same seed, same requests.
class LengthSampler {
  public:
    LengthSampler(const Lengths& lengths, std::uint64_t seed) : lengths_(lengths), random_(seed) {}
    [[nodiscard]] LengthPair next();

  private:
    const Lengths& lengths_;
    Random random_;
};

/// Counts lengths in bounded memory: exact up to 8192 tokens, to 1/1024 of the length above.
class LengthHistogram {
  public:
    LengthHistogram();
    void add(double tokens, double weight = 1);
    [[nodiscard]] EmpiricalLength distribution() const;
    [[nodiscard]] double mean() const { return weight_ > 0 ? sum_ / weight_ : 0; }
    [[nodiscard]] double standard_deviation() const;
    [[nodiscard]] double largest() const { return largest_; }

  private:
    std::vector<double> counts_;
    double weight_ = 0;
    double sum_ = 0;
    double squares_ = 0;
    double largest_ = 0;
};

}   // namespace moecost
