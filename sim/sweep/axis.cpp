// SPDX-License-Identifier: Apache-2.0
// The values of an axis: lists and ranges as texts, then checked by the kind of their key.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "moecost/base/format.h"
#include "moecost/hardware/cluster.h"
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
    std::string_view digits = text;
    if (column.kind == AxisKind::price && digits.starts_with('$')) digits.remove_prefix(1);
    double value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (r.ec != std::errc{} || r.ptr != digits.data() + digits.size() || !std::isfinite(value)) {
        throw InputError(column.where, column.name,
                         std::string("'").append(text).append("' is not a number"));
    }
    return value;
}

bool is_number(const std::string& text) {
    const std::string_view digits = std::string_view(text).substr(text.starts_with('$') ? 1 : 0);
    double value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return r.ec == std::errc{} && r.ptr == digits.data() + digits.size() && std::isfinite(value);
}

constexpr std::string_view name_keys[] = {"model",   "family",         "gpu", "cluster", "engine",
                                          "weights", "expert-weights", "kv",  "traffic", "all-to-all",
                                          "price"};
constexpr std::string_view switch_keys[] = {"offline", "prefill-only", "set"};

/// Names that exist nowhere are mistakes; names that do not go together are infeasible points, found later.
void check_name(const DataStore& data, const AxisColumn& column, const std::string& text) {
    const auto reject = [&](std::string_view what, const std::vector<std::string>& known) {
        std::string message("no ");
        message.append(what).append(" is named '").append(text).append("'");
        throw InputError(column.where, column.name, message, name_hint(text, known));
    };
    if (column.key == "model") (void)load_model(data, text, ImportOptions{.check_keys = false, .weights_stated = true});
    if (column.key == "family") (void)load_family(data, text);
    if (column.key == "gpu") (void)load_accelerator(data, text);
    if (column.key == "cluster") (void)load_cluster(data, text);
    if (column.key == "traffic") (void)load_traffic(data, text);
    if (column.key == "engine" && !is_path(text)) {
        std::set<std::string> engines;
        for (const std::string& stem : data.names("hwmodels/engines")) {
            engines.insert(stem.substr(stem.find('-') == std::string::npos ? 0 : stem.find('-') + 1));
        }
        if (engines.count(text) == 0) reject("engine", {engines.begin(), engines.end()});
    }
    const bool format = column.key == "weights" || column.key == "expert-weights" || column.key == "kv";
    if (format && text != "auto" && !dtype_named(text)) {
        std::vector<std::string> known;
        for (const DTypeInfo& i : dtype_table) known.emplace_back(i.name);
        reject("number format", known);
    }
    if (column.key == "all-to-all" && text != "collective" && text != "low-latency" && text != "normal") {
        reject("exchange", {"collective", "low-latency", "normal"});
    }
}

/// The option table checks each value and reports it at the axis.
void check_options(const Description& base, AxisColumn& column) {
    Description scratch = base;
    scratch.load.reset();   // a load of the base is replaced by an axis
    for (const std::string& text : column.texts) {
        Location where = column.where;
        where.key = column.name;
        set_option(scratch, column.key, text, where);
        const bool time = column.key == "slo-ttft" || column.key == "slo-tpot";
        if (column.key == "equal-lengths")
            column.numbers.push_back(text == "false" ? 0 : 1);
        else
            column.numbers.push_back(time ? parse_duration(text, where) : number_of(column, text));
    }
}

constexpr MemberChoice member_choices[] = {
    {"size", "size", [](FamilyRequest& r, double v) { r.size = v; },
     [](const FamilyRequest& r) { return r.size; }},
    {"experts", "experts", [](FamilyRequest& r, double v) { r.experts = static_cast<int>(v); },
     [](const FamilyRequest& r) { return double{1} * r.experts; }},
    {"top-k", "top_k", [](FamilyRequest& r, double v) { r.top_k = static_cast<int>(v); },
     [](const FamilyRequest& r) { return double{1} * r.top_k; }},
    {"granularity", "granularity", [](FamilyRequest& r, double v) { r.granularity = static_cast<int>(v); },
     [](const FamilyRequest& r) { return double{1} * r.granularity; }},
    {"shared-experts", "shared_experts",
     [](FamilyRequest& r, double v) { r.shared_experts = static_cast<int>(v); },
     [](const FamilyRequest& r) { return double{1} * r.shared_experts; }},
};

/// As the option table reads them; "7B" becomes a number, so that rows hold numbers.
void check_choices(AxisColumn& column) {
    Description scratch;
    for (std::string& text : column.texts) {
        Location where = column.where;
        where.key = column.name;
        set_option(scratch, column.key, text, where);
        column.numbers.push_back(column.choice->get(member_request(scratch)));
        text = shortest(column.numbers.back());
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

}   // namespace

const MemberChoice* member_choice_named(std::string_view name) {
    for (const MemberChoice& choice : member_choices) {
        if (choice.key == name || choice.name == name) return &choice;
    }
    return nullptr;
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

void classify_column(const DataStore& data, const Description& base, AxisColumn& column) {
    if (column.key.starts_with("set.")) {
        column.kind = AxisKind::edit;
        column.name = column.key = column.key.substr(4);
        for (const std::string& text : column.texts) {
            column.numbers.push_back(is_number(text) ? number_of(column, text) : 0);
        }
        return;
    }
    if (column.key.starts_with("gpu.")) {
        column.kind = AxisKind::gpu;
        column.name = column.key;
        column.key = column.key.substr(4);
        return check_figures(column);
    }
    column.name = column.key;
    std::replace(column.name.begin(), column.name.end(), '-', '_');
    std::replace(column.key.begin(), column.key.end(), '_', '-');
    if (std::find(std::begin(switch_keys), std::end(switch_keys), column.key) != std::end(switch_keys)) {
        const bool edit = column.key == "set";
        throw InputError(column.where, column.name, "cannot be an axis",
                         edit ? "write set.FIELD, such as set.experts" : "sweep it in a grid of its own");
    }
    const bool all_numbers = std::all_of(column.texts.begin(), column.texts.end(), is_number);
    if (column.key == "price" && all_numbers) {
        column.kind = AxisKind::price;
        for (const std::string& text : column.texts) column.numbers.push_back(number_of(column, text));
        return;
    }
    if (std::find(std::begin(name_keys), std::end(name_keys), column.key) != std::end(name_keys)) {
        column.kind = AxisKind::name;
        for (const std::string& text : column.texts) check_name(data, column, text);
        return;
    }
    column.choice = member_choice_named(column.key);
    if (column.choice != nullptr) {
        column.kind = AxisKind::member;
        return check_choices(column);
    }
    column.kind = AxisKind::option;
    check_options(base, column);
}

}   // namespace moecost
