// SPDX-License-Identifier: Apache-2.0
// The distributions of lengths that a named traffic, or one of means alone, stands for.
#pragma once

#include "moecost/traffic/lengths.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

class Reader;

/// The distributions of a traffic file (load_traffic), with its means: its table [lengths], else those of lengths_of().
///   law = "quantiles": input and output at `levels`;  "uniform": [lowest, highest];  "lognormal": input and output
///   are coefficients of variation.
[[nodiscard]] Lengths load_lengths(const DataStore& data, std::string_view name);

/// The table [lengths] of a traffic file onto the means of its traffic.
[[nodiscard]] Lengths lengths_from(const Reader& table, const Traffic& traffic);

/// The lengths of a Traffic: equal; its shape scaled to its means; without one uniform from 0.8 of the largest on, as
/// the public benchmarks draw them.
[[nodiscard]] Lengths lengths_of(const Traffic& traffic);

}   // namespace moecost
