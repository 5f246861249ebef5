// SPDX-License-Identifier: Apache-2.0
// The lists that `list` can print.
#pragma once

#include <string>
#include <vector>

#include "sheet.h"

namespace moecost::cli {

/// What may follow `moecost list`.
[[nodiscard]] std::vector<std::string> list_names();

[[nodiscard]] Sheet list_inputs(const DataStore& data, const std::string& unused);
[[nodiscard]] Sheet list_figures(const DataStore& data, const std::string& unused);
[[nodiscard]] Sheet list_columns(const DataStore& data, const std::string& unused);

}   // namespace moecost::cli
