// SPDX-License-Identifier: Apache-2.0
// Seconds of one forward step: operations listed (ops/step.h), timed by the law of their kind, summed.
#pragma once

#include <array>
#include <vector>

#include "moecost/ops/step.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/gemm.h"

namespace moecost {

/// One execution of any operation: the calibrated law of its kind, or the roofline where the profile has no tables.
[[nodiscard]] Timed operation_time(const Operation& op, const CalibratedHardware& machine);

struct StepTime {
    Seconds total;
    std::array<Seconds, op_class_count> by_class{};
    Seconds compute_busy;   // FLOP at datasheet peak: how long the tensor cores would need
    Seconds memory_busy;    // bytes at datasheet bandwidth
    Seconds roofline;       // sum of the operations' rooflines: no step is faster
    Provenance provenance = Provenance::calibrated;
};

struct TimedOperation {
    Operation operation;
    Work work;
    Timed timed;   // of one execution; the step runs `operation.count` of them
};

/// What a deployment runs: requests as a whole, or one phase of them (profile.pools.alone).
enum class Phase { both, prefill, decode };

/// Times steps of one deployment. Refers to its arguments, which must outlive it; holds scratch lists, so that
/// steps ask for no memory.
class StepTimer {
  public:
    StepTimer(const Architecture& architecture, const Precision& precision, const Layout& layout,
              const CalibratedHardware& machine, Phase phase = Phase::both);

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
    [[nodiscard]] double skew() const;
    [[nodiscard]] double experts_factor(const Operation& op) const;
    [[nodiscard]] Timed served(const Operation& op, Timed isolated) const;
    [[nodiscard]] Timed time_of(const Operation& op, std::size_t& gemms);
    const Architecture& architecture_;
    const Precision& precision_;
    const Layout& layout_;
    const CalibratedHardware& machine_;
    Phase phase_;
    bool streaming_ = true;
    OperationList operations_;
    InlineVector<GemmPlan, 32>
        gemm_plans_;   // in the order of the list: every step of a deployment has the same GEMMs
};

}   // namespace moecost
