// SPDX-License-Identifier: Apache-2.0
// moecost calibrate --serving and --serving-rows: what served points say beyond kernel timings.
#pragma once

#include "command.h"

namespace moecost::cli {

/// Today, for the files that are written.
[[nodiscard]] std::string calibration_date();

/// A person's own runs: the effects they move, and an own profile with -o FILE.toml.
[[nodiscard]] Answer run_own_runs(const Invocation& invocation);
/// The shipped constants, effects and spreads anew from tables of served points, with what they miss when left out.
[[nodiscard]] Answer run_serving_rows(const Invocation& invocation);

}   // namespace moecost::cli
