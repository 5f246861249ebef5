// SPDX-License-Identifier: Apache-2.0
// The model library as a sheet: size, experts, attention kinds, cache per token; and the families of architectures.
#pragma once

#include <string>

#include "sheet.h"

namespace moecost::cli {

[[nodiscard]] Sheet list_models(const DataStore& data, const std::string& unused);
/// Leaves the rows that the options ask for: --mechanism, --min-size, --max-size, --licence, --since.
void filter_models(Sheet& sheet, const CommandLine& line);
[[nodiscard]] std::vector<Flag> list_flags();
[[nodiscard]] Sheet list_families(const DataStore& data, const std::string& unused);

}   // namespace moecost::cli
