// SPDX-License-Identifier: Apache-2.0
// A grid of scenarios as a person writes it:
//
//   keep_infeasible = false
//   filter     = ["gpus % tp == 0", "ep <= experts"]         # on inputs, before evaluation
//   constraint = ["ttft <= 2", "tpot <= 0.05"]               # on results
//   columns    = ["gpu", "tp", "usd_per_mtok_output"]        # absent: the axes and the usual results
//   frontier   = { maximise = ["tokens_per_s_per_user", "output_tokens_per_s_per_gpu"] }   # 2 to 4 objectives
//
//   [scenario]                     # the keys of scenario files; or scenario = "FILE.toml"
//   model = "deepseek-v3"
//
//   [[axis]]                       # any key of a scenario (with a family: size, experts, ...), set.FIELD (what-if
//                                  # edit) or gpu.FIGURE
//   key = "tp"
//   values = [1, 2, 4, 8]          # or range = { from, to, step }, or log_range = { from, to, points, round }
//   [[axis]]
//   keys = ["gpu", "price"]        # keys that move together: one row of values for each key
//   values = [["h100_sxm", "h200_sxm"], [2.5, 3.2]]
//
// Points are numbered from 0, the last axis turns fastest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/expression.h"
#include "moecost/base/value.h"
#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
#include "moecost/hardware/accelerator_parameters.h"
#include "moecost/hardware/price.h"

namespace moecost {

enum class AxisKind {
    name,     // models, accelerators, engines, formats: read from data, once for each combination
    number,   // a number of the description
    member,   // size, experts, top-k, ...: a choice among the members of a family
    edit,     // set.FIELD: a what-if edit of the architecture
    gpu       // gpu.FIGURE
};

/// One key of an axis and its values.
struct AxisColumn {
    std::string key;    // of an input, an edit, or a figure of the accelerator
    std::string name;   // column of the output
    AxisKind kind = AxisKind::name;
    std::vector<std::string> texts;
    std::vector<double> numbers;   // of the same values; not for names
    Location where;
    const Input* input = nullptr;
    const GpuFigure* figure = nullptr;
};

struct Axis {
    std::vector<AxisColumn> columns;
    std::size_t size = 0;
};

/// What a name stands for: exactly one of the four.
struct Variable {
    std::string name;
    const Input* input = nullptr;
    const Figure* figure = nullptr;
    const GpuFigure* gpu = nullptr;
    int model_field = -1;   // index into Grid::model_fields

    [[nodiscard]] bool known() const {
        return input != nullptr || figure != nullptr || gpu != nullptr || model_field >= 0;
    }
    /// How a point shows it; null: it is a text, or a figure of the accelerator or the model.
    [[nodiscard]] double (*number() const)(const View&) {
        return input != nullptr ? input->number : figure != nullptr ? figure->number : nullptr;
    }
    [[nodiscard]] std::string_view (*text() const)(const View&) {
        return input != nullptr ? input->text : figure != nullptr ? figure->text : nullptr;
    }
    [[nodiscard]] bool is_number() const { return known() && text() == nullptr; }
    [[nodiscard]] bool is_result() const { return figure != nullptr && figure->stage != FigureStage::input; }
    [[nodiscard]] bool is_tail() const { return figure != nullptr && figure->stage == FigureStage::tails; }
};

struct Objective {
    std::size_t variable = 0;   // index into Grid::variables
    bool maximise = false;
};

struct Grid {
    std::string file;
    Description base;
    std::vector<Axis> axes;
    std::uint64_t points = 0;
    std::vector<Variable> variables;         // of all expressions and objectives
    std::vector<std::string> model_fields;   // fields of the architecture that are asked for
    std::vector<Expression> filters;
    std::vector<Expression> constraints;
    std::vector<Variable> columns;       // the name "point" stands for the number of the point
    std::vector<Objective> objectives;   // empty: no frontier
    PriceLevel prices;                   // of accelerators on an axis whose prices nobody states
    bool keep_infeasible = false;
    bool tails = false;       // a name asks for distributions
    std::uint64_t hash = 0;   // of everything above: comments and layout of the file do not count
};

/// A size that every family has a member of: stands for a size that an axis brings.
inline constexpr double usual_member_size = 7e9;
inline constexpr std::uint64_t max_grid_points = 1'000'000'000'000;

/// InputError with the position of what is wrong. Names of models, accelerators and engines are looked up in `data`.
[[nodiscard]] Grid read_grid(const DataStore& data, const Document& document);

/// What a name stands for, not known() when it is nothing a point has. A field of the model is added to
/// Grid::model_fields.
[[nodiscard]] Variable resolve_variable(Grid& grid, std::string_view name,
                                        const std::vector<std::string>& model_keys);

/// Values of one axis column: a list, a range or a logarithmic range, as texts. Inner function of the reader.
[[nodiscard]] std::vector<std::string> axis_values(const Reader& axis);
/// An objective some of whose values name a percentile: "p95:2s".
[[nodiscard]] bool has_percentiles(const AxisColumn& column);
[[nodiscard]] std::vector<std::string> list_of_texts(const Reader& axis, std::string_view key,
                                                     const Value& list);
/// Why an input cannot be an axis, and what to write instead; empty: it can.
[[nodiscard]] std::string_view no_axis_reason(const Input& input);
/// Fills kind, numbers and figure of a column, and checks each value where it can be checked alone.
void classify_column(const DataStore& data, const Description& base, AxisColumn& column);

}   // namespace moecost
