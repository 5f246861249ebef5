// SPDX-License-Identifier: Apache-2.0
// What a sweep prints: the rows of a small one that is given no file, and the frontier as a table.
#pragma once

#include <filesystem>

#include "command.h"
#include "moecost/sweep/sweep.h"

namespace moecost::cli {

/// A folder of its own that is gone when it leaves scope.
class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

/// InputError where the rows are too many to print, or what is asked needs a file.
void check_printable(const Invocation& invocation, const Grid& grid);

/// The rows on the frontier, in the format of the invocation.
[[nodiscard]] std::string frontier_table(const Invocation& invocation, const Grid& grid,
                                         const Manifest& manifest);

}   // namespace moecost::cli
