// SPDX-License-Identifier: Apache-2.0
// Seconds of a step as a function of what it carries, remembered at grid points so that millions of steps cost few
// evaluations of the real law.
#pragma once

#include <functional>
#include <vector>

#include "moecost/hardware/profile/profile.h"
#include "moecost/ops/layout.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

class StepTimer;

/// t(B, K, P, A): seconds of a step with B decoding sequences (each with its drafts), K the sum of their contexts, P
/// prompt tokens and A attended (query, key) pairs of those: n tokens after p earlier ones attend n p + n (n + 1)/2.
using StepFunction =
    std::function<double(double decodes, double contexts, double prompt_tokens, double attended)>;

/// The steps of a deployment: prompt work of the served engine is prefill_factor times what the kernels take,
///   t(B, 0) + pre (t(B, P) - t(B, 0)) where prompts share steps with decodes, pre t(0, P) where they do not.
/// Refers to its arguments, which must outlive it. The calls are of the means of the traffic: mean prompt, its prior.
[[nodiscard]] StepFunction step_function(StepTimer& timer, const ServingConstants& constants,
                                         const EngineSettings& settings, const Layout& layout,
                                         const Traffic& traffic);

/// Grid over decodes (every number up to `decodes`, then that many per factor e), prompt tokens (the same from
/// `prompt_tokens` on) and contexts.
struct StepGrid {
    double decodes = 64;
    double prompt_tokens = 8;   // width of the first intervals
    double prompts = 12;        // of them before the grid becomes logarithmic: ratio 1 + 1/12
};
/// t(B, K, P, A) = d(B, K/B) + e(B, P) + s(P) (A - P keys): d and e at grid points, linear between (contexts on a
/// grid of ratio 1.5 about the mean), s the slope in attended pairs. Filled as it is asked.
class StepTable {
  public:
    /// `context` and `keys`: mean context of a decode and mean keys of a prompt token, where the law is asked.
    StepTable(StepFunction exact, double context, double keys, StepGrid grid = {});
    [[nodiscard]] double time(double decodes, double contexts, double prompt_tokens, double attended);
    /// Every step from the law itself (to test the grid).
    void ask_exactly() { exactly_ = true; }
    /// Evaluations of the law so far.
    [[nodiscard]] long evaluations() const { return evaluations_; }

  private:
    [[nodiscard]] double ask(double decodes, double contexts, double prompt_tokens, double attended);
    [[nodiscard]] double decode_node(std::size_t b, std::size_t context);
    [[nodiscard]] double decode_at(std::size_t b, double context);
    [[nodiscard]] double excess_node(std::size_t b, std::size_t p);
    [[nodiscard]] double excess(double decodes, double prompt_tokens);
    [[nodiscard]] double attended_slope(double prompt_tokens, double decodes);
    StepFunction exact_;
    double context_;
    double keys_;
    StepGrid grid_;
    bool exactly_ = false;
    long evaluations_ = 0;
    std::vector<std::vector<double>> decode_;   // by decodes, by context; negative: not asked yet
    std::vector<std::vector<double>> excess_;   // by decodes, by prompt tokens
    std::vector<double> slope_;                 // by prompt tokens
};

}   // namespace moecost
