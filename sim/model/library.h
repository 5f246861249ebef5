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

/// The model of a document that has been read: a model file, or a config.json, with the quantisation file beside it.
[[nodiscard]] Architecture model_from_document(const Document& document, const ImportOptions& options = {});

/// InputError for files that hold weights (GGUF, safetensors) in place of a description.
void refuse_weights_file(std::string_view path);

}   // namespace moecost
