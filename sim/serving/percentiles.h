// SPDX-License-Identifier: Apache-2.0
// Percentiles of a load on one instance, the largest rate that meets objectives, and the same load simulated.
#pragma once

#include <string_view>
#include <vector>

#include "moecost/base/expected.h"
#include "moecost/serving/latency.h"
#include "moecost/serving/serving.h"
#include "moecost/serving/simulate.h"
#include "moecost/traffic/length_presets.h"
#include "moecost/traffic/load.h"

namespace moecost {

/// What an instance is made of; refers to what must outlive it.
struct EngineInstance {
    StepTimer& timer;
    const ServingConstants& constants;
    const EngineSettings& settings;
    const Layout& layout;
    const MemoryPlan& memory;
};

enum class Saturation { stable, near, overloaded };   // near: above 0.85 of the capacity
[[nodiscard]] std::string_view name_of(Saturation saturation);

struct ServingLatency {
    Latency ttft, tpot, e2e;
    PerSecond capacity;   // requests/s with every slot busy
    double load = 0;      // requests/s over capacity
    Saturation saturation = Saturation::stable;
    double waits = 0;             // share of requests that find no slot or memory
    Seconds slot_wait;            // mean wait of those
    double preemptions = 0;       // per request, where cache grows and memory binds
    bool valid = true;            // the closed form is within its tested range; else simulate
    std::string_view why_not{};   // when not
};

/// The distributions behind the means of serve(): the same load, the same scalars. Closed loops, open loops, offline
/// queues, bursts, static batches and single phases; of a replay its mean rate and its burstiness. `means` is what
/// serve() answered: where the calibrated engine is slower than the ideal scheduler the times come later by the
/// difference, where faster they shrink.
/// Valid where outputs are more than a few tokens and, of open loops, P(wait) <= 0.02; of closed loops beyond the slots
/// (slot_queue.h), where slots bind and not memory; of bursts, where all fit. Against simulation see results/serving.
[[nodiscard]] Expected<ServingLatency> serving_latency(const EngineInstance& instance, const Traffic& traffic,
                                                       const Lengths& lengths, const Load& load,
                                                       const Serving& means);

/// An upper bound of a figure: its mean (level 0) or the quantile at `level`.
struct LatencyObjective {
    enum class Of { ttft, tpot, e2e } of = Of::ttft;
    double level = 0;
    Seconds limit;
};
[[nodiscard]] bool meets(const ServingLatency& latency, const LatencyObjective& objective);
/// Share of requests within all limits, TTFT and TPOT taken as independent; a level plays no part.
[[nodiscard]] double goodput_share(const ServingLatency& latency,
                                   const std::vector<LatencyObjective>& objectives);

/// The largest rate (Poisson, or as bursty) at which all objectives hold, by bisection to 0.1 %. Infeasible when a lone
/// request misses one: the floor is named.
[[nodiscard]] Expected<PerSecond> highest_rate(const EngineInstance& instance, const Traffic& traffic,
                                               const Lengths& lengths, double burstiness,
                                               const std::vector<LatencyObjective>& objectives);

struct SimulatedLoad {
    double requests = 20000;   // that count, after a fifth as warm-up (steady loads)
    std::uint64_t seed = 1;
    int timeline_points = 0;
    Slo slo;
    std::function<void(double done)> progress{};
    std::function<bool(TracedRequest&)> trace{};   // the requests of a Replay whose load has none itself
};
/// Runs that end by themselves count whole; steady loads count after a fifth of them.
[[nodiscard]] bool ends_by_itself(const Load& load);
/// Loads of requests that come and go: what can be simulated. Not static batches in step, nor single phases.
[[nodiscard]] bool comes_and_goes(const Load& load);
/// What the event simulator is told of a load, whatever it runs on; its front end is still to be set.
[[nodiscard]] SimulationSettings simulation_settings(const Load& load, const SimulatedLoad& options);
/// The load on the event simulator: every request, the scheduler's rules. The front end of the engine is added to TTFT.
/// Infeasible for loads without requests (static batches in step, single phases).
[[nodiscard]] Expected<Simulation> simulated(const EngineInstance& instance, const Traffic& traffic,
                                             const Lengths& lengths, const Load& load,
                                             const SimulatedLoad& options);

}   // namespace moecost
