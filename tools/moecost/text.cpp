// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"

namespace moecost::cli {
namespace {

std::string escaped(bool colour, std::string_view code, std::string_view text) {
    if (!colour) return std::string(text);
    const std::size_t end = text.ends_with('\n') ? text.size() - 1 : text.size();
    std::string s("\x1b[");
    return s.append(code).append("m").append(text.substr(0, end)).append("\x1b[0m").append(text.substr(end));
}

std::string trimmed_end(std::string s) {
    s.erase(s.find_last_not_of(' ') + 1);
    return s;
}

}   // namespace

std::string Style::bold(std::string_view text) const { return escaped(colour, "1", text); }
std::string Style::dim(std::string_view text) const { return escaped(colour, "2", text); }

std::string amount(double value) {
    const double size = std::abs(value);
    // Solved figures miss a whole number by rounding alone.
    const bool whole = size >= 0.5 && std::abs(value - std::round(value)) < 1e-4 * size;
    const bool digits = (size >= 99.95 || whole || value == 0) && size < 1e15;
    return digits ? grouped(std::llround(value)) : significant(value, 3);
}

std::string amount(double value, std::string_view unit) { return amount(value).append(" ").append(unit); }

std::string money(double dollars) {
    std::string s("$");
    if (dollars >= 999.5) return s.append(amount(dollars));
    return s.append(dollars >= 9.995 ? fixed(dollars, 2) : significant(dollars, 3));
}

std::string parameters(double count) {
    if (count >= 999.5e9) return significant(count / 1e12, 3).append(" T");
    if (count >= 999.5e6) return significant(count / 1e9, 3).append(" B");
    return significant(count / 1e6, 3).append(" M");
}

std::string percent(double share) {
    const double value = 100 * share;
    if (value > 0 && value < 0.95) return fixed(value, 1).append(" %");
    return fixed(value, 0).append(" %");
}

std::string words(std::string_view name) {
    std::string s(name);
    std::replace(s.begin(), s.end(), '_', ' ');
    return s;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
    std::string result;
    std::size_t column = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string_view word = text.substr(at, end - at);
        if (column > indent && column + 1 + word.size() > width) {
            result.append("\n").append(indent, ' ');
            column = indent;
        } else if (column > 0 && at > 0) {
            result.append(" ");
            ++column;
        }
        result.append(word);
        column += word.size();
        at = end + 1;
    }
    return result.append("\n");
}

std::string bullet(std::string_view text, std::size_t width) {
    return wrapped(std::string("- ").append(text), 2, width);
}

std::string side_by_side(const std::vector<std::string>& heads, const std::vector<Row>& rows,
                         const Style& style) {
    std::size_t label = 0;
    std::size_t column = 12;
    for (const std::string& head : heads) column = std::max(column, head.size());
    for (const Row& row : rows) {
        label = std::max(label, row.label.size());
        for (const std::string& cell : row.cells) column = std::max(column, cell.size());
    }
    column += 2;
    const std::size_t fit = std::max<std::size_t>(1, (style.width - std::min(label, style.width)) / column);
    std::string s;
    for (std::size_t first = 0; first < heads.size(); first += fit) {
        const std::size_t last = std::min(heads.size(), first + fit);
        std::string line(label, ' ');
        for (std::size_t i = first; i < last; ++i) line.append(align_right(heads[i], column));
        s.append(first > 0 ? "\n" : "").append(style.bold(trimmed_end(line))).append("\n");
        for (const Row& row : rows) {
            line = align_left(row.label, label);
            for (std::size_t i = first; i < last && i < row.cells.size(); ++i) {
                line.append(align_right(row.cells[i], column));
            }
            line = trimmed_end(line);
            s.append(row.strong || row.cells.empty() ? style.bold(line) : line).append("\n");
        }
    }
    return s;
}

std::string warning_lines(const Architecture& architecture) {
    std::string s;
    for (const std::string& warning : architecture.warnings)
        s.append("moecost: warning: ").append(architecture.name).append(": ").append(warning).append("\n");
    return s;
}

}   // namespace moecost::cli
