// SPDX-License-Identifier: Apache-2.0
// A question answered with percentiles, by the closed form where it holds and by the event simulation elsewhere.
#pragma once

#include <cstdint>
#include <functional>

#include "moecost/estimate/estimate.h"

namespace moecost {

struct AnswerOptions {
    enum class By { automatic, closed_form, simulation } by = By::automatic;
    double requests = 20000;   // simulated after a quarter as many of warm-up; a trace is replayed whole
    std::uint64_t seed = 1;
    int timeline_points = 0;   // at most; 0: none
    std::function<void(double done)> progress{};
    std::function<bool(TracedRequest&)> trace{};   // requests of a Replay that is read from its file
};

/// evaluate() with the distributions of its latencies, and the share of requests within the objectives where there are
/// some. Automatic: a load at a rate where the closed form says that it does not hold (Serving::doubt) and every replay
/// are simulated, with the same steps and the same scheduler. Infeasible: as evaluate(); a load that has no requests to
/// simulate. Loads above the capacity have no steady state: they are infeasible either
/// way, but a trace ends and is replayed.
[[nodiscard]] Expected<Estimate> answer(const Scenario& scenario, const AnswerOptions& options);

/// The highest rate of the whole deployment, requests/s, at which all objectives hold, with the burstiness of its load.
/// By the closed form, and where that does not hold at the rate found, by simulation. Infeasible: no objective is set,
/// or a lone request misses one.
[[nodiscard]] Expected<PerSecond> highest_rate(const Scenario& scenario, const AnswerOptions& options);

}   // namespace moecost
