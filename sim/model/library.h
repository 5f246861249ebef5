// SPDX-License-Identifier: Apache-2.0
// Models by name, by TOML file or by config.json (a folder that holds one works too).
#pragma once

#include <string_view>

#include "moecost/base/data.h"
#include "moecost/model/architecture.h"
#include "moecost/model/huggingface/huggingface.h"

namespace moecost {

/// `options` are about configurations of others; a model file of our own has nothing to ignore.
[[nodiscard]] Architecture load_model(const DataStore& data, std::string_view name,
                                      const ImportOptions& options = {});

}   // namespace moecost
