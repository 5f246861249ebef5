// SPDX-License-Identifier: Apache-2.0
// A scenario of two pools as the laws of serving/two_pools.h see it.
#pragma once

#include "moecost/estimate/estimate.h"
#include "moecost/serving/two_pools.h"
#include "moecost/timing/step_plan.h"
#include "moecost/timing/step_time.h"

namespace moecost {

class StepTimer;

/// The steps that a load runs in one pool: prompts alone or decodes alone are those of a pool that does nothing else where
/// its experts go through an all-to-all, as in the runs that taught such pools (four of prompts alone: 5 % then, 38 %
/// by the constants of whole requests). Without one, they are those of whole requests (four of Qwen3 on H20: 9 %, not 33).
[[nodiscard]] Phase phase_of(const Load& load, const Layout& layout);
/// The spread and the interval of each figure, by what the deployment is known from and the shares of its time beyond the
/// fitted ranges.
void add_intervals(const Scenario& scenario, Estimate& estimate);
/// What a step of prompts takes of its law where a pool computes nothing else.
[[nodiscard]] double prompts_alone(const Pool& pool);
/// What prompt work of the scenario takes of its law in a served engine.
[[nodiscard]] double prompt_factor(const Scenario& scenario);

/// Bytes per second that one GPU of a pool sends or receives a cache with: the transfer that is stated, else link_share of
/// the slower pool's network, or of the scale-up link where both pools lie in one domain of one kind.
[[nodiscard]] BytesPerSecond transfer_bandwidth(const Scenario& scenario);

/// Steps of a prefill worker: seconds of `tokens` prompt tokens.
///   tokens of a step: whole prompts, floor(C/P) P on each rank; C where a prompt is longer
///   seconds = prompts t(0, tokens), times prompts_across where the all-reduce leaves the domain
class PromptSteps {
  public:
    PromptSteps(StepTimer& timer, const Pool& pool, const Traffic& traffic);
    [[nodiscard]] double seconds(double tokens);
    /// `prompts` of `prompt` tokens at once on an idle worker, one rank each: chunks follow each other through the stages.
    [[nodiscard]] double lone(double prompts, double prompt);
    [[nodiscard]] StepShape shape(double tokens) const;
    [[nodiscard]] double full_tokens() const;
    [[nodiscard]] double full_prompts() const { return full_tokens() / prompt_; }

  private:
    StepTimer& timer_;
    const Pool& pool_;
    double prompt_;   // P
    double prior_;
    double chunk_;   // C, of one rank
    double across_;
};

/// Steps of a decode worker.
class DecodeSteps {
  public:
    DecodeSteps(StepTimer& timer, const Pool& pool, const Traffic& traffic);
    [[nodiscard]] double seconds(double sequences);
    [[nodiscard]] StepShape shape(double sequences) const;

  private:
    StepTimer& timer_;
    const Pool& pool_;
    double context_;
};

/// The pools for the laws; refers to the steps, which must outlive it. `slots`: sequences that fit a decode worker.
[[nodiscard]] TwoPools two_pools_of(const Scenario& scenario, PromptSteps& prompts, DecodeSteps& decode,
                                    double slots);

/// The distributions behind an estimate of two pools, by the closed form.
[[nodiscard]] Expected<ServingLatency> latency_of_pools(const Scenario& scenario, const Estimate& estimate);
/// The load of two pools on the event simulator: an estimate with its distributions. Infeasible: as evaluate(), and loads
/// that have no requests to simulate.
[[nodiscard]] Expected<Estimate> simulated_pools(const Scenario& scenario, const SimulatedLoad& options);

/// evaluate() of a scenario of two pools.
[[nodiscard]] Expected<Estimate> evaluate_pools(const Scenario& scenario, const WeightBytes& weights);

}   // namespace moecost
