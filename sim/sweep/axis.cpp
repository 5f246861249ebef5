// SPDX-License-Identifier: Apache-2.0
// The values of an axis: lists and ranges as texts, then checked by the kind of their key.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "moecost/base/format.h"
#include "moecost/base/near_names.h"
#include "moecost/base/written_number.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"
#include "moecost/sweep/grid.h"
#include "moecost/traffic/traffic.h"

namespace moecost {
namespace {

constexpr std::size_t max_axis_values = 1'000'000;

std::string text_of(const Reader& axis, std::string_view key, const Value& value) {
    if (const auto* s = std::get_if<std::string>(&value.content)) return *s;
    if (const auto* b = std::get_if<bool>(&value.content)) return *b ? "true" : "false";
    if (const auto* i = std::get_if<std::int64_t>(&value.content)) return std::to_string(*i);
    if (const auto* d = std::get_if<double>(&value.content); d != nullptr && std::isfinite(*d))
        return shortest(*d);
    axis.fail(key, "expected texts, numbers or true/false");
}

/// Twelve digits: 0.1 + 2 x 0.1 reads 0.3.
std::string stepped(double value) {
    std::array<char, 64> buffer{};
    const auto r =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, 12);
    return {buffer.data(), r.ptr};
}

std::vector<std::string> range_values(const Reader& range) {
    range.allow_only({"from", "to", "step"});
    const double from = range.number("from", {});
    const double to = range.number("to", {});
    const double step = range.number_or("step", 1, positive);
    if (to < from) range.fail("to", "is below 'from'");
    const double steps = std::floor((to - from) / step + 1e-9) + 1;
    if (!(steps <= max_axis_values)) range.fail("step", "gives more than 1,000,000 values");
    std::vector<std::string> values;
    for (double i = 0; i < steps; ++i) values.push_back(stepped(from + i * step));
    return values;
}

std::vector<std::string> log_range_values(const Reader& range) {
    range.allow_only({"from", "to", "points", "round"});
    const double from = range.number("from", positive);
    const double to = range.number("to", positive);
    const auto points = range.integer("points", 2, max_axis_values);
    const bool round = range.flag_or("round", false);
    if (to <= from) range.fail("to", "is not above 'from'");
    std::vector<std::string> values;
    for (std::int64_t i = 0; i < points; ++i) {
        const double share = static_cast<double>(i) / static_cast<double>(points - 1);
        const double value = from * std::pow(to / from, share);
        std::string text = round ? stepped(std::round(value)) : stepped(value);
        if (values.empty() || values.back() != text) values.push_back(std::move(text));
    }
    return values;
}

double number_of(const AxisColumn& column, const std::string& text) {
    if (const auto value = plain_number(text)) return *value;
    throw InputError(column.where, column.name, std::string("'").append(text).append("' is not a number"));
}

/// The name that the data knows something by; names that exist nowhere are mistakes, names that do not go together are
/// infeasible points, found later.
std::string known_name(const DataStore& data, const AxisColumn& column, const std::string& text) {
    const std::string_view key = column.input->key;
    if (key == "model")
        (void)load_model(data, text, ImportOptions{.check_keys = false, .weights_stated = true});
    if (key == "family") (void)load_family(data, text);
    if (key == "gpu") {
        const std::string id = load_accelerator(data, text).id;
        return is_path(text) ? text : id;
    }
    if (key == "cluster") (void)load_cluster(data, text);
    if (key == "traffic") (void)load_traffic(data, text);
    const bool basis = key == "price" && !written_dollars(text) && text.find('=') == std::string::npos;
    if ((key != "engine" && !basis) || is_path(text)) return text;
    const auto known = basis ? price_bases(data) : engine_names(data);
    if (std::find(known.begin(), known.end(), text) != known.end()) return text;
    const std::string message =
        basis ? std::string("'").append(text).append("' is no price basis of any accelerator")
              : std::string("no engine is named '").append(text).append("'");
    throw InputError(column.where, column.name, message, name_hint(text, known));
}

/// The table of inputs checks each value and reports it at the axis. Numbers are shown as numbers: "7B" is 7e+09.
void check_values(const DataStore& data, const Description& base, AxisColumn& column) {
    Description scratch = base;
    for (std::string& text : column.texts) {
        Location where = column.where;
        where.key = column.name;
        scratch.load.reset();   // a load of the base is replaced by an axis
        set_input(scratch, *column.input, text, where);
        if (column.kind == AxisKind::name) {
            try {
                text = known_name(data, column, text);
            } catch (const InputError& e) {
                throw placed_at(e, where);
            }
            continue;
        }
        const std::size_t colon = text.find(':');   // of an objective's percentile
        const bool percentile = column.input->kind == InputKind::objective && colon != std::string::npos;
        column.numbers.push_back(
            parse_number(*column.input, percentile ? std::string_view(text).substr(colon + 1) : text, where));
        if (column.input->kind != InputKind::toggle && !percentile) text = shortest(column.numbers.back());
    }
}

void check_figures(AxisColumn& column) {
    column.figure = gpu_figure_named(column.key);
    if (column.figure == nullptr) {
        std::vector<std::string> known;
        for (const GpuFigure& f : gpu_figures()) known.push_back(std::string("gpu.").append(f.name));
        throw InputError(column.where, column.name, "no such figure of an accelerator",
                         name_hint(column.name, known));
    }
    for (const std::string& text : column.texts) {
        const double value = number_of(column, text);
        if (!(value >= column.figure->low && value <= column.figure->high)) {
            std::string message = text;
            message.append(" is not in ").append(shortest(column.figure->low)).append("..");
            throw InputError(column.where, column.name, message.append(shortest(column.figure->high)));
        }
        column.numbers.push_back(value);
    }
}

AxisKind kind_of(const AxisColumn& column) {
    if (column.input->stage == InputStage::member) return AxisKind::member;
    if (column.input->stage == InputStage::names) return AxisKind::name;
    // A price is a number, or the name of a basis.
    const bool all_numbers = std::all_of(column.texts.begin(), column.texts.end(),
                                         [](const std::string& t) { return written_dollars(t).has_value(); });
    return column.input->kind == InputKind::money && !all_numbers ? AxisKind::name : AxisKind::number;
}

}   // namespace

bool has_percentiles(const AxisColumn& column) {
    return column.input != nullptr && column.input->kind == InputKind::objective &&
           std::any_of(column.texts.begin(), column.texts.end(),
                       [](const std::string& t) { return t.find(':') != std::string::npos; });
}

std::vector<std::string> list_of_texts(const Reader& axis, std::string_view key, const Value& list) {
    const auto* items = std::get_if<Value::Array>(&list.content);
    if (items == nullptr) axis.fail(key, "expected a list");
    if (items->empty()) axis.fail(key, "is empty: the grid has no points");
    std::vector<std::string> values;
    for (const Value& item : *items) values.push_back(text_of(axis, key, item));
    return values;
}

std::vector<std::string> axis_values(const Reader& axis) {
    const int given =
        (axis.has("values") ? 1 : 0) + (axis.has("range") ? 1 : 0) + (axis.has("log_range") ? 1 : 0);
    if (given != 1) axis.fail({}, "needs exactly one of values, range, log_range");
    if (axis.has("range")) return range_values(axis.table("range"));
    if (axis.has("log_range")) return log_range_values(axis.table("log_range"));
    return list_of_texts(axis, "values", *axis.raw("values"));
}

/// Every input is an axis but those without a value that could differ from point to point.
std::string_view no_axis_reason(const Input& input) {
    if (std::holds_alternative<EditSlot>(input.slot)) return "write set.FIELD, such as set.experts";
    if (input.kind == InputKind::edit) return "it may be given many times: write it in [scenario]";
    const bool load = std::holds_alternative<LoadSlot>(input.slot);
    if (load && input.kind == InputKind::toggle)
        return "it is a load without a size: sweep it in a grid of its own";
    return {};
}

void classify_column(const DataStore& data, const Description& base, AxisColumn& column) {
    if (column.key.starts_with("set.")) {
        column.kind = AxisKind::edit;
        column.name = column.key = column.key.substr(4);
        for (const std::string& text : column.texts) {
            column.numbers.push_back(plain_number(text).value_or(0));
        }
        return;
    }
    if (column.key.starts_with("gpu.")) {
        column.kind = AxisKind::gpu;
        column.name = column.key;
        column.key = column.key.substr(4);
        return check_figures(column);
    }
    column.input = input_named(column.key);
    if (column.input == nullptr) {
        throw InputError(column.where, column.key, "is no input",
                         names_hint(column.key, input_keys(), "moecost list inputs"));
    }
    column.name = column_of(*column.input);
    if (const std::string_view why = no_axis_reason(*column.input); !why.empty()) {
        throw InputError(column.where, column.name, "cannot be an axis", std::string(why));
    }
    column.kind = kind_of(column);
    check_values(data, base, column);
}

}   // namespace moecost
