// SPDX-License-Identifier: Apache-2.0
// What the prefix cache of an instance finds again of its prompts, from what its memory leaves and how soon they return.
#pragma once

#include "moecost/serving/serving.h"
#include "moecost/traffic/reuse.h"

namespace moecost {

/// How prompts come back, and the tier behind the memory of the GPUs.
struct PrefixReuse {
    std::shared_ptr<const ReuseCurve> curve{};   // of a trace, at the rate of the trace
    double curve_rate = 0;                       // requests/s of the curve
    double turns = 0;                            // of conversations; 0: there are none
    double think_s = 60;
    Bytes host_per_gpu{0};            // of the second tier
    BytesPerSecond host_link{50e9};   // of a GPU, one direction
    [[nodiscard]] bool known() const { return curve != nullptr || turns > 1; }
};

/// The traffic of one instance with the hits that its cache can have: tier_hits() of the cache beside the running
/// requests and of the host tier, at the rate at which the instance answers; three rounds to the fixed point. What comes
/// from the host tier takes its transfer, which delays the first token (restore_s). Unknown reuse: as it was.
struct SettledTraffic {
    Traffic traffic;
    TierHits hits;
};
[[nodiscard]] SettledTraffic with_prefix_hits(const PrefixReuse& reuse, StepTimer& timer,
                                              const ServingConstants& constants,
                                              const EngineSettings& settings, const Layout& layout,
                                              const MemoryPlan& memory, Traffic traffic);

}   // namespace moecost
