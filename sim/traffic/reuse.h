// SPDX-License-Identifier: Apache-2.0
// How soon prompts come back: what a prefix cache of a given size finds again, in closed form.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace moecost {

/// Of the prompt tokens that arrive, the share that were there at most `seconds` before: F(t), ascending, at times that
/// grow by equal ratios. What never comes back is the rest to 1.
struct ReuseCurve {
    std::vector<double> seconds;
    std::vector<double> share;
    double tokens_per_s = 0;   // prompt tokens that arrive

    /// F(t): straight between the points, from 0 at 0; flat beyond the last.
    [[nodiscard]] double at(double t) const;
    [[nodiscard]] bool known() const { return !seconds.empty() && tokens_per_s > 0; }
};

/// Conversations of `turns` turns at `rate` turns per second in all: every turn brings the context so far and a prompt of
/// its own, `input` tokens on average over all turns, and is answered with `output` tokens; the next turn follows the
/// answer after `stay_s` (request time) and an exponential pause of mean `think_s`.
[[nodiscard]] ReuseCurve conversation_reuse(double turns, double input, double output, double rate,
                                            double stay_s, double think_s);

/// Gathers the curve of a trace from the hashes of its blocks, in time bins of 2 % of the time.
class ReuseCounter {
  public:
    explicit ReuseCounter(double block_tokens) : block_tokens_(block_tokens) {}
    void add(double time_s, const std::vector<std::uint64_t>& blocks, double input_tokens);
    [[nodiscard]] ReuseCurve curve() const;

  private:
    double block_tokens_;
    std::unordered_map<std::uint64_t, double> last_;
    std::vector<double> counts_;
    double tokens_ = 0, first_ = -1, end_ = 0;
};

/// Shares of the prompt tokens found in each tier, and how long it keeps what nobody asks for.
struct TierHits {
    double device = 0, host = 0;
    double device_s = 0, host_s = 0;
};
/// Least recently used, by the characteristic time T of the tier: what comes back sooner is found, and T is when as many
/// tokens as fit have come anew,
///   capacity = tokens/s integral_0^T (1 - F(t)) dt,   hit = F(T)
/// (Fagin 1977, Che 2002; Denning's working set in another name). The host tier takes what the device drops: its T is that
/// of both capacities together. `scale` multiplies the arrivals while the pauses between turns stay: more users.
[[nodiscard]] TierHits tier_hits(const ReuseCurve& curve, double device_tokens, double host_tokens,
                                 double scale = 1);

}   // namespace moecost
