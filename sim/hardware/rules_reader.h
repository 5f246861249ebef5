// SPDX-License-Identifier: Apache-2.0
// What several tables of a rules file share: conditions, lists of formats and of generations. Inner header of the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/hardware/rule_conditions.h"

namespace moecost {

/// What a condition or a {name} of a text names; fails with the nearest that there is.
[[nodiscard]] RuleTerm read_term(const Reader& r, std::string_view key, const std::string& name);
/// A list of conditions; none where the key is absent. New generations are added to the list.
[[nodiscard]] std::vector<Condition> read_conditions(const Reader& r, std::string_view key,
                                                     std::vector<std::string>& generations);
/// Number formats; "any" stands for all.
[[nodiscard]] std::vector<DType> read_formats(const Reader& r, std::string_view key);
/// Key `generations`; empty: ["any"].
[[nodiscard]] std::vector<std::string> read_generations(const Reader& r,
                                                        std::vector<std::string>& generations);

}   // namespace moecost
