// SPDX-License-Identifier: Apache-2.0
// Loss laws as TOML: the files of workloads/laws and those that a fit writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/law/law.h"

namespace moecost {

/// A law by name, alias or path to a file; keys are exact. InputError names the nearest known law or key.
[[nodiscard]] Law load_law(const DataStore& data, std::string_view name);
[[nodiscard]] std::vector<std::string> law_names(const DataStore& data);
[[nodiscard]] Law law_from_toml(const Document& document);
/// The law as TOML that law_from_toml reads back to the same value (the id excepted: it is the name of the file).
[[nodiscard]] std::string toml_of(const Law& law);

}   // namespace moecost
