// SPDX-License-Identifier: Apache-2.0
// A difference for programs: schema moecost.diff/1, and CSV with a row for each input and figure.
#include <cmath>

#include "diff/diff.h"
#include "moecost/base/json_writer.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

void number_or_null(JsonWriter& json, std::string_view key, double value) {
    if (std::isfinite(value))
        json.number(key, value);
    else
        json.null(key);
}

void write_side(JsonWriter& json, std::string_view key, const Side& side, const EstimateAnswer& answer) {
    json.begin_object(key);
    json.text("name", side.name);
    write_estimate(json, "estimate", answer);
    json.begin_array("recorded_otherwise");
    for (const Stale& x : stale_figures(side, answer)) {
        json.begin_object();
        json.text("figure", x.figure->key);
        json.number("recorded", x.recorded);
        number_or_null(json, "now", x.now);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

void write_inputs(JsonWriter& json, const Difference& d) {
    json.begin_array("inputs");
    for (const Input* input : d.inputs) {
        json.begin_object();
        json.text("input", column_of(*input));
        json.text("a", value_of(*input, d.answer_a));
        json.text("b", value_of(*input, d.answer_b));
        json.end_object();
    }
    json.end_array();
}

void write_changes(JsonWriter& json, const Difference& d) {
    json.begin_array("figures");
    for (const Figure& f : figures()) {
        if (f.number == nullptr || f.stage != FigureStage::result || f.kind == FigureKind::flag) continue;
        if (is_split_unlike(d, f)) continue;
        const double a = f.number(d.answer_a.view());
        const double b = f.number(d.answer_b.view());
        if ((std::isnan(a) && std::isnan(b)) || a == b) continue;
        json.begin_object();
        json.text("figure", f.key);
        number_or_null(json, "a", a);
        number_or_null(json, "b", b);
        json.end_object();
    }
    json.end_array();
}

void write_explained(JsonWriter& json, const Difference& d) {
    json.begin_array("explained");
    for (std::size_t i = 0; i < d.explained.size(); ++i) {
        json.begin_object();
        json.text("figure", d.explained[i]->key);
        number_or_null(json, "change", change_of(d, i));
        json.begin_array("moves");
        for (const Move& m : d.moves) {
            json.begin_object();
            json.text("inputs", name_of(m));
            number_or_null(json, "alone", m.alone[i]);
            number_or_null(json, "last", m.last[i]);
            json.text("cannot_run_alone", m.why);
            json.end_object();
        }
        json.end_array();
        number_or_null(json, "interaction", interaction_of(d, i));
        json.end_object();
    }
    json.end_array();
}

Cell cell(double value) { return std::isfinite(value) ? number_cell(value, {}) : no_cell(); }

}   // namespace

std::string diff_json(const Difference& d) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.diff/1");
    json.text("version", MOECOST_VERSION);
    json.flag("feasible", d.possible());
    if (!d.prices.empty()) json.text("prices", d.prices);
    write_inputs(json, d);
    if (d.possible()) {
        write_explained(json, d);
        write_changes(json, d);
    }
    write_side(json, "a", d.a, d.answer_a);
    write_side(json, "b", d.b, d.answer_b);
    json.end_object();
    return json.str();
}

std::string diff_csv(const Difference& d) {
    Sheet sheet;
    sheet.columns = {{"figure", ""}, {"inputs", ""}, {"alone", ""}, {"last", ""}};
    const auto add = [&](std::size_t i, std::string_view name, double alone, double last) {
        sheet.rows.push_back({text_cell(d.explained[i]->key), text_cell(name), cell(alone), cell(last)});
    };
    if (!d.possible()) return print(sheet, Format::csv);
    for (std::size_t i = 0; i < d.explained.size(); ++i) {
        for (const Move& m : d.moves) add(i, name_of(m), m.alone[i], m.last[i]);
        add(i, "interaction", interaction_of(d, i), std::nan(""));
        add(i, "all", change_of(d, i), change_of(d, i));
    }
    return print(sheet, Format::csv);
}

}   // namespace moecost::cli
