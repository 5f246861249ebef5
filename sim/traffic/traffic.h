// SPDX-License-Identifier: Apache-2.0
// WHO asks: lengths of requests and the load that offers them.
#pragma once

#include <string>
#include <string_view>

#include "moecost/base/data.h"
#include "moecost/traffic/lengths.h"
#include "moecost/traffic/load.h"

namespace moecost {

enum class LoadKind {
    closed_loop,    // `requests` in flight at all times
    rate,           // `requests` arrive per second
    offline,        // all requests queued at once (`requests` of them; 0: an endless queue)
    static_batch,   // one batch of `requests` submitted at once, no arrivals
    burst,          // `requests` arrive at once on an idle server, continuous batching
    prefill_only,   // one prompt phase, saturated
    decode_only     // `requests` sequences decoding, no prompts
};
[[nodiscard]] std::string_view name_of(LoadKind kind);

struct Traffic {
    std::string name;
    double input = 1024;          // mean prompt tokens (ISL)
    double output = 1024;         // mean output tokens (OSL), the first included
    double prefix_hit_rate = 0;   // of prompt tokens found in the prefix cache
    bool equal_lengths = false;   // every request has exactly these lengths: requests stay in step
    LoadKind load = LoadKind::closed_loop;
    double requests = 64;   // meaning by `load`

    [[nodiscard]] double computed_input() const { return input * (1 - prefix_hit_rate); }
    /// Mean context of a decoding sequence: I + O/2.
    [[nodiscard]] double mean_context() const { return input + output / 2; }
};

/// Service-level objective; 0: none.
struct Slo {
    double ttft_s = 0;
    double tpot_s = 0;
};

/// workloads/traffic/*.toml by name or path: lengths only, the load is the user's.
[[nodiscard]] Traffic load_traffic(const DataStore& data, std::string_view name);
/// The distributions of the same file, with its means: its table [lengths], else those of lengths_of().
///   law = "quantiles": input and output at `levels`;  "uniform": [lowest, highest];  "lognormal": input and output
///   are coefficients of variation.
[[nodiscard]] Lengths load_lengths(const DataStore& data, std::string_view name);

/// The lengths and the load that a Traffic with means alone stands for: equal lengths, or uniform from 0.8 of the
/// largest on, as the public benchmarks draw them.
[[nodiscard]] Lengths lengths_of(const Traffic& traffic);
[[nodiscard]] Load load_of(const Traffic& traffic);

}   // namespace moecost
