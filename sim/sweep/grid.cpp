// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/grid.h"

#include <algorithm>
#include <array>
#include <set>

#include "moecost/base/content_hash.h"
#include "moecost/base/format.h"
#include "moecost/base/near_names.h"
#include "moecost/base/read_file.h"
#include "moecost/hardware/cluster.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"

namespace moecost {
namespace {

/// The names that a key has in a grid: those of its axis, or the one of the base.
std::vector<std::string> names_given(const Grid& grid, std::string_view key, const std::string& of_base) {
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) {
            if (column.kind != AxisKind::name || column.input->key != key) continue;
            const std::set<std::string> names(column.texts.begin(), column.texts.end());
            return {names.begin(), names.end()};
        }
    }
    if (of_base.empty()) return {};
    return {of_base};
}

/// Fields of the members of a family: of a usual one and of a dense one, with what only members have.
void add_member_keys(const DataStore& data, const std::string& family, std::set<std::string>& keys) {
    Description d;
    d.family = family;
    d.size = usual_member_size;
    for (const int experts : {0, 1}) {
        if (experts > 0) d.experts = experts;
        const Expected<FamilyMember> member = member_of(load_family(data, family), member_request(d));
        if (!member) continue;
        const auto of_member = edit_keys(member->architecture);
        keys.insert(of_member.begin(), of_member.end());
    }
    keys.insert(
        {"size", "experts", "top_k", "granularity", "shared_experts", "dense_equivalent", "routed_experts"});
}

/// The fields that expressions may name: those of any model or family of the grid.
std::vector<std::string> model_keys(const DataStore& data, const Grid& grid) {
    std::set<std::string> keys{"parameters", "active_parameters"};
    for (const std::string& model : names_given(grid, "model", grid.base.model)) {
        const auto of_model = placed(grid.base, "model", [&] {
            return edit_keys(
                load_model(data, model, ImportOptions{.check_keys = false, .weights_stated = true}));
        });
        keys.insert(of_model.begin(), of_model.end());
    }
    for (const std::string& family : names_given(grid, "family", grid.base.family)) {
        placed(grid.base, "family", [&] { add_member_keys(data, family, keys); });
    }
    return {keys.begin(), keys.end()};
}

std::vector<std::string> names_for_hints(const std::vector<std::string>& keys) {
    std::vector<std::string> names = input_keys();
    const std::vector<std::string> of_figures = figure_names();
    names.insert(names.end(), of_figures.begin(), of_figures.end());
    for (const GpuFigure& f : gpu_figures()) names.push_back(std::string("gpu.").append(f.name));
    names.insert(names.end(), keys.begin(), keys.end());
    return names;
}

constexpr std::string_view tables_of_names = "moecost list figures, moecost list inputs";

Axis read_axis(const DataStore& data, const Description& base, const Reader& r) {
    r.allow_only({"key", "keys", "values", "range", "log_range"});
    Axis axis;
    if (r.has("key") == r.has("keys")) r.fail({}, "needs key, or keys for values that move together");
    if (r.has("key")) {
        AxisColumn column;
        column.key = r.text("key");
        column.texts = axis_values(r);
        axis.columns.push_back(std::move(column));
    } else {
        const Value* lists = r.raw("values");
        if (lists == nullptr || !std::holds_alternative<Value::Array>(lists->content)) {
            r.fail("values", "expected one list of values for each key");
        }
        const auto& rows = std::get<Value::Array>(lists->content);
        const std::vector<std::string> keys = r.texts("keys");
        if (rows.size() != keys.size()) r.fail("values", "needs one list of values for each key");
        for (std::size_t i = 0; i < keys.size(); ++i) {
            AxisColumn column;
            column.key = keys[i];
            column.texts = list_of_texts(r, "values", rows[i]);
            axis.columns.push_back(std::move(column));
        }
    }
    if (axis.columns.empty()) r.fail("keys", "is empty");
    axis.size = axis.columns[0].texts.size();
    for (AxisColumn& column : axis.columns) {
        column.where = r.where(r.has("key") ? "key" : "keys");
        if (column.texts.size() != axis.size) r.fail("values", "the lists of a zipped axis differ in length");
        classify_column(data, base, column);
    }
    return axis;
}

/// Choices of members need a family, and a member needs a size.
void check_members(const Grid& grid) {
    const bool family = !names_given(grid, "family", grid.base.family).empty();
    bool size = grid.base.size.has_value();
    const AxisColumn* member = nullptr;
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) {
            if (column.kind != AxisKind::member) continue;
            member = &column;
            size = size || column.input->key == "size";
        }
    }
    if (member == nullptr) return;
    if (!family) {
        throw InputError(member->where, member->name, "is a choice of a family, but the grid has none",
                         "add family to [scenario] or an axis of families; set.FIELD edits a model");
    }
    if (!size) {
        throw InputError(member->where, member->name, "the members have no size",
                         "add size to [scenario] or an axis of sizes");
    }
}

void check_axes(const Grid& grid, const Reader& r) {
    std::set<std::string> seen;
    const AxisColumn* load = nullptr;
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) {
            if (!seen.insert(column.name).second)
                throw InputError(column.where, column.name, "is an axis twice");
            if (column.input == nullptr || !std::holds_alternative<LoadSlot>(column.input->slot)) continue;
            if (load != nullptr) {
                std::string message("is a load, as '");
                throw InputError(column.where, column.name,
                                 message.append(load->name).append("': choose one"));
            }
            load = &column;
        }
    }
    check_members(grid);
    if (grid.axes.empty()) r.fail({}, "the grid has no axis", "add [[axis]] with key and values");
}

std::uint64_t count_points(const Grid& grid, const Reader& r) {
    long double points = 1;
    for (const Axis& axis : grid.axes) points *= static_cast<long double>(axis.size);
    if (points <= static_cast<long double>(max_grid_points)) return static_cast<std::uint64_t>(points);
    std::string count = significant(static_cast<double>(points), 3);
    if (points < 9e18L) count = grouped(static_cast<long long>(points));
    r.fail("axis", std::string("the grid has ").append(count).append(" points, more than 10^12"),
           "give axes fewer values, or zip axes that move together (keys = [...])");
}

std::vector<std::pair<std::string, Location>> texts_of(const Reader& r, std::string_view key) {
    std::vector<std::pair<std::string, Location>> result;
    if (!r.has(key)) return result;
    const Value& value = *r.raw(key);
    if (std::holds_alternative<std::string>(value.content)) return {{r.text(key), r.where(key)}};
    const std::vector<std::string> texts = r.texts(key);
    const auto& items = std::get<Value::Array>(value.content);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        Location where = r.where(key);
        where.line = items[i].line;
        where.column = items[i].column;
        result.emplace_back(texts[i], where);
    }
    return result;
}

std::size_t slot_of(Grid& grid, const Variable& v) {
    const auto at = std::find_if(grid.variables.begin(), grid.variables.end(),
                                 [&](const Variable& other) { return other.name == v.name; });
    const auto slot = static_cast<std::size_t>(at - grid.variables.begin());
    if (at == grid.variables.end()) grid.variables.push_back(v);
    return slot;
}

/// Compiles conditions whose names become variables of the grid.
std::vector<Expression> read_conditions(Grid& grid, const Reader& r, std::string_view key,
                                        const std::vector<std::string>& keys) {
    std::vector<Expression> result;
    const NameTable names{[&](std::string_view name) {
                              const Variable v = resolve_variable(grid, name, keys);
                              return v.is_number() ? static_cast<std::ptrdiff_t>(slot_of(grid, v))
                                                   : std::ptrdiff_t{-1};
                          },
                          [&] { return names_for_hints(keys); }};
    for (const auto& [text, where] : texts_of(r, key)) {
        result.push_back(compile_condition(text, where, names));
        for (const std::size_t slot : result.back().slots()) {
            if (key != "filter" || !grid.variables[slot].is_result()) continue;
            std::string message("'");
            message.append(grid.variables[slot].name)
                .append("' is a result, but filters act before the evaluation");
            throw InputError(where, key, message, "write it as a constraint");
        }
    }
    return result;
}

void read_frontier(Grid& grid, const Reader& frontier, const std::vector<std::string>& keys) {
    frontier.allow_only({"minimise", "maximise"});
    for (const std::string_view sense : {"minimise", "maximise"}) {
        for (const auto& [name, where] : texts_of(frontier, sense)) {
            const Variable v = resolve_variable(grid, name, keys);
            if (!v.is_number()) {
                std::string message("'");
                throw InputError(where, sense, message.append(name).append("' is no figure of a point"),
                                 names_hint(name, names_for_hints(keys), tables_of_names));
            }
            grid.objectives.push_back({slot_of(grid, v), sense == "maximise"});
        }
    }
    if (grid.objectives.size() < 2 || grid.objectives.size() > 4) {
        frontier.fail({}, "a frontier has 2 to 4 objectives");
    }
}

void add_column(Grid& grid, const std::string& name, const Location& where,
                const std::vector<std::string>& keys) {
    Variable v = resolve_variable(grid, name, keys);
    bool known = v.known() || name == "point";
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) known = known || column.name == name;
    }
    if (!known) {
        std::string message("no column is named '");
        throw InputError(where, "columns", message.append(name).append("'"),
                         names_hint(name, names_for_hints(keys), tables_of_names));
    }
    const bool twice = std::any_of(grid.columns.begin(), grid.columns.end(),
                                   [&](const Variable& other) { return other.name == name; });
    if (twice) throw InputError(where, "columns", std::string("'").append(name).append("' is named twice"));
    grid.columns.push_back(std::move(v));
}

bool has_objective(const Grid& grid) {
    if (grid.base.slo_ttft || grid.base.slo_tpot) return true;
    for (const Axis& axis : grid.axes)
        for (const AxisColumn& c : axis.columns)
            if (c.input != nullptr && c.input->kind == InputKind::objective) return true;
    return false;
}

void read_columns(Grid& grid, const Reader& r, const std::vector<std::string>& keys) {
    for (const auto& [name, where] : texts_of(r, "columns")) add_column(grid, name, where, keys);
    if (!grid.columns.empty()) return;
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) add_column(grid, column.name, column.where, keys);
    }
    for (const char* name : {"output_tokens_per_s", "output_tokens_per_s_per_gpu", "tokens_per_s_per_user",
                             "ttft_s", "tpot_s", "usd_per_mtok_output", "usd_per_mtok_input", "provenance"}) {
        add_column(grid, name, r.where(), keys);
    }
    bool at_rate = grid.base.load && std::holds_alternative<OpenLoop>(*grid.base.load);
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& column : axis.columns) at_rate = at_rate || column.name == "rate";
    }
    if (at_rate) add_column(grid, "doubt", r.where(), keys);
    if (has_objective(grid)) add_column(grid, "slo_met", r.where(), keys);
}

/// A text with the content alone: the same for the same grid, whatever its comments.
void dump(const Value& value, ContentHash& hash) {
    const auto add = [&](std::string_view tag, std::string_view text) {
        hash.add(tag);
        hash.add(std::to_string(text.size()));
        hash.add(":");
        hash.add(text);
    };
    if (const auto* b = std::get_if<bool>(&value.content)) add("b", *b ? "1" : "0");
    if (const auto* i = std::get_if<std::int64_t>(&value.content))
        add("n", shortest(static_cast<double>(*i)));
    if (const auto* d = std::get_if<double>(&value.content)) add("n", shortest(*d));
    if (const auto* s = std::get_if<std::string>(&value.content)) add("s", *s);
    if (const auto* a = std::get_if<Value::Array>(&value.content)) {
        hash.add("[");
        for (const Value& item : *a) dump(item, hash);
        hash.add("]");
    }
    if (const auto* t = std::get_if<Value::Table>(&value.content)) {
        hash.add("{");
        for (const auto& [key, item] : *t) {
            add("k", key);
            dump(item, hash);
        }
        hash.add("}");
    }
}

void read_base(Grid& grid, const Document& document, const Reader& r, ContentHash& hash) {
    if (!r.has("scenario")) return;
    if (std::holds_alternative<std::string>(r.raw("scenario")->content)) {
        const std::string path = r.text("scenario");
        const Document file = parse_document(read_file(path), path);
        dump(file.root, hash);
        apply_scenario_file(grid.base, file);
    } else {
        (void)r.table("scenario");   // refuses anything but a table
        apply_scenario_file(grid.base, Document{document.file, *r.raw("scenario")});
    }
}

bool states_a_price(const Grid& grid) {
    if (grid.base.usd_per_gpu_hour || !grid.base.price.empty()) return true;
    for (const Axis& axis : grid.axes)
        for (const AxisColumn& c : axis.columns)
            if (c.input != nullptr && c.input->key == "price") return true;
    return false;
}

/// Accelerators of an axis are rented at prices of one kind, as `estimate` compares them.
PriceLevel levelled(const DataStore& data, const Grid& grid) {
    std::vector<std::string> ids;
    for (const Axis& axis : grid.axes) {
        for (const AxisColumn& c : axis.columns) {
            if (c.input == nullptr || (c.input->key != "gpu" && c.input->key != "cluster")) continue;
            for (const std::string& name : c.texts)
                ids.push_back(priced_as(c.input->key == "gpu" ? load_accelerator(data, name)
                                                              : load_cluster(data, name).gpu));
        }
    }
    return states_a_price(grid) ? PriceLevel{} : price_level(data, std::move(ids));
}

}   // namespace

Variable resolve_variable(Grid& grid, std::string_view name, const std::vector<std::string>& keys) {
    Variable v;
    v.name = name;
    if (name.starts_with("gpu.")) {
        v.gpu = gpu_figure_named(name.substr(4));
        return v;
    }
    const Input* input = input_named(name);
    if (input != nullptr && (input->number != nullptr || input->text != nullptr)) {
        v.input = input;
        return v;
    }
    const Figure* figure = figure_named(name);
    if (figure != nullptr && figure->stage != FigureStage::steps) {
        v.figure = figure;
        return v;
    }
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) return v;
    const auto at = std::find(grid.model_fields.begin(), grid.model_fields.end(), name);
    v.model_field = static_cast<int>(at - grid.model_fields.begin());
    if (at == grid.model_fields.end()) grid.model_fields.emplace_back(name);
    return v;
}

Grid read_grid(const DataStore& data, const Document& document) {
    const Reader r(document);
    r.allow_only(
        {"scenario", "axis", "filter", "constraint", "columns", "frontier", "keep_infeasible", "title"});
    Grid grid;
    grid.file = document.file;
    ContentHash hash;
    dump(document.root, hash);
    read_base(grid, document, r, hash);
    if (r.has("axis")) {
        for (const Reader& axis : r.tables("axis")) grid.axes.push_back(read_axis(data, grid.base, axis));
    }
    check_axes(grid, r);
    grid.prices = levelled(data, grid);
    grid.points = count_points(grid, r);
    const std::vector<std::string> keys = model_keys(data, grid);
    grid.filters = read_conditions(grid, r, "filter", keys);
    grid.constraints = read_conditions(grid, r, "constraint", keys);
    read_columns(grid, r, keys);
    if (r.has("frontier")) read_frontier(grid, r.table("frontier"), keys);
    const auto is_tail = [](const Variable& v) { return v.is_tail(); };
    grid.tails = std::any_of(grid.columns.begin(), grid.columns.end(), is_tail) ||
                 std::any_of(grid.variables.begin(), grid.variables.end(), is_tail);
    grid.keep_infeasible = r.flag_or("keep_infeasible", false);
    grid.hash = hash.value();
    return grid;
}

}   // namespace moecost
