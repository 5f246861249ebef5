// SPDX-License-Identifier: Apache-2.0
// Sizes as text: whole numbers without exponent, as tables spell them ("1000000", never "1e+06").
#pragma once

#include <cmath>
#include <string>

#include "moecost/base/format.h"

namespace microbench {

[[nodiscard]] inline std::string plain_number(double value) {
    const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
    return whole ? moecost::fixed(value, 0) : moecost::shortest(value);
}

}   // namespace microbench
