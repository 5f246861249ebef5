// SPDX-License-Identifier: Apache-2.0
// The tables of inputs, figures and measured columns as sheets: what can be set, what an answer can say, what a
// measured run may state.
#include <cmath>

#include "list/list.h"
#include "moecost/base/format.h"
#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
#include "moecost/measured/columns.h"
#include "moecost/sweep/grid.h"

namespace moecost::cli {
namespace {

std::string joined(std::span<const std::string_view> names) {
    std::string s;
    for (const std::string_view name : names) {
        if (!name.empty()) s.append(s.empty() ? "" : " ").append(name);
    }
    return s;
}

Cell or_dash(std::string_view text) {
    Cell cell = text_cell(text);
    if (text.empty()) cell.shown = "-";
    return cell;
}

Cell end_of_range(const Input& input, double Range::*end) {
    const bool known = is_numeric(input.kind) && input.kind != InputKind::toggle;
    return known ? number_cell(input.range.*end, {}) : no_cell();
}

std::string_view sweep_use(const Figure& f) {
    if (f.stage == FigureStage::steps)
        return "no";   // steps are told operation by operation in estimate alone
    return f.number == nullptr ? "column" : f.stage == FigureStage::input ? "filter" : "result";
}

}   // namespace

Sheet list_inputs(const DataStore&, const std::string&) {
    Sheet sheet{"moecost.list.inputs/1", "inputs", {}, {}};
    sheet.columns = {{"key", "input"}, {"group", ""},       {"kind", "kind"},    {"unit", "unit"},
                     {"low", ""},      {"high", ""},        {"range", "range"},  {"default", "default"},
                     {"axis", "axis"}, {"why_no_axis", ""}, {"aliases", "also"}, {"help", "what it is"}};
    for (const Input& input : inputs()) {
        const std::string_view why = no_axis_reason(input);
        sheet.rows.push_back({text_cell(input.key), text_cell(input.group), text_cell(name_of(input.kind)),
                              or_dash(unit_of(input.kind)), end_of_range(input, &Range::low),
                              end_of_range(input, &Range::high),
                              or_dash(input.choices.empty() ? range_text(input) : std::string(input.choices)),
                              or_dash(input.usual), text_cell(why.empty() ? "yes" : "no"), text_cell(why),
                              or_dash(joined(input.aliases)), text_cell(input.help)});
    }
    return sheet;
}

Sheet list_figures(const DataStore&, const std::string&) {
    Sheet sheet{"moecost.list.figures/1", "figures", {}, {}};
    sheet.columns = {{"key", "figure"},          {"alias", "also"},        {"kind", "kind"},
                     {"unit", "unit"},           {"group", "group"},       {"scope", "of"},
                     {"in_sweeps", "in sweeps"}, {"interval", "p10..p90"}, {"label", "what it is"}};
    for (const Figure& f : figures()) {
        sheet.rows.push_back({text_cell(f.key), or_dash(f.alias), text_cell(name_of(f.kind)),
                              or_dash(unit_of(f.kind)), text_cell(name_of(f.group)),
                              text_cell(name_of(f.scope)), text_cell(sweep_use(f)),
                              text_cell(f.interval != nullptr ? "yes" : "no"), text_cell(f.axis)});
    }
    return sheet;
}

Sheet list_columns(const DataStore&, const std::string&) {
    Sheet sheet{"moecost.list.columns/1", "columns", {}, {}};
    sheet.columns = {
        {"name", "column"}, {"kind", "kind"}, {"unit", "unit"}, {"needed", "needed"}, {"help", "what it is"}};
    for (const MeasuredColumn& c : measured_columns()) {
        sheet.rows.push_back({text_cell(c.name), text_cell(name_of(c.kind)), or_dash(c.unit),
                              text_cell(c.needed ? "yes" : "no"), text_cell(c.help)});
    }
    return sheet;
}

}   // namespace moecost::cli
