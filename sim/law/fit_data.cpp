// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/fit_data.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

/// One axis of the data: its column, its domain, where its value goes.
struct Axis {
    std::string_view name;
    bool needed;
    double low;
    double high;
    std::optional<AxisRange> TrainingRange::*range;
    double Variables<double>::*value;
    bool logarithmic;
};

std::vector<Axis> axes_of(LossForm form) {
    const Axes& a = info(form).axes;
    constexpr double huge = 1e300;
    return {
        {"N", a.n, 1e-300, huge, &TrainingRange::n, &Variables<double>::ln_n, true},
        {"D", a.d, 1e-300, huge, &TrainingRange::d, &Variables<double>::ln_d, true},
        {"E", a.experts, 1, 1e9, &TrainingRange::experts, &Variables<double>::experts, false},
        {"G", a.granularity, 1e-300, huge, &TrainingRange::granularity, &Variables<double>::granularity,
         false},
        {"A", a.active, 1e-300, 1, &TrainingRange::active, &Variables<double>::active, false},
        {"S", a.shared, 0, 1, &TrainingRange::shared, &Variables<double>::shared, false},
    };
}

std::string column_name(const RunSelection& selection, std::string_view axis) {
    const auto it = selection.columns.find(axis);
    return it == selection.columns.end() ? std::string(axis) : it->second;
}

double field(const CsvTable& table, std::size_t row, std::size_t column, double low, double high) {
    const auto value = table.number(row, column);
    if (!value) table.fail(row, column, "is empty");
    if (*value < low || *value > high) {
        table.fail(
            row, column,
            low < 0.5 ? (high > 1 ? "must be positive" : "must lie between 0 and 1") : "must be at least 1");
    }
    return *value;
}

bool kept(const CsvTable& table, std::size_t row, const RunSelection& selection) {
    return std::all_of(selection.filters.begin(), selection.filters.end(),
                       [&](const RunSelection::Filter& f) {
                           const std::string_view text = table.text(row, table.column(f.column));
                           return std::find(f.values.begin(), f.values.end(), text) != f.values.end();
                       });
}

void widen(std::optional<AxisRange>& range, double x) {
    if (!range) range = AxisRange{x, x};
    range->low = std::min(range->low, x);
    range->high = std::max(range->high, x);
}

}   // namespace

TrainingRuns read_runs(const CsvTable& table, const std::string& file, LossForm form,
                       const RunSelection& selection) {
    TrainingRuns runs{file, {}, {}};
    std::vector<Axis> axes = axes_of(form);
    axes.erase(std::remove_if(axes.begin(), axes.end(), [](const Axis& a) { return !a.needed; }), axes.end());
    std::vector<std::size_t> columns;
    for (const Axis& axis : axes) columns.push_back(table.column(column_name(selection, axis.name)));
    const std::size_t loss_column = table.column(column_name(selection, "loss"));
    for (std::size_t row = 0; row < table.rows(); ++row) {
        if (!kept(table, row, selection)) continue;
        Observation o{{0, 0, 1, 1, 1, 0}, 0};
        for (std::size_t i = 0; i < axes.size(); ++i) {
            const double x = field(table, row, columns[i], axes[i].low, axes[i].high);
            o.at.*axes[i].value = axes[i].logarithmic ? std::log(x) : x;
            widen(runs.range.*axes[i].range, x);
        }
        o.ln_loss = std::log(field(table, row, loss_column, 1e-300, 1e300));
        runs.rows.push_back(o);
    }
    if (runs.rows.empty()) {
        throw InputError({file}, {},
                         selection.filters.empty() ? "holds no rows" : "no row passes the filters");
    }
    return runs;
}

}   // namespace moecost
