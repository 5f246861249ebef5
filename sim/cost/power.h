// SPDX-License-Identifier: Apache-2.0
// Watts of a GPU from what its steps do.
#pragma once

#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/power_law.h"
#include "moecost/serving/serving.h"

namespace moecost {

/// u of one step = min(1, tensor_cores k c/(c + m) + memory m/t): c and m are the seconds of its FLOP and bytes at
/// datasheet peak, t its time, k the share of t in kernels that are neither host time nor communication. The compute
/// term counts time, not FLOP: a compute-bound kernel draws the TDP below the datasheet peak too.
[[nodiscard]] double activity(const StepTime& step, const PowerLaw& law);
/// W = TDP (idle + (1 - idle) busy (p u_prompt + (1 - p) u_decode)), p the share of GPU time for prompts.
[[nodiscard]] Watts power_of(const Serving& serving, const Accelerator& gpu, const PowerLaw& law);

}   // namespace moecost
