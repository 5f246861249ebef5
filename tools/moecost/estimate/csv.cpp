// SPDX-License-Identifier: Apache-2.0
// An estimate as one CSV row for each deployment: every input, every figure, p10 and p90 where they are known. Six
// significant digits, as in the rows of a sweep.
#include <array>
#include <cmath>

#include "estimate/estimate.h"
#include "moecost/base/format.h"
#include "moecost/base/number_text.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

struct Fields {
    std::vector<std::string> keys;
    std::vector<Cell> cells;
    void text(std::string key, std::string_view value) {
        keys.push_back(std::move(key));
        cells.push_back(value.empty() ? no_cell() : text_cell(value));
    }
    void number(std::string key, double value) {
        keys.push_back(std::move(key));
        cells.push_back(std::isfinite(value) ? number_cell(rounded(value, 6), {}) : no_cell());
    }
};

void add_inputs(Fields& f, const EstimateAnswer& a) {
    const View view = a.view();
    for (const Input& input : inputs()) {
        const std::string key = column_of(input);
        if (a.scenario && input.number != nullptr) {
            f.number(key, input.number(view));
        } else if (a.scenario && input.text != nullptr) {
            f.text(key, input.text(view));
        } else {
            std::string all;
            for (const std::string& text : texts_of(a.description, input))
                all.append(all.empty() ? "" : " ").append(text);
            f.text(key, all);
        }
    }
}

bool is_input(std::string_view key) {
    const Input* input = input_named(key);
    return input != nullptr && column_of(*input) == key;
}

void add_figures(Fields& f, const EstimateAnswer& a) {
    const View view = a.view();
    const bool known = a.estimate.has_value();
    for (const Figure& figure : figures()) {
        const std::string key(figure.key);
        if (is_input(key)) continue;
        if (figure.text != nullptr)
            f.text(key, known ? figure.text(view) : std::string_view());
        else if (figure.kind == FigureKind::flag)
            f.text(key, !known ? "" : figure.number(view) != 0 ? "true" : "false");
        else
            f.number(key, known ? figure.number(view) : std::nan(""));
        if (figure.interval == nullptr) continue;
        const Interval i = known ? figure.interval(view) : Interval{};
        f.number(std::string(key).append("_p10"), i.known() ? i.low : std::nan(""));
        f.number(std::string(key).append("_p90"), i.known() ? i.high : std::nan(""));
    }
}

}   // namespace

std::string estimate_csv(const std::vector<EstimateAnswer>& answers) {
    Sheet sheet;
    std::vector<std::string> keys;   // that the columns point into
    for (const EstimateAnswer& a : answers) {
        Fields f;
        add_inputs(f, a);
        add_figures(f, a);
        f.text("infeasible", a.estimate ? std::string() : to_text(a.why));
        if (keys.empty()) keys = f.keys;
        sheet.rows.push_back(f.cells);
    }
    for (const std::string& key : keys) sheet.columns.push_back({key, key, false});
    return print(sheet, Format::csv);
}

}   // namespace moecost::cli
