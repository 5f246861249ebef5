// SPDX-License-Identifier: Apache-2.0
// A table of records that prints as text, as JSON or as CSV; the same cells in all three.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "command.h"

namespace moecost {
class JsonWriter;
}

namespace moecost::cli {

/// A value for programs and how people read it; no value is an empty field, or null.
struct Cell {
    std::variant<std::monostate, double, std::string> value;
    std::string shown;
};
[[nodiscard]] Cell text_cell(std::string_view text);
[[nodiscard]] Cell number_cell(double value, std::string shown);
[[nodiscard]] Cell no_cell();

struct Column {
    std::string_view key;     // JSON key and CSV column
    std::string_view title;   // text heading; empty: not shown in text
    bool right = false;       // numbers align on the right
};

struct Sheet {
    std::string_view schema;
    std::string_view name;   // JSON key of the array of records
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
};
/// The rows as an array of records, numbers as numbers.
void write_rows(JsonWriter& json, std::string_view name, const Sheet& sheet);
/// `most`: columns of a terminal, beyond which a line of text is cut and ends in "...".
[[nodiscard]] std::string print(const Sheet& sheet, Format format, std::size_t most = std::string::npos);
/// In the format of the invocation; cut on a terminal alone.
[[nodiscard]] std::string print(const Sheet& sheet, const Invocation& invocation);
[[nodiscard]] std::string print_text(const Sheet& sheet, const Invocation& invocation);

}   // namespace moecost::cli
