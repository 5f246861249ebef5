// SPDX-License-Identifier: Apache-2.0
// What an engine keeps in the memory of a GPU beside the checkpoint and the cache, by its version: constants of the laws
// in sim/serving/{engine_weights,reserve,pages}.h, from the tables [memory], [[memory_terms]] and [[padding]] of a rules
// file.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/dtype.h"
#include "moecost/base/quantity.h"
#include "moecost/base/value.h"
#include "moecost/hardware/rule_conditions.h"

namespace moecost {

/// "0.19.0" is {0, 19}: later figures do not part the laws of memory.
struct EngineVersion {
    int major = 0;
    int minor = 0;
    auto operator<=>(const EngineVersion&) const = default;
};
/// Nothing when the text does not begin with two numbers and a point between them.
[[nodiscard]] std::optional<EngineVersion> version_of(std::string_view text);

/// Constants of one span of versions. All are per GPU.
struct MemoryTerms {
    Bytes context_one,
        context_many;   // gone before the engine takes its share: one GPU, or several that communicate
    Bytes other_one, other_many;   // inside the share: context, libraries, communication buffers
    double logit_bytes = 0;        // sampler: bytes of one sequence and one word of the vocabulary
    Bytes sampler_fixed;
    double forward_hidden = 0;   // layers: copies of the hidden vector of a token alive at once
    Bytes forward_fixed;
    bool expert_workspace = false;    // buffers of the routed experts stay allocated while tokens are sampled
    Bytes graphs, graphs_per_layer;   // CUDA graphs inside the share; 0: outside
    bool rotary_tables = false;       // cosines and sines of every position, on each GPU
    bool absorbed_copies = false;     // latent attention keeps its up-projections a second time
    double block_tokens = 1;          // tokens of a page of the cache
    bool unified_pages = false;       // recurrent state takes pages as large as those of attention
};

/// Routed experts in one of the formats are stored with both sizes rounded up to these multiples.
struct Padding {
    std::vector<DType> formats;
    std::vector<std::string> generations;   // empty: any
    std::vector<Condition> when;
    double hidden_multiple = 1;
    double width_multiple = 1;
    std::optional<EngineVersion> before;   // versions that did so; nothing: all
};

struct TermsSince {
    EngineVersion since;
    std::string released;   // month of that version, "2026-03"
    MemoryTerms terms;
};

struct EngineMemory {
    EngineVersion version;           // whose terms hold when none is named
    std::vector<TermsSince> terms;   // ascending; empty: nothing is known
    std::vector<Padding> paddings;
};

/// The terms of a version: of the last row that is not later; of the first row for older ones. Null: none are known.
[[nodiscard]] const MemoryTerms* terms_of(const EngineMemory& memory, EngineVersion version);
[[nodiscard]] inline const MemoryTerms* terms_of(const EngineMemory& memory) {
    return terms_of(memory, memory.version);
}

/// The three tables of a rules file; `rules` is its root.
[[nodiscard]] EngineMemory engine_memory_from_toml(const Reader& rules,
                                                   std::vector<std::string>& generations);

}   // namespace moecost
