// SPDX-License-Identifier: Apache-2.0
#include "sweep/printed.h"

#include <cstdlib>

#include "moecost/base/csv.h"
#include "moecost/base/format.h"
#include "moecost/base/written_number.h"
#include "sheet.h"

namespace moecost::cli {
namespace {

constexpr std::uint64_t most_printed_points = 100'000;

/// Names are texts, everything that reads as a number is one.
Cell cell_of(std::string_view text) {
    if (text.empty()) return no_cell();
    const auto value = plain_number(text);
    return value ? number_cell(*value, std::string(text)) : text_cell(text);
}

bool all_numbers(const CsvTable& table, std::size_t column) {
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const std::string_view text = table.text(row, column);
        if (!text.empty() && !plain_number(text)) return false;
    }
    return true;
}

}   // namespace

ScratchFolder::ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "moecost-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw SystemError(name.append(": cannot make a folder"));
    path_ = name;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
}

void check_printable(const Invocation& invocation, const Grid& grid) {
    for (const std::string_view option : {"shard", "resume", "restart", "mpi"}) {
        if (invocation.line.has(option))
            throw InputError({std::string("--").append(option)}, {}, "needs a file", "-o OUT.csv");
    }
    if (grid.points <= most_printed_points) return;
    std::string message("no output is given, and ");
    message.append(grouped(static_cast<long long>(grid.points))).append(" points are more than the ");
    message.append(grouped(static_cast<long long>(most_printed_points))).append(" that are printed");
    throw InputError({"--output"}, {}, message, "-o OUT.csv, .csv.gz, .jsonl or .jsonl.gz");
}

std::string frontier_table(const Invocation& invocation, const Grid& grid, const Manifest& manifest) {
    const RowStyle style;
    const Prototypes prototypes(invocation.data, grid);
    BlockWorker worker(grid, prototypes, style);
    std::string csv = header_row(grid, style);
    for (const FrontierMember& member : manifest.frontier) csv.append(worker.row(member.point));
    const CsvTable table(csv, "frontier");
    Sheet sheet{"moecost.frontier/1", "frontier", {}, {}};
    std::vector<std::string> names;
    for (const Variable& column : grid.columns) names.push_back(column.name);
    for (std::size_t c = 0; c < names.size(); ++c)
        sheet.columns.push_back({names[c], names[c], all_numbers(table, c)});
    for (std::size_t row = 0; row < table.rows(); ++row) {
        std::vector<Cell> cells;
        for (std::size_t c = 0; c < names.size(); ++c) cells.push_back(cell_of(table.text(row, c)));
        sheet.rows.push_back(std::move(cells));
    }
    return print(sheet, invocation);
}

}   // namespace moecost::cli
