// SPDX-License-Identifier: Apache-2.0
// CSV tables by RFC 4180 (plain or gzip): header row, quoted fields, typed access by column name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/error.h"

namespace moecost {

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
    std::string file_;
    std::vector<std::string> header_;
    std::vector<std::string> fields_;   // row-major
    std::vector<int> lines_;            // line of each row in the file
};

/// The whole content of a file, gunzipped when it is gzip. SystemError when it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);
/// The same in blocks, for files too large to hold; `sink` receives them in order.
void read_blocks(const std::string& path, const std::function<void(std::string_view)>& sink);
/// Writes `content` beside `path` and renames it into place, so that a reader never sees half a file.
void write_file(const std::string& path, std::string_view content);

/// The text as one gzip member, without time or name: members written one after another are one gzip file.
[[nodiscard]] std::string gzip_member(std::string_view text);

/// One CSV field, quoted only when it must be.
[[nodiscard]] std::string csv_field(std::string_view text);

}   // namespace moecost
