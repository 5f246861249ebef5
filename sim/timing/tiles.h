// SPDX-License-Identifier: Apache-2.0
// Whole tiles that cover a length.
#pragma once

#include "moecost/base/numerics.h"

namespace moecost {

/// Smallest whole number of tiles that covers x of them. Rows are means and quotients: what rounding leaves beyond a whole
/// number opens no further tile.
[[nodiscard]] inline double whole_tiles(double x) { return ceil_positive(x - 1e-9); }

}   // namespace moecost
