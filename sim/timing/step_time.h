// SPDX-License-Identifier: Apache-2.0
// Seconds of a forward step.
#pragma once

#include <array>

#include "moecost/hardware/profile/profile.h"
#include "moecost/ops/operation.h"
#include "moecost/ops/step_shape.h"
#include "moecost/timing/timed.h"

namespace moecost {

struct StepTime {
    Seconds total;
    std::array<Seconds, op_class_count> by_class{};
    Seconds compute_busy;   // FLOP at datasheet peak: how long the tensor cores would need
    Seconds memory_busy;    // bytes at datasheet bandwidth
    Seconds roofline;       // sum of the operations' rooflines: no step is faster
    Seconds extrapolated;   // of operations outside the range of their fit
    Provenance provenance = Provenance::calibrated;
    /// What a served engine makes of it: so many times as long, but no step is faster than its roofline.
    [[nodiscard]] Seconds served(double factor) const { return max(factor * total, min(roofline, total)); }
};

struct TimedOperation {
    Operation operation;
    Work work;
    Timed timed;   // of one execution; the step runs `operation.count` of them
};

}   // namespace moecost
