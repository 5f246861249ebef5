// SPDX-License-Identifier: Apache-2.0
// Architectures from a Hugging Face config.json (or Mistral's params.json), dispatched on the keys that are there
// (models of a family import without knowing their name), with the quantisation of the release turned into a precision
// per component.
#pragma once

#include <string>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// What a person may say about a configuration.
struct ImportOptions {
    std::vector<std::string> ignored_keys{};   // accepted although nothing here reads them
    bool towers = true;                        // count encoders of images and sound
    bool tables_on_host = false;               // n-gram and per-layer tables in the memory of the host
    bool check_keys = true;                    // false: keys that nothing reads are nobody's concern
    bool weights_stated =
        false;   // the caller states the number format: one that is not understood is no error
};

/// True when the document looks like a Hugging Face configuration rather than our own TOML.
[[nodiscard]] bool is_huggingface_config(const Document& document);

/// `quantisation` is the optional hf_quant_config.json beside it. Assumptions land in Architecture::notes, keys that
/// nothing reads and that need not matter in Architecture::warnings. An InputError names the key that is missing or
/// impossible, a key that nothing reads and that says a size, or a quantisation that is not understood.
[[nodiscard]] Architecture import_huggingface(const Document& config, const Document* quantisation = nullptr,
                                              const ImportOptions& options = {});

}   // namespace moecost
