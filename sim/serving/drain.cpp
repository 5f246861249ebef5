// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/drain.h"

#include <algorithm>

#include "moecost/traffic/length_presets.h"

namespace moecost {
namespace {

/// Those that are left after m more tokens: their share, and the answer they have behind them.
struct Left {
    double share = 0;
    double behind = 0;
};

Left left_of(const LengthNodes& output, double mean, double m, Residents residents) {
    double share = 0;
    double area = 0;
    for (const LengthNode& o : output) {
        if (o.tokens <= m) continue;
        share += o.weight * (residents == Residents::met ? o.tokens - m : 1);
        area += o.weight * (o.tokens * o.tokens - m * m) / 2;
    }
    if (residents == Residents::beginning) return {share, m};
    return {share / mean, share > 0 ? area / share : m};
}

}   // namespace

Seconds drain(const ServingInput& in, double requests, Residents residents) {
    const Lengths lengths = lengths_of(in.traffic);
    const LengthNodes output = nodes(lengths.output);
    StepShape s;
    s.queries = 1 + in.engine.draft_tokens;
    Seconds time;
    double from = 0;
    for (const LengthNode& o : output) {
        if (o.tokens <= from) continue;
        const Left left = left_of(output, in.traffic.output, (from + o.tokens) / 2, residents);
        s.decode_sequences = std::max(requests * left.share, 1.0);
        s.decode_context = in.traffic.seen_input() + left.behind;
        time += (o.tokens - from) / in.engine.tokens_per_step() * decode_time(in, s).total;
        from = o.tokens;
    }
    return time;
}

Seconds run_with_end(const ServingInput& in, double requests, double slots, const Serving& full) {
    const double waves = requests / slots;
    const Seconds alike =
        std::max(in.traffic.output - 1, 0.0) / in.engine.tokens_per_step() * full.decode_time.total;
    Seconds first, last;
    if (waves < 2) {
        const Seconds beginning = drain(in, std::min(requests, slots), Residents::beginning);
        first = full.e2e + max(beginning - alike, Seconds{0});
        if (waves <= 1) return first;
    }
    last = waves * full.e2e + drain(in, slots, Residents::met) - in.traffic.resident_output / 2 * alike;
    const double share = std::min(waves - 1, 1.0);
    return (1 - share) * first + share * last;
}

}   // namespace moecost
