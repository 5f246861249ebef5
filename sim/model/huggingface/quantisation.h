// SPDX-License-Identifier: Apache-2.0
// What a quantization_config says, before it is laid over the components of a model: which modules, in which format.
// Inner header of the model room.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moecost/base/dtype.h"
#include "moecost/model/huggingface/config.h"
#include "moecost/model/huggingface/patterns.h"

namespace moecost {

/// What the numbers of a list entry count.
enum class Numbered { nothing, layers, experts, experts_of_layers };

/// Modules of a list entry. `names` different ones that differ by their numbers alone fell together in it; nothing
/// numbered: one name that stands for every layer and expert.
struct ListedModules {
    ModulePattern pattern;
    int names = 0;
    Numbered numbered = Numbered::nothing;
};

struct FormatRule {
    std::optional<ListedModules> target;   // nothing: every linear layer
    DType format = DType::bf16;
};

/// The first rule that names a module applies; ignored ones stay in bf16.
struct Scheme {
    std::vector<FormatRule> rules;
    std::vector<ListedModules> ignored;
    std::optional<DType> kv_cache;
    bool head = false;   // the output head is quantised unless it is ignored
};

/// InputError where the format is not understood, unless the caller states one (ImportOptions::weights_stated).
[[nodiscard]] Scheme read_scheme(const HfConfig& config, const Reader& table);

}   // namespace moecost
