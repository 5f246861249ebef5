// SPDX-License-Identifier: Apache-2.0
// WHO asks: lengths of requests and the load that offers them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "moecost/traffic/lengths.h"
#include "moecost/traffic/load.h"
#include "moecost/traffic/reuse.h"

namespace moecost {

class DataStore;

struct Traffic {
    std::string name;
    double input = 1024;          // mean prompt tokens (ISL)
    double output = 1024;         // mean output tokens (OSL), the first included
    double prefix_hit_rate = 0;   // of prompt tokens found in the prefix cache
    bool equal_lengths = false;   // every request has exactly these lengths: requests stay in step
    Load load = ClosedLoop{};
    std::shared_ptr<const Lengths>
        shape;                   // how lengths spread about these means; null: as lengths_of() says
    double resident_input = 1;   // with a shape: E[I O]/(E[I] E[O])
    double resident_output =
        1;   // E[O^2]/E[O]^2: long answers stay longer, so whoever looks meets them more often

    std::shared_ptr<const ReuseCurve> reuse;   // of a trace: how soon its prompts come back
    double restore_s = 0;   // of a request: its cached prompt that comes from the memory of the host
    [[nodiscard]] double computed_input() const { return input * (1 - prefix_hit_rate); }
    /// Prompt and whole answer of a request that is met in decode.
    [[nodiscard]] double seen_input() const { return equal_lengths ? input : resident_input * input; }
    [[nodiscard]] double seen_output() const { return equal_lengths ? output : resident_output * output; }
    /// Mean context of a decoding sequence, E[I O]/E[O] + E[O^2]/(2 E[O]): I + O/2 of equal lengths, and to 0.2 % of lengths
    /// from 0.8 of the largest on.
    [[nodiscard]] double mean_context() const { return seen_input() + seen_output() / 2; }
    /// Lengths spread like these, whatever the means.
    void spread_as(std::shared_ptr<const Lengths> lengths);
};

/// Service-level objective: the largest time, 0: none, and of what: the mean (level 0), or the percentile at a level
/// (0.95: of that share of the requests).
struct Slo {
    double ttft_s = 0;
    double tpot_s = 0;
    double ttft_level = 0;
    double tpot_level = 0;

    /// Some objective is about a percentile.
    [[nodiscard]] bool of_percentiles() const {
        return (ttft_s > 0 && ttft_level > 0) || (tpot_s > 0 && tpot_level > 0);
    }
};

/// workloads/traffic/*.toml by name or path, with the distributions of its table [lengths] as the shape; the load is the
/// user's.
[[nodiscard]] Traffic load_traffic(const DataStore& data, std::string_view name);

}   // namespace moecost
