// SPDX-License-Identifier: Apache-2.0
// Models by name, by TOML file or by config.json (a folder that holds one works too).
#pragma once

#include <string_view>

#include "moecost/base/data.h"
#include "moecost/model/architecture.h"

namespace moecost {

[[nodiscard]] Architecture load_model(const DataStore& data, std::string_view name);

/// The model of a document that has been read: a model file, or a config.json, with the quantisation file beside it.
[[nodiscard]] Architecture model_from_document(const Document& document);

}   // namespace moecost
