// SPDX-License-Identifier: Apache-2.0
// The cheapest way to serve each of many architectures: evaluate() over accelerators, counts, layouts and concurrency.
// What serving costs does not depend on a loss law, so one table answers every question about training.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "moecost/estimate/estimate.h"
#include "moecost/plan/candidate_layouts.h"

namespace moecost {

/// Which dollars per million tokens are minimised.
enum class CostBasis {
    output,    // rent over output tokens: every output token carries its share of prompt work
    total,     // rent over input and output tokens as they come in this traffic
    blended,   // Cost::usd_per_mtok_blended
};
[[nodiscard]] std::string_view name_of(CostBasis basis);
[[nodiscard]] double usd_per_mtok(const Estimate& estimate, CostBasis basis);

struct DeploymentSpace {
    std::vector<Scenario>
        machines;            // one for each accelerator: engine, precision, lengths, objectives, price
    std::vector<int> gpus;   // of one instance
    FixedDegrees fixed;
    std::vector<ExpertExchange> exchanges{ExpertExchange::collective};   // where experts are spread
    std::vector<double> concurrency;   // requests in flight, ascending; empty: the load of the scenarios
    // Besides the listed numbers: one, as many as fit and some just below, and as many as the objectives allow (to one
    // in 64). Listed numbers
    // beyond what fits are left out then: waiting requests add no throughput.
    bool fill = false;
    CostBasis cost = CostBasis::output;
};

/// Limits of serving that may be loosened by `relaxation` to see whether they bind.
enum class ServingLimit { none, tpot, ttft, memory };
inline constexpr std::size_t serving_limits = 4;
inline constexpr double relaxation = 1.1;

/// A deployment of one architecture on one accelerator; usd_per_mtok is infinite where there is none.
struct Deployment {
    std::size_t machine = 0;
    Layout layout;
    double requests = 0;   // as the load of the scenario counts them
    double usd_per_mtok = HUGE_VAL;
    double usd_per_hour = 0;
    double output_tokens_per_s = 0;
    double tpot_s = 0;
    double ttft_s = 0;
    double max_concurrency = 0;
    Provenance provenance = Provenance::calibrated;
    [[nodiscard]] bool possible() const { return usd_per_mtok < HUGE_VAL; }
};

/// One architecture on one accelerator.
struct Served {
    std::array<Deployment, serving_limits> best;   // the cheapest with one limit loosened, by ServingLimit
    std::uint64_t evaluated = 0;                   // points
    bool fits = false;                             // in the memory of some layout
    Infeasible why;                                // where not one deployment runs: the last reason
    double least_tpot_s = HUGE_VAL;                // over all points
    double least_ttft_s = HUGE_VAL;
};

/// The cheapest deployment of an architecture on one machine, over layouts and concurrency. Equal prices: the first in
/// the order of layouts and rungs.
[[nodiscard]] Served cheapest(const DeploymentSpace& space, std::size_t machine,
                              std::span<const Layout> layouts, const Architecture& architecture);

/// cheapest() of every architecture on every machine: [architecture][machine]. `finished` hears of each, on the thread
/// that found it. The result does not depend on the loop; pairs that it leaves out stay empty.
[[nodiscard]] std::vector<std::vector<Served>> serving_table(
    const DeploymentSpace& space, std::span<const Architecture* const> architectures,
    const CandidateLoop& loop = in_order, const std::function<void(const Served&)>& finished = {});

}   // namespace moecost
