// SPDX-License-Identifier: Apache-2.0
// Lists of modules as quantisation tables write them: thousands of names that differ by their layer alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/model/huggingface/quantisation.h"

namespace moecost {

/// Entries as patterns with the number of layers, experts, or experts of layers that each names; names of layers beyond
/// the last (modules of multi-token prediction) and of layers beside the decoder (towers) are left out. InputError beyond
/// 256 different ones.
[[nodiscard]] std::vector<ListedModules> listed(const HfConfig& config, const Reader& table,
                                                std::string_view key, std::vector<std::string> names);

}   // namespace moecost
