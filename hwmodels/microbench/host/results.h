// SPDX-License-Identifier: Apache-2.0
// The output folder: one CSV for each table. A row is written whole or not at all, so that an interrupted run, a full
// disk or a crash leaves valid tables, and the next run measures only what is missing.
#pragma once

#include <map>
#include <set>
#include <string>

#include "host/tables.h"
#include "moecost/base/csv.h"

namespace microbench {

class Results {
  public:
    /// Creates the folder. SystemError when that fails.
    explicit Results(std::string folder);

    /// Whether the case has a row already. The first question about a table reads it, after an incomplete last line
    /// (of a run that was killed) has been cut off. InputError when the file has other columns than the case.
    [[nodiscard]] bool finished(const Case& c);
    /// Appends one row with a single write; on failure the file is cut back to what it was and SystemError thrown.
    void append(const Case& c, const std::string& row);
    [[nodiscard]] std::string path_of(const std::string& table) const;

    /// Around each case: a run that ends between the two, however it ends, leaves a line in DIR/unfinished.txt.
    void begin(const Case& c);
    void end();
    /// Runs that ended in the case.
    [[nodiscard]] std::size_t times_unfinished(const Case& c) const;

  private:
    const std::set<std::string>& keys_of(const Case& c);
    std::string folder_;
    std::string unfinished_path() const;
    std::map<std::string, std::set<std::string>> keys_;   // by table
    std::map<std::string, std::size_t> unfinished_;       // by name
};

/// Cuts off what follows the last newline. Missing and complete files stay as they are.
void drop_incomplete_line(const std::string& path);

/// Appends `text` to the file, creating it, whole or not at all. SystemError when it cannot.
void append_whole(const std::string& path, const std::string& text);

/// Keys of the rows of a table that holds the identity columns `identity`.
[[nodiscard]] std::map<std::string, std::size_t> rows_by_key(const moecost::CsvTable& table,
                                                             const std::vector<std::string>& identity);

}   // namespace microbench
