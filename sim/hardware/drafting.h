// SPDX-License-Identifier: Apache-2.0
// Drafted tokens: what they gain by model and kind of text, what checking them costs by engine. hwmodels/drafting.toml.
#pragma once

#include <string_view>

#include "moecost/base/data.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

/// A drafted token at place j, those before it accepted, is accepted with chance a g^(j-1).
struct AcceptanceLaw {
    double acceptance = 0;   // a of outputs up to 1,024 tokens
    double decay = 1;        // g
    double growth = 0;       // added to a from 1,024 to 8,192 output tokens, in the logarithm
    bool measured = false;   // of this very model

    /// a(O) = a + growth clamp(ln(O/1024)/ln 8, 0, 1)
    [[nodiscard]] double at(double output_tokens) const;
};

struct DraftLaw {
    AcceptanceLaw text;          // as people write it
    AcceptanceLaw random_text;   // of benchmarks on random prompts
    DraftCost cost;              // of the engine
};

/// The law of a model (its name in the library) under an engine; an engine that the file does not name drafts for free.
[[nodiscard]] DraftLaw load_draft_law(const DataStore& data, std::string_view model, std::string_view engine);

}   // namespace moecost
