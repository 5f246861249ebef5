// SPDX-License-Identifier: Apache-2.0
// Errors in the form in which simulators of serving publish theirs.
#pragma once

#include <string>
#include <vector>

#include "moecost/validate/validate.h"

namespace moecost::cli {

/// Mean absolute errors in % of throughput, TPOT and TTFT (means, and 99th percentiles where they were measured) for each
/// engine, model and accelerator, with the rows predicted of those that `points` hold. A mean follows its worst rows where a
/// median does not: the table above is the fairer judge.
[[nodiscard]] std::string published_form(const std::vector<MeasuredPoint>& points,
                                         const Validation& validation);

}   // namespace moecost::cli
