// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/reuse.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr double shortest = 1e-3;
constexpr double bins_per_e = 50;
constexpr std::size_t most_bins = 1400;   // up to e^28 ms

double end_of_bin(std::size_t i) { return shortest * std::exp((static_cast<double>(i) + 1) / bins_per_e); }

/// T at which `tokens` have come anew; infinite where they never do within the curve.
double characteristic_time(const ReuseCurve& c, double tokens, double rate) {
    double filled = 0;
    double before = 0;
    double share = 0;
    for (std::size_t i = 0; i < c.seconds.size(); ++i) {
        const double width = c.seconds[i] - before;
        const double a = 1 - share;
        const double b = 1 - c.share[i];
        const double more = rate * width * (a + b) / 2;
        if (filled + more >= tokens) {
            // a x + (b - a) x^2/(2 width) = what is left
            const double left = (tokens - filled) / rate;
            const double slope = (b - a) / width;
            const double root = std::sqrt(std::max(a * a + 2 * slope * left, 0.0));
            return before + 2 * left / std::max(a + root, 1e-300);
        }
        filled += more;
        before = c.seconds[i];
        share = c.share[i];
    }
    return share < 1 ? before + (tokens - filled) / (rate * (1 - share)) : 1e300;
}

}   // namespace

double ReuseCurve::at(double t) const {
    const auto it = std::lower_bound(seconds.begin(), seconds.end(), t);
    if (it == seconds.end()) return share.empty() ? 0 : share.back();
    const auto i = static_cast<std::size_t>(it - seconds.begin());
    const double t0 = i > 0 ? seconds[i - 1] : 0;
    const double s0 = i > 0 ? share[i - 1] : 0;
    return s0 + (t - t0) / (seconds[i] - t0) * (share[i] - s0);
}

ReuseCurve conversation_reuse(double turns, double input, double output, double rate, double stay_s,
                              double think_s) {
    ReuseCurve c;
    // Turn k of n: k own prompts and k - 1 answers, of which the last prompt is new: means over the turns.
    const double before = (turns - 1) / 2;   // turns before this one
    const double own = std::max((input - before * output) / (before + 1), 1.0);
    const double again = std::min(before * (own + output) / input, 1.0);
    c.tokens_per_s = rate * input;
    for (std::size_t i = 0; i < most_bins; i += 10) {
        const double t = end_of_bin(i);
        c.seconds.push_back(t);
        c.share.push_back(t > stay_s ? again * (think_s > 0 ? -std::expm1(-(t - stay_s) / think_s) : 1) : 0);
    }
    return c;
}

void ReuseCounter::add(double time, const std::vector<std::uint64_t>& blocks, double input) {
    if (first_ < 0) first_ = time;
    end_ = time;
    tokens_ += input;
    double left = input;
    for (const std::uint64_t block : blocks) {
        const double size = std::min(block_tokens_, left);
        left -= size;
        const auto [it, is_new] = last_.try_emplace(block, time);
        if (is_new) continue;
        const double gap = std::max(time - it->second, shortest);
        it->second = time;
        const auto bin = static_cast<std::size_t>(std::log(gap / shortest) * bins_per_e);
        if (bin >= counts_.size()) counts_.resize(std::min(bin, most_bins) + 1, 0.0);
        counts_[std::min(bin, most_bins)] += size;
    }
}

ReuseCurve ReuseCounter::curve() const {
    ReuseCurve c;
    if (!(end_ > first_) || tokens_ <= 0) return c;
    c.tokens_per_s = tokens_ / (end_ - first_);
    double sum = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        sum += counts_[i];
        c.seconds.push_back(end_of_bin(i));
        c.share.push_back(sum / tokens_);
    }
    return c;
}

TierHits tier_hits(const ReuseCurve& c, double device_tokens, double host_tokens, double scale) {
    TierHits h;
    if (!c.known()) return h;
    const double rate = c.tokens_per_s * scale;
    h.device_s = characteristic_time(c, device_tokens, rate);
    h.host_s = characteristic_time(c, device_tokens + host_tokens, rate);
    h.device = device_tokens > 0 ? c.at(h.device_s) : 0;
    h.host = std::max(c.at(h.host_s) - h.device, 0.0);
    return h;
}

}   // namespace moecost
