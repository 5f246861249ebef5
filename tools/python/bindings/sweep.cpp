// SPDX-License-Identifier: Apache-2.0
// moecost.sweep(): the rows of a grid as columns of numbers in memory, every digit of them. Texts are numbers of a list.
#include "moecost/sweep/sweep.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "moecost/base/parallel.h"
#include "values.h"

namespace moecost::python {
namespace {

namespace py = pybind11;

/// A column of the grid: where its values come from, and whether they are texts.
struct Column {
    const Variable* variable = nullptr;
    const AxisColumn* axis = nullptr;
    std::size_t axis_index = 0;
    [[nodiscard]] bool is_text() const {
        if (axis != nullptr) return axis->kind == AxisKind::name || axis->numbers.empty();
        return variable->known() && !variable->is_number();
    }
};

/// Rows of one block; a text is its place in `texts`.
struct Rows {
    std::vector<std::uint64_t> points;
    std::vector<std::vector<double>> values;   // by column
    std::vector<std::string> texts;
    std::vector<std::string_view> reasons;   // static text; empty: served
    BlockResult result;
};

std::vector<Column> columns_of(const Grid& grid) {
    std::vector<Column> columns;
    for (const Variable& v : grid.columns) {
        Column c;
        c.variable = &v;
        for (std::size_t i = 0; i < grid.axes.size(); ++i) {
            for (const AxisColumn& axis : grid.axes[i].columns) {
                if (axis.name != v.name) continue;
                c.axis = &axis;
                c.axis_index = i;
            }
        }
        columns.push_back(c);
    }
    return columns;
}

double place_of(Rows& rows, std::string_view text) {
    const auto at = std::find(rows.texts.begin(), rows.texts.end(), text);
    if (at == rows.texts.end()) rows.texts.emplace_back(text);
    return static_cast<double>(
        std::distance(rows.texts.begin(), std::find(rows.texts.begin(), rows.texts.end(), text)));
}

double value_of(const Column& c, Rows& rows, const Cursor& at, const View& view) {
    if (c.axis != nullptr) {
        const std::size_t digit = at.digits()[c.axis_index];
        return c.is_text() ? place_of(rows, c.axis->texts[digit]) : c.axis->numbers[digit];
    }
    const Variable& v = *c.variable;
    if (!v.known()) return static_cast<double>(at.point());
    if (view.estimate == nullptr && (v.is_result() || !at.has_inputs())) return std::nan("");
    return v.is_number() ? at.value(v, view) : place_of(rows, v.text()(view));
}

void take_row(const std::vector<Column>& columns, Rows& rows, const Cursor& at, const View& view,
              std::string_view reason) {
    rows.points.push_back(at.point());
    rows.reasons.push_back(reason);
    for (std::size_t i = 0; i < columns.size(); ++i)
        rows.values[i].push_back(value_of(columns[i], rows, at, view));
}

struct Table {
    std::vector<Column> columns;
    std::vector<Rows> blocks;
    SweepCounts counts;
    std::vector<std::uint64_t> frontier;   // points
};

/// Blocks on several threads, each in a slot of its own. A signal of Python stops them all.
void evaluate_blocks(const DataStore& data, const Grid& grid, unsigned threads, Table& table) {
    const Prototypes prototypes(data, grid);
    RowStyle style;
    style.keep_infeasible = grid.keep_infeasible;
    table.blocks.resize(block_count(grid));
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<bool> interrupted{false};
    std::atomic<std::size_t> next{0};
    std::exception_ptr error;
    std::mutex mutex;
    const auto work = [&] {
        try {
            BlockWorker worker(grid, prototypes, style);
            for (std::size_t b = next++; b < table.blocks.size() && !interrupted; b = next++) {
                Rows& rows = table.blocks[b];
                rows.values.resize(table.columns.size());
                worker.hand_rows_to([&](const Cursor& at, const View& view, std::string_view reason) {
                    take_row(table.columns, rows, at, view, reason);
                });
                worker.run(b, rows.result);
                if (std::this_thread::get_id() != caller) continue;
                const py::gil_scoped_acquire lock;
                if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            }
        } catch (...) {
            const std::lock_guard lock(mutex);
            if (!error) error = std::current_exception();
            interrupted = true;
        }
    };
    run_on_threads(std::min<std::size_t>(threads, table.blocks.size()), work);
    if (error) std::rethrow_exception(error);
}

void gather(const Grid& grid, Table& table) {
    Frontier frontier(grid.objectives.size());
    table.counts.filtered.resize(grid.filters.size());
    table.counts.constrained.resize(grid.constraints.size());
    for (const Rows& rows : table.blocks) {
        table.counts.add(rows.result.counts);
        for (const FrontierMember& m : rows.result.candidates) frontier.offer(m);
    }
    if (grid.objectives.empty()) return;
    for (const FrontierMember& m : frontier.sorted()) table.frontier.push_back(m.point);
    std::sort(table.frontier.begin(), table.frontier.end());
}

template <class T, class Get>
py::array_t<T> array_of(const Table& table, std::size_t rows, Get get) {
    py::array_t<T> all(static_cast<py::ssize_t>(rows));
    T* to = all.mutable_data();
    for (const Rows& block : table.blocks) {
        const auto& from = get(block);
        to = std::copy(from.begin(), from.end(), to);
    }
    return all;
}

py::list texts_of(const Table& table, std::size_t column) {
    py::list all;
    for (const Rows& block : table.blocks) {
        std::vector<py::object> known;
        for (const std::string& text : block.texts) known.emplace_back(py::str(text));
        for (const double place : block.values[column]) {
            if (std::isfinite(place))
                all.append(known[static_cast<std::size_t>(place)]);
            else
                all.append(py::none());
        }
    }
    return all;
}

py::list reasons_of(const Table& table) {
    py::list all;
    for (const Rows& block : table.blocks) {
        for (const std::string_view reason : block.reasons) {
            if (reason.empty())
                all.append(py::none());
            else
                all.append(py::str(std::string(reason)));
        }
    }
    return all;
}

py::dict columns_to_python(const Grid& grid, const Table& table, std::size_t rows) {
    py::dict all;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const py::str name(table.columns[i].variable->name);
        if (table.columns[i].is_text())
            all[name] = texts_of(table, i);
        else
            all[name] = array_of<double>(
                table, rows, [i](const Rows& r) -> auto& { return r.values[i]; });
    }
    if (grid.keep_infeasible) all["infeasible"] = reasons_of(table);
    return all;
}

py::dict tallies(const std::vector<Expression>& conditions, const std::vector<std::uint64_t>& counts) {
    py::dict all;
    for (std::size_t i = 0; i < conditions.size(); ++i) all[py::str(conditions[i].text)] = counts[i];
    return all;
}

py::dict to_python(const Grid& grid, const Table& table) {
    std::size_t rows = 0;
    for (const Rows& block : table.blocks) rows += block.points.size();
    py::dict answer;
    answer["columns"] = columns_to_python(grid, table, rows);
    answer["points"] = array_of<std::uint64_t>(
        table, rows, [](const Rows& r) -> auto& { return r.points; });
    answer["frontier"] = grid.objectives.empty() ? py::object(py::none()) : py::cast(table.frontier);
    answer["all_points"] = table.counts.points;
    answer["served"] = table.counts.rows;
    py::dict infeasible;
    for (const auto& [reason, count] : table.counts.infeasible) infeasible[py::str(reason)] = count;
    answer["infeasible"] = infeasible;
    answer["filtered"] = tallies(grid.filters, table.counts.filtered);
    answer["constrained"] = tallies(grid.constraints, table.counts.constrained);
    return answer;
}

/// A grid as text of TOML or JSON; `file` stands in messages.
py::dict sweep(const std::string& text, const std::string& file, unsigned threads,
               const std::string& data_dir) {
    Table table;
    Grid grid;
    {
        const py::gil_scoped_release others_run;
        const DataStore data(data_dir);
        grid = read_grid(data, parse_document(text, file));
        if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
        table.columns = columns_of(grid);
        evaluate_blocks(data, grid, threads, table);
        gather(grid, table);
    }
    return to_python(grid, table);
}

}   // namespace

void bind_sweep(py::module_& m) {
    m.def("sweep", sweep, py::arg("text"), py::arg("file"), py::arg("threads"), py::arg("data_dir"));
}

}   // namespace moecost::python
