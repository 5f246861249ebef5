// SPDX-License-Identifier: Apache-2.0
// CSV text by RFC 4180 as a table: header row, quoted fields, typed access by column name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/error.h"

namespace moecost {

/// A table holds no more; beyond, an InputError names the line.
inline constexpr std::size_t max_csv_bytes = std::size_t{64} << 20;
inline constexpr std::size_t max_csv_rows = 1'000'000;
inline constexpr std::size_t max_csv_row_bytes = std::size_t{1} << 20;

/// Keeps the text and four bytes for each field, so that a table takes at most eight times the memory of its text.
class CsvTable {
  public:
    /// Reads the whole text; every row must have as many fields as the header.
    CsvTable(std::string_view text, std::string file);

    [[nodiscard]] std::size_t rows() const { return lines_.size(); }
    [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
    /// Index of a column; an InputError names the nearest column when it is missing.
    [[nodiscard]] std::size_t column(std::string_view name) const;
    [[nodiscard]] std::optional<std::size_t> find_column(std::string_view name) const;
    [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;
    /// The field as a number; empty fields give nothing, anything else that is no finite number fails.
    [[nodiscard]] std::optional<double> number(std::size_t row, std::size_t column) const;
    [[nodiscard]] Location where(std::size_t row) const;
    [[noreturn]] void fail(std::size_t row, std::size_t column, std::string_view message) const;

  private:
    void add_record(const std::vector<std::string_view>& record, int line);

    std::string file_;
    std::vector<std::string> header_;
    std::string text_;                  // of all fields, row-major, one after another
    std::vector<std::uint32_t> ends_;   // of each field in it
    std::vector<int> lines_;            // line of each row in the file
};

/// One CSV field, quoted only when it must be.
[[nodiscard]] std::string csv_field(std::string_view text);

}   // namespace moecost
