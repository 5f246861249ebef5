// SPDX-License-Identifier: Apache-2.0
#include "sheet.h"

#include <algorithm>

#include "moecost/base/csv.h"
#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "text.h"

namespace moecost::cli {
namespace {

std::string as_text(const Sheet& sheet, std::size_t most) {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < sheet.columns.size(); ++c) {
        std::size_t width = sheet.columns[c].title.size();
        for (const auto& row : sheet.rows) width = std::max(width, row[c].shown.size());
        widths.push_back(sheet.columns[c].title.empty() ? 0 : width);
    }
    const auto line = [&](auto cell) {
        std::string s;
        for (std::size_t c = 0; c < sheet.columns.size(); ++c) {
            if (widths[c] == 0) continue;
            const std::string_view text = cell(c);
            s.append(s.empty() ? "" : "  ");
            s.append(sheet.columns[c].right ? align_right(text, widths[c]) : align_left(text, widths[c]));
        }
        s.erase(s.find_last_not_of(' ') + 1);
        if (s.size() > most) s.replace(most - 3, std::string::npos, "...");
        return s.append("\n");
    };
    std::string s = line([&](std::size_t c) { return sheet.columns[c].title; });
    for (const auto& row : sheet.rows)
        s.append(line([&](std::size_t c) { return std::string_view(row[c].shown); }));
    return s;
}

std::string as_json(const Sheet& sheet) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", sheet.schema);
    write_rows(json, sheet.name, sheet);
    json.end_object();
    return json.str();
}

std::string as_csv(const Sheet& sheet) {
    std::string s;
    for (std::size_t c = 0; c < sheet.columns.size(); ++c)
        s.append(c == 0 ? "" : ",").append(sheet.columns[c].key);
    s.append("\n");
    for (const auto& row : sheet.rows) {
        for (std::size_t c = 0; c < row.size(); ++c) {
            s.append(c == 0 ? "" : ",");
            if (const auto* number = std::get_if<double>(&row[c].value))
                s.append(shortest(*number));
            else if (const auto* text = std::get_if<std::string>(&row[c].value))
                s.append(csv_field(*text));
        }
        s.append("\n");
    }
    return s;
}

}   // namespace

void write_rows(JsonWriter& json, std::string_view name, const Sheet& sheet) {
    json.begin_array(name);
    for (const auto& row : sheet.rows) {
        json.begin_object();
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string_view key = sheet.columns[c].key;
            if (const auto* number = std::get_if<double>(&row[c].value))
                json.number(key, *number);
            else if (const auto* text = std::get_if<std::string>(&row[c].value))
                json.text(key, *text);
            else
                json.null(key);
        }
        json.end_object();
    }
    json.end_array();
}

Cell text_cell(std::string_view text) { return {std::string(text), std::string(text)}; }
Cell number_cell(double value, std::string shown) { return {value, std::move(shown)}; }
Cell no_cell() { return {std::monostate{}, "-"}; }

std::string print(const Sheet& sheet, Format format, std::size_t most) {
    if (format == Format::json) return as_json(sheet);
    return format == Format::csv ? as_csv(sheet) : as_text(sheet, most);
}

std::string print(const Sheet& sheet, const Invocation& invocation) {
    return print(sheet, invocation.format, invocation.terminal ? invocation.width : std::string::npos);
}

std::string print_text(const Sheet& sheet, const Invocation& invocation) {
    return print(sheet, Format::text, invocation.terminal ? invocation.width : std::string::npos);
}

}   // namespace moecost::cli
