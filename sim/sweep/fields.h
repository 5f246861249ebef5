// SPDX-License-Identifier: Apache-2.0
// What can be asked of one point of a sweep by name: inputs and results, for filters, constraints, objectives and
// columns. Names end in their unit; the keys of scenario files and some short forms are known as well.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/estimate/estimate.h"

namespace moecost {

/// One point as far as it is known: `estimate` is null before it is evaluated.
struct PointView {
    const Description* description = nullptr;
    const Scenario* scenario = nullptr;
    const Estimate* estimate = nullptr;
};

enum class FieldStage { input, result };

struct Field {
    std::string_view name;
    std::string_view label;   // for axes of pictures, with unit
    FieldStage stage = FieldStage::input;
    double (*number)(const PointView&) = nullptr;   // null: a text. Not-a-number where it has no meaning
    std::string_view (*text)(const PointView&) = nullptr;
};
[[nodiscard]] std::span<const Field> field_table();
/// By name or by short form (isl, ttft, tpot, ...); null when there is none.
[[nodiscard]] const Field* field_named(std::string_view name);
/// All names and short forms.
[[nodiscard]] std::vector<std::string> field_names();

}   // namespace moecost
