// SPDX-License-Identifier: Apache-2.0
// The answers of `validate` for runs at a rate, in its three formats.
#pragma once

#include <string>

#include "moecost/validate/rate_points.h"

namespace moecost::cli {

[[nodiscard]] std::string rates_text(const RateValidation& validation);
[[nodiscard]] std::string rates_rows(const RateValidation& validation);
[[nodiscard]] std::string rates_json(const RateValidation& validation);

}   // namespace moecost::cli
