// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "moecost/traffic/trace.h"

namespace moecost {
namespace {

constexpr std::size_t most_pairs = 16384;
constexpr std::size_t most_intervals = 4096;

}   // namespace

void DispersionIndex::arrival(double time) {
    const double index = std::floor(time / window_);
    if (index > index_) {   // the window is complete, and empty ones after it
        windows_ += index - index_;
        sum_ += count_;
        squares_ += count_ * count_;
        count_ = 0;
        index_ = index;
    }
    count_ += 1;
}

double DispersionIndex::value() const {
    if (windows_ < 2 || sum_ <= 0) return 0;
    const double mean = sum_ / windows_;
    return (squares_ - windows_ * mean * mean) / (windows_ - 1) / mean;
}

TraceStatistics::TraceStatistics(double block_tokens, std::size_t cache_blocks)
    : block_tokens_(block_tokens),
      cache_(cache_blocks),
      reuse_(block_tokens),
      dispersion_{DispersionIndex(1), DispersionIndex(10), DispersionIndex(60)} {}

void TraceStatistics::add_time(double time) {
    if (timed_ == 0) first_ = last_ = time;
    gap_squares_ += (time - last_) * (time - last_);
    last_ = time;
    timed_ += 1;
    for (DispersionIndex& d : dispersion_) d.arrival(time - first_);
    while ((time - first_) / interval_ >= static_cast<double>(most_intervals)) {
        for (std::size_t i = 0; 2 * i < counts_.size(); ++i)
            counts_[i] = counts_[2 * i] + (2 * i + 1 < counts_.size() ? counts_[2 * i + 1] : 0);
        counts_.resize((counts_.size() + 1) / 2);
        interval_ *= 2;
    }
    const auto slot = static_cast<std::size_t>((time - first_) / interval_);
    if (slot >= counts_.size()) counts_.resize(slot + 1, 0.0);
    counts_[slot] += 1;
}

void TraceStatistics::add_lengths(const TraceRow& row) {
    input_.add(row.input, row.weight);
    if (!row.has_output) return;
    output_.add(row.output, row.weight);
    pairs_ += 1;
    products_ += row.input * row.output;
    if (sample_.size() < most_pairs) {   // reservoir: every request is in the sample with the same chance
        sample_.push_back({row.input, row.output});
    } else if (const auto i = static_cast<std::size_t>(random_.uniform() * pairs_); i < most_pairs) {
        sample_[i] = {row.input, row.output};
    }
}

double TraceStatistics::add(const TraceRow& row) {
    requests_ += 1;
    if (row.timed) add_time(row.arrival_s);
    add_lengths(row);
    if (row.blocks.empty()) return 0;
    reuse_.add(row.arrival_s, row.blocks, row.input);
    const double cached = std::min(block_tokens_ * static_cast<double>(cache_.hit(row.blocks)), row.input);
    hit_tokens_ += cached;
    prompt_tokens_ += row.input;
    return cached;
}

TraceSummary TraceStatistics::summary() const {
    TraceSummary s;
    s.requests = requests_;
    s.duration_s = last_ - first_;
    if (timed_ > 1 && s.duration_s > 0) {
        s.rate = timed_ / s.duration_s;
        const double gap = s.duration_s / (timed_ - 1);
        s.gap_cv2 = gap_squares_ / (timed_ - 1) / (gap * gap) - 1;
    }
    for (std::size_t i = 0; i < dispersion_.size(); ++i) s.dispersion[i] = dispersion_[i].value();
    s.input_mean = input_.mean();
    s.input_sd = input_.standard_deviation();
    s.input_max = input_.largest();
    s.output_mean = output_.mean();
    s.output_sd = output_.standard_deviation();
    s.output_max = output_.largest();
    if (pairs_ > 1 && s.input_sd > 0 && s.output_sd > 0)
        s.correlation = (products_ / pairs_ - s.input_mean * s.output_mean) / (s.input_sd * s.output_sd);
    if (prompt_tokens_ > 0) s.prefix_hit_rate = hit_tokens_ / prompt_tokens_;
    s.lengths = {input_.distribution(), output_.distribution(), sample_};
    s.reuse = reuse_.curve();
    s.interval_s = interval_;
    for (const double c : counts_) s.rate_over_time.push_back(c / interval_);
    return s;
}

}   // namespace moecost
