// SPDX-License-Identifier: Apache-2.0
// Text for people: figures with units, paragraphs of at most 100 columns, tables that stand things side by side.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/model/architecture.h"

namespace moecost::cli {

inline constexpr std::size_t page_width = 100;

/// Escape sequences or none, and the columns of the page.
struct Style {
    bool colour = false;
    std::size_t width = page_width;
    [[nodiscard]] std::string bold(std::string_view text) const;
    [[nodiscard]] std::string dim(std::string_view text) const;
};

/// Whole numbers as they are, others with three significant digits, or without decimals from 100 on: "1,234".
[[nodiscard]] std::string amount(double value);
/// amount and unit: "1,234 tokens/s".
[[nodiscard]] std::string amount(double value, std::string_view unit);
/// "$0.412", "$12.30", "$1,234".
[[nodiscard]] std::string money(double dollars);
/// "46.7 B", "8.03 B", "494 M".
[[nodiscard]] std::string parameters(double count);
/// "62 %".
[[nodiscard]] std::string percent(double share);
/// snake_case names as words.
[[nodiscard]] std::string words(std::string_view name);

/// One paragraph, broken at spaces; following lines are indented by `indent`.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = page_width);
/// "- text" with the following lines under the text.
[[nodiscard]] std::string bullet(std::string_view text, std::size_t width = page_width);

/// One line of a side-by-side table; without cells it is a heading.
struct Row {
    std::string label;
    std::vector<std::string> cells;
    bool strong = false;   // the answer itself
};
/// Labels on the left, one right-aligned column for each head; as many columns side by side as the page holds, then
/// the next ones below.
[[nodiscard]] std::string side_by_side(const std::vector<std::string>& heads, const std::vector<Row>& rows,
                                       const Style& style);

/// What an importer could not read, a line each for stderr: told whatever the verbosity.
[[nodiscard]] std::string warning_lines(const Architecture& architecture);

}   // namespace moecost::cli
