// SPDX-License-Identifier: Apache-2.0
// Architectures from a Hugging Face config.json, dispatched on the keys that are there (models of a family import
// without knowing their name), with the quantisation of the release turned into a precision per component.
#pragma once

#include "moecost/base/value.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// True when the document looks like a Hugging Face configuration rather than our own TOML.
[[nodiscard]] bool is_huggingface_config(const Document& document);

/// `quantisation` is the optional hf_quant_config.json beside it. Assumptions land in Architecture::notes; an
/// InputError names the key that is missing or impossible.
[[nodiscard]] Architecture import_huggingface(const Document& config, const Document* quantisation = nullptr);

}   // namespace moecost
