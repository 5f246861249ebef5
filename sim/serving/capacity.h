// SPDX-License-Identifier: Apache-2.0
// What the memory of a deployment can hold: the longest context at a concurrency, the highest concurrency at a context,
// and the least tensor parallelism at which both fit.
#pragma once

#include "moecost/serving/memory.h"

namespace moecost {

/// Tokens (prompt and output together) that each of `sequences` of an instance may hold at once, in whole pages; never
/// beyond the positions of the model. Infeasible: the weights do not fit, or not one token does.
[[nodiscard]] Expected<double> largest_context(const MemoryInput& input, double sequences);

/// Sequences of an instance that hold `context` tokens at once; never beyond the engine's own limit. Infeasible: not one.
[[nodiscard]] Expected<double> largest_concurrency(const MemoryInput& input, double context);

/// The least tp (1, 2, 4, ... 64, the rest of the layout as given; ep follows it where it spanned the stage) that holds
/// `sequences` of `context` tokens and that the engine launches. Infeasible: none does, and why the last did not.
[[nodiscard]] Expected<int> smallest_tp(const MemoryInput& input, double context, double sequences);

}   // namespace moecost
