// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/open_loop.h"

#include <algorithm>
#include <array>

#include "moecost/base/numerics.h"
#include "moecost/serving/output_mixture.h"
#include "moecost/serving/steady_loop.h"

namespace moecost {
namespace {

/// Work left behind adds to the decode of k steps: all of it where decodes stall; chunked prefill gives a decode a token
/// in every step, so that no step lasts longer than a full one.
double left_over(const Replica& r, const LoadedRound& c, double behind, double k) {
    const double raw = behind * c.prompt_cost * c.gain();
    if (!r.mixed() || raw <= 0) return raw;
    const double wide = c.at.full - c.at.decode;
    if (wide <= 0) return 0;
    const double e = raw / wide;
    const double room = k * std::max(c.at.full - c.round, 0.0) / wide;
    return wide * e * (1 - std::exp(-room / e));
}

constexpr std::size_t grid_points = 12;

/// Decodes at which the process is evaluated.
struct DecodeGrid {
    std::array<double, grid_points> decodes{};
    std::array<double, grid_points> stay{};   // T(B)
    std::size_t count = 0;
};

DecodeGrid stay_in_decode(const Replica& r, double top, double rate, double burstiness) {
    DecodeGrid g;
    const double S = r.decode_steps();
    for (std::size_t i = 0; i < grid_points; ++i) {
        const double b = std::round(std::pow(top, static_cast<double>(i) / (grid_points - 1)));
        if (g.count > 0 && b == g.decodes[g.count - 1]) continue;
        g.decodes[g.count] = b;
        if (const auto round = loaded_round(r, b, rate)) {
            const double behind = prompt_wait(r, *round, rate, burstiness, false).behind;
            g.stay[g.count] = S * round->round + left_over(r, *round, behind, S);
        } else {
            g.stay[g.count] = S * at_decodes(r, b, rate).full;
        }
        ++g.count;
    }
    return g;
}

/// Chances of every number in decode, and of waiting: pi(B) ~ prod rate/nu(i), beyond the slots geometric.
struct Occupancy {
    double mean = 0, variance = 0;
    double full = 0;   // P(B >= top)
};

/// T(B) between the points: a cubic through four of them in log B.
class StayCurve {
  public:
    explicit StayCurve(const DecodeGrid& grid) : grid_(grid) {
        for (std::size_t i = 0; i < grid.count; ++i) log_[i] = fast_log2(std::max(grid.decodes[i], 1.0));
    }
    /// b ascends from call to call.
    [[nodiscard]] double operator()(double b) {
        while (interval_ + 2 < grid_.count && grid_.decodes[interval_ + 1] < b) ++interval_;
        if (grid_.count < 4)
            return grid_.stay[std::min(interval_ + (b > grid_.decodes[interval_]), grid_.count - 1)];
        const std::size_t first = std::min(interval_ > 0 ? interval_ - 1 : 0, grid_.count - 4);
        if (first != first_) fit(first);
        const double x = fast_log2(b);
        return c_[0] +
               (x - log_[first]) * (c_[1] + (x - log_[first + 1]) * (c_[2] + (x - log_[first + 2]) * c_[3]));
    }

  private:
    /// Newton's divided differences.
    void fit(std::size_t first) {
        first_ = first;
        for (std::size_t i = 0; i < 4; ++i) c_[i] = grid_.stay[first + i];
        for (std::size_t order = 1; order < 4; ++order) {
            for (std::size_t i = 3; i >= order; --i)
                c_[i] = (c_[i] - c_[i - 1]) / (log_[first + i] - log_[first + i - order]);
        }
    }
    const DecodeGrid& grid_;
    std::array<double, grid_points> log_{};
    std::array<double, 4> c_{};
    std::size_t interval_ = 0;
    std::size_t first_ = grid_points;
};

std::vector<double> log_chances(const DecodeGrid& g, double top, double rate, double capacity) {
    std::vector<double> chances;
    chances.reserve(static_cast<std::size_t>(top) + 1);
    chances.push_back(0);
    StayCurve stay(g);
    double sum = 0;
    for (double b = 1; b <= top; ++b) {
        // With all slots busy only answers admit prompts: the closed loop of the slots.
        const double own = b / stay(b);
        const double answers = b == top ? std::max(own, capacity) : own;
        sum += 0.69314718055994530942 * fast_log2(rate / answers);
        chances.push_back(sum);
    }
    return chances;
}

/// Moments of pi^(1/spread), its tail beyond the last number geometric with this ratio.
Occupancy occupancy(const std::vector<double>& log_pi, double spread, double ratio) {
    const double most = *std::max_element(log_pi.begin(), log_pi.end());
    double weight = 0, sum = 0, squares = 0, last = 0;
    for (std::size_t b = 0; b < log_pi.size(); ++b) {
        const double x = (log_pi[b] - most) / spread;
        last = x < -45 ? 0 : fast_exp2(x * 1.4426950408889634074);
        const auto n = static_cast<double>(b);
        weight += last;
        sum += last * n;
        squares += last * n * n;
    }
    // All beyond the top decode `top` at a time; they count for the mean as the numbers in the system do.
    const auto top = static_cast<double>(log_pi.size() - 1);
    const double tail = ratio < 1 ? last * ratio / (1 - ratio) : 0;
    Occupancy o;
    weight += tail;
    sum += tail * top;
    squares += tail * top * top;
    o.mean = sum / weight;
    o.variance = std::max(squares / weight - o.mean * o.mean, 0.0);
    o.full = (last + tail) / weight;
    return o;
}

}   // namespace

namespace {

/// The round that a round of length `round` makes: prompts that arrive in it, and the steps they take.
double next_round(const Replica& r, double rate, double round, LoadedRound& c) {
    const AtDecodes& at = c.at;
    const double P = r.lengths.prompt;
    const double a = rate * round;
    c.share = prompt_step_share(r, at, a);
    if (!r.mixed() && at.fill < 1) {
        const double quiet = 1 - std::exp(-rate * at.decode);
        double batch = std::min(a * P / c.share, at.budget);
        for (int i = 0; i < 4; ++i) {
            const double busy = std::min(rate * at.prompts(batch), 5.0);
            const double f = std::max(a * at.fill, quiet * std::exp(busy));
            batch = std::min((batch + a * P / f) / 2, at.budget);
        }
        c.share = a * P / batch;
    }
    c.tokens = std::min(a * P / c.share, at.budget);
    const double step = at.prompts(c.tokens);
    return r.mixed() ? at.decode + c.share * (step - at.decode) : at.decode + a * P / c.tokens * step;
}

}   // namespace

std::optional<LoadedRound> loaded_round(const Replica& r, double decodes, double rate) {
    LoadedRound c;
    c.at = at_decodes(r, decodes, rate);
    const AtDecodes& at = c.at;
    c.load = rate * at.fill * at.full;
    if (c.load >= 1) return std::nullopt;
    const double longest = at.decode / (1 - c.load) + at.full;
    c.round = at.decode / (1 - c.load / 2);
    double before = 0;
    double missed_before = 0;
    for (int pass = 0; pass < 40; ++pass) {
        const double missed = std::min(next_round(r, rate, c.round, c), longest) - c.round;
        if (std::abs(missed) < (pass < 8 ? 1e-7 : 1e-5) * c.round) break;
        // Secant steps inside the bounds, halved fixed-point steps where they lead astray.
        double step = missed / 2;
        if (pass > 0 && pass < 12 && missed != missed_before)
            step = -missed * (c.round - before) / (missed - missed_before);
        if (!(std::abs(step) < 4 * std::abs(missed)) || step * missed < 0) step = missed / 2;
        before = c.round;
        missed_before = missed;
        c.round = std::clamp(c.round + step, at.decode, longest);
    }
    c.arrivals = rate * c.round;
    c.prompt_cost = (std::min(next_round(r, rate, c.round, c), longest) - at.decode) / c.arrivals;
    return c;
}

OpenLoopAnswer open_loop(const Replica& r, double rate, double burstiness, bool percentiles) {
    OpenLoopAnswer o;
    const double cap = capacity(r);
    const double top = std::floor(std::min(cap, 8192.0));
    const double S = std::max(r.decode_steps(), 1e-9);
    o.capacity = full_rate(r);
    if (rate >= o.capacity) return o;
    const DecodeGrid grid = stay_in_decode(r, top, rate, burstiness);
    const std::vector<double> log_pi = log_chances(grid, top, rate, o.capacity);
    const double ratio = rate / o.capacity;
    o.decodes = std::max(occupancy(log_pi, 1, ratio).mean, 1e-9);
    const auto round = loaded_round(r, o.decodes, rate);
    if (!round) return o;
    o.stable = true;
    o.round = *round;
    o.prompts = prompt_wait(r, o.round, rate, burstiness, percentiles);
    const double y = r.rules.tokens_per_step;
    const double own = left_over(r, o.round, o.prompts.behind, S);
    o.base = std::max((o.decodes / rate - own) / S, o.round.at.decode);
    for (const LengthNode& n : r.lengths.output) {
        const double k = std::max((n.tokens - 1) / y, 1.0);
        o.tpot += n.weight * (o.base + left_over(r, o.round, o.prompts.behind, k) / k) / y;
    }
    const double gain = o.round.gain();
    const double spread = (burstiness * gain * gain + 1) / 2;
    const double drain = 1 / (o.capacity - rate);
    const double c2 = r.lengths.cv2_output;
    const double lengths = c2 < 1 ? c2 + (1 - c2) / (1 + drain / grid.stay[grid.count - 1]) : c2;
    const double noise = (burstiness + lengths) / 2;
    const Occupancy crowd = occupancy(log_pi, spread, std::pow(ratio, 1 / noise));
    o.decodes_variance = crowd.variance;
    o.waits = cap < 8193 ? crowd.full : 0;
    o.slot_wait = noise * drain;
    o.ttft = o.prompts.mean + o.waits * o.slot_wait;
    o.prefill_share = std::clamp(1 - 1 / gain, 0.0, 1.0);
    std::size_t i = 0;
    while (i + 2 < grid.count && grid.decodes[i + 1] < o.decodes) ++i;
    if (grid.count > 1)
        o.slope = (grid.stay[i + 1] - grid.stay[i]) / S / (grid.decodes[i + 1] - grid.decodes[i]);
    return o;
}

std::string_view doubt(const Replica& r, const OpenLoopAnswer& o, double rate, double median_output) {
    constexpr double reliable_waits = 0.02;
    constexpr double reliable_load = 0.95;
    if (o.waits > reliable_waits) return "requests often wait for a slot or memory";
    if (rate > reliable_load * o.capacity) return "near the capacity waits are a few long spells";
    if (median_output < few_tokens) return few_tokens_doubt;
    if (outgrows_rank(r)) return "prompts are longer than the chunk of their attention rank";
    return {};
}

Latency open_tpot(const Replica& r, const OpenLoopAnswer& o, double rate, double burstiness) {
    const double y = r.rules.tokens_per_step;
    const LoadedRound& c = o.round;
    const double gain = c.gain();
    const double crowd = o.slope * o.slope * o.decodes_variance * 2 / 3;
    const double met = c.at.decode * rate * c.prompt_cost * c.prompt_cost * (1 + o.prompts.service_cv2) *
                       burstiness * gain * gain * gain;
    const double behind = o.prompts.behind;
    OutputMixture mixture;
    for (const LengthNode& n : r.lengths.output) {
        const double k = std::max((n.tokens - 1) / y, 1.0);
        const double mean = (o.base + left_over(r, c, behind, k) / k) / y;
        const double one = c.prompt_cost * gain / k;
        const double variance = crowd + met / k + (behind + behind * behind) * one * one;
        mixture.add(n.weight, mean, variance / (y * y));
    }
    if (r.mixed()) mixture.cap(1.05 * c.at.full / y);
    return mixture.latency();
}

Latency end_to_end(const Length& output, const Latency& ttft, const Latency& tpot) {
    constexpr double to_p90 = 1.2815515655446004;
    const auto spread = [](const Latency& l) {
        const double p50 = l.p50().value();
        return p50 > 0 ? std::log(std::max(l.p90().value() / p50, 1.0)) / to_p90 : 0;
    };
    const double s2 = std::pow(spread(tpot), 2);
    const double st2 = std::min(std::pow(spread(ttft), 2), 4.0);
    const double first = ttft.mean.value();
    const double token = tpot.p50().value() * std::exp(s2 / 2);
    OutputMixture mixture;
    // Strata of the outputs, finer in the tail, where percentiles are asked.
    struct Zone {
        double from, to;
        int strata;
    };
    for (const Zone& zone : {Zone{0, 0.9, 16}, Zone{0.9, 0.98, 10}, Zone{0.98, 1, 14}}) {
        const double width = (zone.to - zone.from) / zone.strata;
        for (int i = 0; i < zone.strata; ++i) {
            const double decode = std::max(quantile(output, zone.from + (i + 0.5) * width) - 1, 0.0) * token;
            mixture.add(width, first + decode,
                        first * first * std::expm1(st2) + decode * decode * std::expm1(s2));
        }
    }
    Latency l = mixture.latency();
    l.mean = ttft.mean + std::max(mean(output) - 1, 0.0) * tpot.mean;
    return l;
}

}   // namespace moecost
