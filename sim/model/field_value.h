// SPDX-License-Identifier: Apache-2.0
// Reads a field of an architecture by the name that what-if edits use: the inverse of apply_edit().
#pragma once

#include <optional>
#include <string_view>

#include "moecost/model/architecture.h"

namespace moecost {

/// The value of a numeric field such as experts, top_k, layers, hidden; flags are 0 or 1. Where several groups have
/// the field, the first that is not 0 counts (multi-token prediction last). Nothing: the architecture has none.
[[nodiscard]] std::optional<double> field_value(const Architecture& architecture, std::string_view key);

}   // namespace moecost
