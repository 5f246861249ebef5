// SPDX-License-Identifier: Apache-2.0
// Reads the results that a report is made of, and says which deployments stand in them.
#include <algorithm>

#include "diff/diff.h"
#include "moecost/base/csv.h"
#include "moecost/base/json_writer.h"
#include "moecost/base/written_number.h"
#include "moecost/estimate/inputs.h"
#include "report/report.h"

namespace moecost::cli {
namespace {

constexpr std::size_t most_rows = 50'000;
constexpr std::size_t most_deployments = 12;

[[noreturn]] void too_many_rows(const std::string& file) {
    throw InputError({file}, {}, "holds more than 50,000 rows, too many for a page",
                     "moecost sweep --frontier keeps the rows that nothing beats");
}

Value text_value(std::string_view text) { return {std::string(text), 0, 0}; }

Value cell_value(std::string_view text) {
    if (text.empty()) return null_value();
    if (const auto number = plain_number(text)) return {*number, 0, 0};
    return text_value(text);
}

Document rows_document(std::string file, Value::Array rows) {
    Value root;
    root.content = Value::Table{{"schema", text_value("moecost.rows/1")}, {"rows", {std::move(rows), 0, 0}}};
    return {std::move(file), std::move(root)};
}

Document of_csv(const std::string& text, const std::string& file) {
    const CsvTable table(text, file);
    if (table.rows() > most_rows) too_many_rows(file);
    Value::Array rows;
    for (std::size_t r = 0; r < table.rows(); ++r) {
        Value::Table row;
        for (std::size_t c = 0; c < table.header().size(); ++c)
            row.emplace_back(table.header()[c], cell_value(table.text(r, c)));
        rows.push_back({std::move(row), 0, 0});
    }
    return rows_document(file, std::move(rows));
}

Document of_lines(std::string_view text, const std::string& file) {
    Value::Array rows;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \r\t") == std::string_view::npos) continue;
        if (rows.size() == most_rows) too_many_rows(file);
        rows.push_back(parse_json(line, file).root);
    }
    return rows_document(file, std::move(rows));
}

/// Rows of a sweep or of a frontier have columns of ours; anything else draws an empty page.
void check_rows(const Document& rows) {
    const Reader r(rows);
    for (const Reader& row : r.tables("rows")) {
        for (const std::string& key : row.keys()) {
            if (figure_named(key) != nullptr || input_named(key) != nullptr) return;
        }
    }
    throw InputError(
        {rows.file}, {}, "has no column that a sweep or a frontier writes",
        "JSON of estimate, plan, design, validate or diff, or the rows of a sweep or of plan --frontier");
}

/// Each line is an object of its own; a result on one line states its schema.
bool is_lines(std::string_view text) {
    if (text.find("\"schema\"") < 4) return false;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view first = text.substr(0, end);
    while (!first.empty() && (first.back() == '\r' || first.back() == ' ')) first.remove_suffix(1);
    return first.size() > 1 && first.front() == '{' && first.back() == '}';
}

/// "moecost.plan/1": plan.
std::string kind_of(const Document& document) {
    const Reader r(document);
    const std::string schema = r.text_or("schema", "");
    for (const std::string_view kind : {"estimate", "plan", "design", "validate", "diff", "rows"}) {
        if (schema.starts_with(std::string("moecost.").append(kind).append("/"))) return std::string(kind);
    }
    throw InputError(
        {document.file}, {}, "is no result that a report is made of",
        "JSON of estimate, plan, design, validate or diff, or the rows of a sweep or of plan --frontier");
}

void add(std::vector<Description>& list, const Reader& estimate, const std::string& file) {
    if (list.size() < most_deployments && estimate.has("command"))
        list.push_back(description_of_command(estimate.text("command"), file));
}

}   // namespace

Result read_result(const std::string& file) {
    const std::string text = read_input(file);
    const std::size_t start = text.find_first_not_of(" \r\n\t");
    if (start == std::string::npos) throw InputError({file}, {}, "is empty");
    Result result{file, {}, {}};
    if (text[start] != '{')
        result.document = of_csv(text, file);
    else if (is_lines(text))
        result.document = of_lines(text, file);
    else
        result.document = parse_json(text, file);
    result.kind = kind_of(result.document);
    if (result.kind == "rows") check_rows(result.document);
    return result;
}

void write_value(JsonWriter& json, std::string_view key, const Value& value) {
    if (const auto* table = std::get_if<Value::Table>(&value.content)) {
        json.begin_object(key);
        for (const auto& [name, one] : *table) write_value(json, name, one);
        json.end_object();
    } else if (const auto* array = std::get_if<Value::Array>(&value.content)) {
        json.begin_array(key);
        for (const Value& one : *array) write_value(json, {}, one);
        json.end_array();
    } else if (const auto* text = std::get_if<std::string>(&value.content)) {
        json.text(key, *text);
    } else if (const auto* number = std::get_if<double>(&value.content)) {
        json.number(key, *number);
    } else if (const auto* whole = std::get_if<std::int64_t>(&value.content)) {
        json.number(key, static_cast<double>(*whole));
    } else if (const auto* flag = std::get_if<bool>(&value.content)) {
        json.flag(key, *flag);
    } else {
        json.null(key);
    }
}

std::vector<Description> deployments_of(const Result& result) {
    std::vector<Description> list;
    const Reader r(result.document);
    if (result.kind == "estimate") {
        for (const Reader& one : r.tables("estimates")) add(list, one, result.file);
    }
    if (result.kind == "plan") {
        for (const std::string_view key : {"answer", "nearest"}) {
            if (r.has(key)) add(list, r.table(key).table("estimate"), result.file);
        }
        if (r.has("best_of_each")) {
            for (const Reader& one : r.tables("best_of_each")) add(list, one.table("estimate"), result.file);
        }
    }
    if (result.kind == "diff") {
        for (const std::string_view key : {"a", "b"}) add(list, r.table(key).table("estimate"), result.file);
    }
    return list;
}

}   // namespace moecost::cli
