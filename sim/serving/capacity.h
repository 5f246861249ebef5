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

/// The three answers together, for a person who asks what memory can hold.
struct Capacity {
    double sequences = 0;            // asked: at once, of an instance
    double context = 0;              // asked: tokens of each
    double max_context = 0;          // that `sequences` may hold at once; 0: not one token each
    double max_sequences = 0;        // of `context` tokens; 0: not one
    Expected<int> smallest_tp = 0;   // at which `sequences` of `context` tokens fit, or why none does
};

[[nodiscard]] Capacity capacity_of(const MemoryInput& input, double context, double sequences);

}   // namespace moecost
