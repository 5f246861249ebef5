// SPDX-License-Identifier: Apache-2.0
// Where the test data of the model room lies.
#pragma once

#include <filesystem>
#include <string>

#include "moecost/base/csv.h"
#include "moecost/base/data.h"
#include "moecost/base/file.h"
#include "moecost/model/architecture.h"
#include "moecost/model/library.h"

namespace moecost::test {

inline std::string fixture(const std::string& name) {
    return std::string(MOECOST_TEST_DATA).append("/model/fixtures/").append(name);
}

inline CsvTable csv_fixture(const std::string& name) { return CsvTable(read_file(fixture(name)), name); }

/// The value of a numeric field that must be there.
inline double value(const CsvTable& table, std::size_t row, const char* column) {
    return table.number(row, table.column(column)).value();
}

inline Architecture model(std::string_view name) { return load_model(DataStore{}, name); }

/// A configuration fixture, with name and source as the library has them so that the rest can be compared.
inline Architecture imported(const std::string& stem) {
    Architecture a = load_model(DataStore{}, fixture("configs/" + stem + ".json"));
    a.source.clear();
    return a;
}

}   // namespace moecost::test
