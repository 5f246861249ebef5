// SPDX-License-Identifier: Apache-2.0
// Any bytes as a table: fields that are written and read again alike, and measured points, or one InputError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "moecost/measured/measured.h"

namespace {

using namespace moecost;

std::string written(const CsvTable& table) {
    std::string s;
    for (std::size_t c = 0; c < table.header().size(); ++c)
        s.append(c == 0 ? "" : ",").append(csv_field(table.header()[c]));
    s.append("\n");
    for (std::size_t row = 0; row < table.rows(); ++row) {
        for (std::size_t c = 0; c < table.header().size(); ++c)
            s.append(c == 0 ? "" : ",").append(csv_field(table.text(row, c)));
        s.append("\n");
    }
    return s;
}

void check_again(const CsvTable& table) {
    const CsvTable again(written(table), "written.csv");
    if (again.header() != table.header() || again.rows() != table.rows()) std::abort();
    for (std::size_t row = 0; row < table.rows(); ++row) {
        for (std::size_t c = 0; c < table.header().size(); ++c) {
            if (again.text(row, c) != table.text(row, c)) std::abort();
        }
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const CsvTable table(text, "fuzz.csv");
        // A row of one empty field is a blank line, which is no row.
        if (table.header().size() > 1) check_again(table);
        for (const MeasuredPoint& p : read_points(table)) {
            if (p.pp && !(*p.pp >= 1)) std::abort();
        }
    } catch (const InputError&) {
        return 0;   // the expected answer to nonsense
    }
    return 0;
}
