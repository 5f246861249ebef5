// SPDX-License-Identifier: Apache-2.0
// How long a prompt waits when requests arrive at a rate.
#include <algorithm>

#include "moecost/serving/latency.h"
#include "moecost/serving/open_loop.h"
#include "moecost/serving/queueing.h"

namespace moecost {
namespace {

/// A step an arrival may land in, by its share of the time.
struct Landing {
    double weight;
    double length;
};

/// Others that land in a step of this length: renewal function of gamma gaps, rounded.
double others_in(double rate, double length, double burstiness) {
    const double mean = rate * length;
    const double v = burstiness > 1 ? std::pow(mean, 1 / burstiness) : mean;
    return std::max(mean + (burstiness - 1) * v / (1 + v), 0.0);
}

/// Parameter of a Poisson law whose mean is m > 1 once zero is left out: a/(1 - e^-a) = m.
double truncated_parameter(double mean) {
    double a = std::max(mean - 1, 1e-6);
    for (int i = 0; i < 30; ++i) a = mean * -std::expm1(-a);
    return std::max(a, 1e-6);
}

class PromptWaitLaw {
  public:
    PromptWaitLaw(const Replica& r, const LoadedRound& c, double rate, double burstiness, bool with_parts)
        : r_(r),
          c_(c),
          rate_(rate),
          burst_(burstiness),
          with_parts_(with_parts),
          heavy_(heavy_prompts(r, c.at)) {
        if (with_parts) {
            inputs_ = r.lengths.input;
        } else {
            inputs_ = coarse_inputs(r.lengths, c.at);
        }
    }

    PromptWait run() {
        wait_.service_cv2 = std::max(heavy_.cv2, r_.lengths.cv2_input);
        if (c_.at.fill * (1 + heavy_.cv2) < 1)
            several_per_step();
        else
            steps_per_prompt();
        return std::move(wait_);
    }

  private:
    void emit(const TtftPart& part) {
        wait_.mean += part.weight * (part.uniform / 2 + part.shift + part.chance * part.mean);
        if (with_parts_) wait_.parts.push_back(part);
    }

    [[nodiscard]] std::vector<Landing> landings() const {
        const AtDecodes& at = c_.at;
        const double P = r_.lengths.prompt;
        std::vector<Landing> steps;
        const double a = r_.mixed() ? std::min(c_.arrivals, 8.0) : truncated_parameter(c_.tokens / P);
        double p = std::exp(-a);
        if (!r_.mixed()) steps.push_back({at.decode / c_.round, at.decode});
        double sum = 0;
        const std::size_t first = steps.size();
        for (int k = 0; k < 60; ++k) {
            if (k > 0) p *= a / k;
            if (p < 1e-5 && k > a) break;
            if (k == 0 && !r_.mixed()) continue;
            const double length = k == 0 ? at.decode : c_.at.prompts(std::min(at.budget, k * P));
            steps.push_back({p * length, length});
            sum += p * length;
        }
        const double share = r_.mixed() ? 1 : 1 - at.decode / c_.round;
        for (std::size_t i = first; i < steps.size(); ++i) steps[i].weight *= share / sum;
        return steps;
    }

    /// For means alone: decode steps, and one prompt step of mean length.
    static void merge(std::vector<Landing>& steps) {
        Landing prompts{0, 0};
        for (std::size_t i = 1; i < steps.size(); ++i) {
            prompts.weight += steps[i].weight;
            prompts.length += steps[i].weight * steps[i].length;
        }
        if (prompts.weight <= 0) return;
        prompts.length /= prompts.weight;
        steps.resize(2);
        steps[1] = prompts;
    }

    /// Adds the parts of all prompt lengths that land with `others` in a step of this length; returns the mean shift.
    double land(double weight, double length, double others, double chance, double backlog) {
        double shifts = 0;
        for (const LengthNode& n : inputs_) {
            const double extra = heavy_.extra(r_.lengths, n.tokens);
            const double tokens = (1 - r_.lengths.hit) * n.tokens;
            own_time(r_, c_.at, tokens, std::min(others, 12.0), Companions::three,
                     [&](double w, double seconds) {
                         const double part = weight * n.weight * w;
                         shifts += part * (seconds + extra);
                         emit({part, length, seconds + extra, chance, backlog});
                     });
        }
        return shifts;
    }

    void several_per_step() {
        const AtDecodes& at = c_.at;
        const double tC = at.full;
        const double D = at.fill;
        const Walk walk = spitzer(rate_ * tC * D, rate_ * tC * D * D * (1 + heavy_.cv2) * burst_);
        std::vector<Landing> steps = landings();
        if (!with_parts_) merge(steps);
        std::sort(steps.begin(), steps.end(),
                  [](const Landing& x, const Landing& y) { return x.length > y.length; });
        double own = 0;
        double replaced = walk.positive;
        for (const Landing& s : steps) {
            const double kept = s.weight - std::min(replaced, s.weight);
            replaced -= s.weight - kept;
            if (kept > 1e-7) own += land(kept, s.length, others_in(rate_, s.length, burst_), 0, 0);
        }
        if (walk.positive > 1e-7)
            own += land(walk.positive, tC, others_in(rate_, tC, burst_), 1, tC * walk.mean / walk.positive);
        wait_.behind =
            r_.mixed() ? rate_ * (std::max(own - c_.round, 0.0) + walk.mean * std::max(tC - c_.round, 0.0))
                       : rate_ * (own - at.decode + walk.mean * tC);
    }

    /// Share of arrivals that meet a busy prompt queue: more than its time share when they come in bursts.
    [[nodiscard]] double busy_share() const {
        const double rho = c_.load;
        double s = rho;
        for (int i = 0; burst_ > 1 && i < 40; ++i) s = std::pow(1 + (1 - s) * burst_ / rho, -1 / burst_);
        return s;
    }

    void steps_per_prompt() {
        const AtDecodes& at = c_.at;
        const LengthNodes& nodes = inputs_;
        const double P = r_.lengths.prompt;
        const double C = at.budget;
        const double tC = at.full;
        const double rho = c_.load;
        const auto tokens = [&](const LengthNode& n) { return (1 - r_.lengths.hit) * n.tokens; };
        const auto service = [&](const LengthNode& n) {
            return tokens(n) / C * tC + heavy_.extra(r_.lengths, n.tokens);
        };
        double mean_service = 0;
        for (const LengthNode& n : nodes) mean_service += n.weight * service(n);
        double residual = 0;   // r1: of the prompt in service
        for (const LengthNode& n : nodes) residual += n.weight * service(n) / mean_service * service(n) / 2;
        const double busy = busy_share();
        const double W =
            std::max(rho * residual / (1 - rho) * (burst_ + heavy_.cv2) / (1 + heavy_.cv2) / busy, residual);
        for (const LengthNode& n : nodes) {
            const double extra = heavy_.extra(r_.lengths, n.tokens);
            const double full = std::floor(tokens(n) / C);
            const double rest = tokens(n) - full * C;
            const double until = full * tC + extra;
            const double idle = (1 - busy) * n.weight;
            if (rest > 0) {   // somebody may fill the last step
                const double joined = 1 - std::exp(-rate_ * (at.decode / 2 + until));
                emit({idle * joined, at.decode, until + c_.at.prompts(std::min(C, rest + P)), 0, 0});
                emit({idle * (1 - joined), at.decode, until + c_.at.prompts(rest), 0, 0});
            } else {
                emit({idle, at.decode, until, 0, 0});
            }
            const double joined = 1 - std::exp(-rate_ * (W + tokens(n) * tC / (2 * C)));
            for (const LengthNode& served : nodes) {
                const double w = busy * n.weight * served.weight * service(served) / mean_service;
                const TtftPart part{w, service(served), tokens(n) / C * tC + extra, busy,
                                    (W - residual) / busy};
                emit({w * (1 - joined), part.uniform, part.shift, part.chance, part.mean});
                emit({w * joined, part.uniform, part.shift + tC / 2, part.chance, part.mean});
            }
        }
        wait_.behind = r_.mixed() ? rate_ * wait_.mean * std::max(0.0, 1 - c_.round / tC)
                                  : rate_ * wait_.mean - rate_ * at.decode;
    }

    const Replica& r_;
    const LoadedRound& c_;
    double rate_, burst_;
    bool with_parts_;
    HeavyPrompts heavy_;
    LengthNodes inputs_;
    PromptWait wait_;
};

}   // namespace

PromptWait prompt_wait(const Replica& replica, const LoadedRound& round, double rate, double burstiness,
                       bool with_parts) {
    return PromptWaitLaw(replica, round, rate, burstiness, with_parts).run();
}

Latency open_ttft(const OpenLoopAnswer& o) {
    double high = 0;
    for (const TtftPart& p : o.prompts.parts)
        high = std::max(high, p.shift + p.uniform + (p.chance > 0 ? 9 * p.mean : 0));
    if (o.waits > 1e-4) high += 9 * o.slot_wait;
    // Parts share the mean of their exponential: all of a busy queue, or none.
    UniformMixture plain(0, high);
    UniformMixture delayed(0, high);
    double chance = 0;
    double mean = 0;
    for (const TtftPart& p : o.prompts.parts) {
        (p.chance > 0 ? delayed : plain).add(p.weight, p.shift, p.uniform);
        if (p.chance > 0) {
            chance = p.chance;
            mean = p.mean;
        }
    }
    if (chance > 0) delayed.then_exponential(chance, mean);
    plain.add(delayed);
    if (o.waits > 1e-4) plain.then_exponential(o.waits, o.slot_wait);
    return plain.latency();
}

}   // namespace moecost
