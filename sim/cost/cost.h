// SPDX-License-Identifier: Apache-2.0
// Seconds to dollars and joules. Prices are per million tokens (Mtok).
#pragma once

#include "moecost/base/quantity.h"
#include "moecost/cost/power.h"

namespace moecost {

struct Cost {
    double usd_per_hour = 0;   // of one instance
    double usd_per_mtok_output = 0;
    double usd_per_mtok_input = 0;
    double usd_per_mtok_cached = 0;    // marginal price of a prompt token found in the prefix cache
    double usd_per_mtok_blended = 0;   // at the stated input : output ratio
    double usd_per_mtok_total = 0;     // over input and output tokens as they come in this traffic
    JoulesPerToken joules_per_output_token;
    Watts watts_per_gpu;
};

/// What the arithmetic needs besides the serving figures.
struct CostInput {
    double gpus = 1;   // of one instance
    double usd_per_gpu_hour = 0;
    double blend_input_parts = 3;   // blended price: this many input tokens per output token
    Bytes cache_bytes_per_token;    // of one GPU, all layers
    const Accelerator* gpu = nullptr;
    PowerLaw power;
};

/// GPU time is split by the share p of it that goes to prompts, with c dollars per second of the instance:
///   input  $/token = p c/(X I_computed);  output $/token = (1 - p) c/(X O);  blended = (r input + output)/(r + 1)
/// so that X (I_computed input + O output) = c exactly: prices add up to the rent.
/// cached $/token = c (read of its cache at datasheet bandwidth + its share of memory while the request lives), at
/// most the input price (a token dearer to hold than to compute would be evicted).
/// Prices of tokens that do not flow are 0: input and cached where no prompt is computed, output where nothing is
/// written, blended where one of the two is missing.
/// energy: J = W G/(X O), W of power.h.
[[nodiscard]] Cost cost_of(const Serving& serving, const Traffic& traffic, const CostInput& input);

}   // namespace moecost
