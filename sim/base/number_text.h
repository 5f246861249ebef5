// SPDX-License-Identifier: Apache-2.0
// Figures as text, fast: a sweep prints ten of them for every point, and shortest round-trip printing would cost as
// much as the evaluation.
#pragma once

#include <cstddef>

namespace moecost {

inline constexpr std::size_t longest_figure = 32;

/// Six significant digits without trailing zeros; whole numbers below 1e15 with all their digits; nothing for a value
/// that is no finite number. `to` has room for longest_figure characters; returns the end.
char* write_figure(char* to, double value);

}   // namespace moecost
