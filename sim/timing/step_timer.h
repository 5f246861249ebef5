// SPDX-License-Identifier: Apache-2.0
// Seconds of one forward step: operations listed (ops/step.h), timed by the law of their kind, summed.
#pragma once

#include <array>
#include <vector>

#include "moecost/ops/step.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_plan.h"
#include "moecost/timing/step_time.h"

namespace moecost {

/// Times steps of one deployment. Refers to its arguments, which must outlive it; holds scratch lists, so that
/// steps ask for no memory. What steps share lies in `kept`, where it is given: a plan that was built before is that of the
/// same architecture, formats, layout, machine and phase.
class StepTimer {
  public:
    StepTimer(const Architecture& architecture, const Precision& precision, const Layout& layout,
              const CalibratedHardware& machine, Phase phase = Phase::both, KeptPlan kept = {});

    /// Seconds of one step of this shape, host time included. Kernels take what the served engine makes of them: behind
    /// an all-to-all profile.pools.wide, in a pool of one phase profile.pools.alone. With batch overlap two half batches:
    ///   t = max(2 straggler (t_half - x_half), 2 x_half) + host,  x the part in communication. With pipeline stages: the time one token of each of
    /// the `pp` micro-batches in flight needs through all stages.
    [[nodiscard]] StepTime time(const StepShape& shape);
    /// The same step, operation by operation.
    [[nodiscard]] std::vector<TimedOperation> explain(const StepShape& shape);
    /// Host time of a step: host + (host_per_sequence + stream_per_sequence) B queries/attention_dp (every row of logits is sampled, drafted ones
    /// too), and where it carries prompts prompt_step + prompt_step_layer layers: no graph of such steps is kept.
    /// A compiled engine launches every step ahead of its kernels: only what they do not cover is added.
    [[nodiscard]] Seconds host_time(const StepShape& shape) const;

    /// Nobody waits for single tokens: none is streamed.
    void without_streaming() { streaming_ = false; }

  private:
    [[nodiscard]] StepShape micro_batch(const StepShape& shape) const;
    [[nodiscard]] StepTime kernels(const StepShape& part);
    [[nodiscard]] StepTime overlapped(StepShape part);
    [[nodiscard]] Seconds late_launches(Seconds kernels) const;
    [[nodiscard]] StepTime step_of(const StepSums& sums) const;
    [[nodiscard]] StepPlan& plan();
    void add_listed(const StepShape& part, Listed listed, StepSums& sums);
    void add_planned(const StepShape& part, StepSums& sums);
    const Architecture& architecture_;
    const Precision& precision_;
    const Layout& layout_;
    const CalibratedHardware& machine_;
    Phase phase_;
    double skew_;
    KeptPlan kept_;
    bool streaming_ = true;
    OperationList operations_;
    StepPlan own_;
    FewGemms few_;
};

}   // namespace moecost
