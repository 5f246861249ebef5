// SPDX-License-Identifier: Apache-2.0
// One engine instance as the closed forms see it: its steps, its rules, the lengths of its requests.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "moecost/base/numerics.h"
#include "moecost/serving/scheduler.h"
#include "moecost/serving/step_table.h"
#include "moecost/traffic/lengths.h"

namespace moecost {

/// What the closed forms need of the lengths. Prefix hits: a share h of every prompt is cached.
struct LengthLaw {
    LengthNodes input, output;
    double mean_input = 1, mean_output = 1;
    double cv2_input = 0, cv2_output = 0;   // squared coefficients of variation
    double hit = 0;                         // h
    double prompt = 1;                      // P = (1 - h) E[I], tokens to compute
    double attended = 1;                    // A = E[I^2] ((1 - h) h + (1 - h)^2/2), pairs that they attend
    double context = 1;            // E[I O]/E[O] + E[O^2]/(2 E[O]): of a decode, long answers seen more often
    double context_variance = 0;   // of one resident context, seen so
    bool fixed = false;            // every request alike
    [[nodiscard]] double attended_by(double input_tokens) const {
        return input_tokens * input_tokens * ((1 - hit) * hit + (1 - hit) * (1 - hit) / 2);
    }
};
[[nodiscard]] LengthLaw length_law(const Lengths& lengths, double prefix_hit_rate);

/// Steps with x prompt tokens at a fixed number of decodes: asked at C', C'/r, C'/r^2, ..., r at most 1.6 and such that one
/// of them is the mean prompt; quadratic between; below the least straight to the step without prompts, where decodes
/// share the step.
class PromptLine {
  public:
    PromptLine() = default;
    /// `seconds(x)` is the law; `without` the step without prompts, negative where there is none.
    template <class Law>
    PromptLine(double budget, double prompt, double without, Law seconds)
        : budget_(budget), without_(without) {
        const double octaves = prompt < budget ? std::log2(budget / prompt) : 0;
        const double intervals = std::ceil(octaves * 1.4747699);   // ln 2/ln 1.6
        per_octave_ = octaves > 0.1 ? intervals / octaves : 1.4747699;
        const double ratio = std::exp2(1 / per_octave_);
        double x = budget;
        for (std::size_t i = points; i-- > 0; x /= ratio) {
            tokens_[i] = x;
            seconds_[i] = seconds(x);
        }
    }
    [[nodiscard]] double full() const { return seconds_[points - 1]; }
    [[nodiscard]] double operator()(double tokens) const {
        if (tokens < tokens_[0]) {
            const double slope = without_ >= 0 ? (seconds_[0] - without_) / tokens_[0]
                                               : (seconds_[1] - seconds_[0]) / (tokens_[1] - tokens_[0]);
            return std::max(seconds_[0] - slope * (tokens_[0] - tokens), 0.0);
        }
        return at(tokens);
    }

  private:
    static constexpr std::size_t points = 12;
    [[nodiscard]] double at(double tokens) const {
        const double i = points - 1 + fast_log2(tokens / budget_) * per_octave_;
        const auto k = static_cast<std::size_t>(std::clamp(i, 1.0, points - 2.0));
        const double x0 = tokens_[k - 1], x1 = tokens_[k], x2 = tokens_[k + 1];
        const double first = (seconds_[k] - seconds_[k - 1]) / (x1 - x0);
        const double second = ((seconds_[k + 1] - seconds_[k]) / (x2 - x1) - first) / (x2 - x0);
        return seconds_[k - 1] + (tokens - x0) * (first + (tokens - x1) * second);
    }
    double budget_ = 1, without_ = -1, per_octave_ = 1;
    std::array<double, points> tokens_{};
    std::array<double, points> seconds_{};
};

struct Replica {
    StepFunction step;
    SchedulerRules rules;
    LengthLaw lengths;
    std::optional<PromptLine>
        alone{};   // steps of prompts alone, where decodes never share them; set by prepare()
    [[nodiscard]] bool mixed() const { return rules.batching == Batching::chunked_prefill; }
    /// S: decode steps of a request.
    [[nodiscard]] double decode_steps() const { return (lengths.mean_output - 1) / rules.tokens_per_step; }
    [[nodiscard]] double decode_seconds(double decodes) const {
        return step(decodes, decodes * lengths.context, 0, 0);
    }
    /// A step with x prompt tokens: beside the decodes, or alone.
    [[nodiscard]] double prompt_seconds(double decodes, double x) const {
        const double b = mixed() ? decodes : 0;
        return step(b, b * lengths.context, x, x * lengths.attended / lengths.prompt);
    }
};

/// Asks the steps that do not depend on decodes once and for all.
void prepare(Replica& replica);
/// Whether a prompt is longer than the chunk of its attention rank: it takes k = ceil(P/c) steps there, whatever the other
/// ranks do, so that a full step holds fewer tokens than C: those of the ranks that have a prompt, given that one has,
///   C' = c clamp(m/(1 - e^-m), 1, ranks),  m prompts that come meanwhile
///   a loop: m = k B/S where decodes go on, B/S where they wait;  a rate: m = rate k t(c) (busy period of many servers)
[[nodiscard]] bool outgrows_rank(const Replica& replica);
[[nodiscard]] double chunk_in_use(const Replica& replica, double decodes, double rate = 0);

/// Sequences that run at once: slots, or memory M.
///   reserve: floor(M/(I + O)) of fixed lengths; else (M - (1 + v)/2 (E[I] + E[O]))/(E[I] + E[O^2]/E[O]), v the squared
///            variation of I + O: residents are weighted by their outputs, half a request stays unused at the head;
///   grow:    (M - (E[I] + p E[O])/2)/(context + p E[O^2]/(2 E[O])), p what is promised of an answer to come.
[[nodiscard]] double capacity(const Replica& replica);

/// The quantities of a number of decodes B.
struct AtDecodes {
    double decodes = 0;   // B
    double budget = 1;    // C': prompt tokens of a full step
    double fill = 0;      // D = P/C', full steps per prompt
    double decode = 0;    // td
    double full = 0;      // tC, the full step
    PromptLine prompts;   // tp(B, x)
};
/// `rate`: requests/s that arrive whatever runs; 0: as many as are answered.
[[nodiscard]] AtDecodes at_decodes(const Replica& replica, double decodes, double rate = 0);

/// The prompt lengths where means alone matter: their mean where every prompt fits one step, else all nodes.
[[nodiscard]] LengthNodes coarse_inputs(const LengthLaw& lengths, const AtDecodes& at);

/// Mean over requests of ceil(n/C'): steps a prompt needs when it starts a step.
[[nodiscard]] double steps_of_prompt(const Replica& replica, const AtDecodes& at);

/// share(a): part of the steps that carry prompt tokens when `a` prompts come per step.
///   mixed, D < 1: min(1, max(1 - e^-a, a D));  D >= 1: min(1, aD + max(a s1 - aD, 0) max(1 - aD, 0)), s1 of above.
///   prefill first: prompt batches per decode step, max(aD, sum Poisson(k; a) batches of k prompts).
[[nodiscard]] double prompt_step_share(const Replica& replica, const AtDecodes& at, double arrivals);

/// Extra seconds of a prompt of I tokens beyond its tokens' share: attention grows with its square.
struct HeavyPrompts {
    double slope = 0;        // seconds per attended pair
    double mean_pairs = 0;   // sum w_j A(I_j)
    double cv2 = 0;          // c_S: squared variation of the prompt seconds
    [[nodiscard]] double extra(const LengthLaw& law, double input) const {
        const double n = (1 - law.hit) * input;
        return slope * (law.attended_by(input) - n / law.prompt * mean_pairs);
    }
};
[[nodiscard]] HeavyPrompts heavy_prompts(const Replica& replica, const AtDecodes& at);

/// How finely the prompts that came along are summed over: every count, or three points of the same mean and variance.
enum class Companions { every, three };

/// Time from the start of the first step that may take a prompt of n tokens until its first token, when k ~ Poisson(mu)
/// others came in the same step, i = 0..k of them before it: z = n + i P, full = floor(z/C') steps of tC, then one of
/// min(C', rest + (k - i) P). Calls sink(weight, seconds); weights sum to one up to the 1e-4 left out.
template <class Sink>
void own_time(const Replica& r, const AtDecodes& at, double n, double mu, Companions detail, Sink sink) {
    const double prompt = r.lengths.prompt;
    const auto value = [&](double others, double before) {
        const double z = n + before * prompt;
        const double full = std::floor(z / at.budget);
        const double last = z - full * at.budget + (others - before) * prompt;
        return full * at.full + (last > 0 ? at.prompts(std::min(at.budget, last)) : 0);
    };
    const auto spread = [&](double others, double weight) {
        if (others <= 5 && others == std::floor(others)) {
            for (double i = 0; i <= others; ++i) sink(weight / (others + 1), value(others, i));
            return;
        }
        constexpr double positions[] = {1.0 / 12, 3.0 / 12, 5.0 / 12, 7.0 / 12, 9.0 / 12, 11.0 / 12};
        for (const double p : positions) sink(weight / 6, value(others, p * others));
    };
    if (mu > (detail == Companions::every ? 30 : 3)) {
        const double away = 1.7320508075688772 * std::sqrt(mu);
        spread(mu, 4.0 / 6);
        spread(mu - away, 1.0 / 6);
        spread(mu + away, 1.0 / 6);
        return;
    }
    const double least = detail == Companions::every ? 1e-4 : 1e-3;
    double p = std::exp(-mu);
    for (double k = 0; k < mu + 60; ++k) {
        if (k > 0) p *= mu / k;
        if (p > least)
            spread(k, p);
        else if (k > mu)
            break;
    }
}
[[nodiscard]] double mean_own_time(const Replica& replica, const AtDecodes& at, double n, double mu,
                                   Companions detail = Companions::every);

}   // namespace moecost
