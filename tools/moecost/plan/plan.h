// SPDX-License-Identifier: Apache-2.0
// What `plan` was asked and what it found, as a value that the printers of its three formats share.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "estimate/estimate.h"
#include "moecost/plan/plan.h"
#include "moecost/plan/planning.h"
#include "moecost/plan/pools_search.h"
#include "moecost/plan/speed_frontier.h"
#include "moecost/plan/trust.h"
#include "plan/day.h"

namespace moecost::cli {

struct PlanQuestion {
    PlanSpace space;
    std::vector<Description> variants;   // one for each variant of the space: all but its layout and replicas
    std::vector<std::string> kinds;      // accelerators or clusters as they were named
    std::map<std::string, std::uint64_t> rejected;   // formats that do not run, by reason
    PlanningAssumptions assumptions;
    std::string price_basis;             // of all machines
    std::vector<bool> marked;            // machines whose kernels nobody timed
    std::vector<double> ttft_room;       // of machines: how far below its limit the TTFT is to be
    double chance = 0;                   // of meeting the objectives, that is demanded; 0: none
    std::vector<std::string> warnings;   // prices of several kinds, formats that change the model
    std::optional<DayQuestion> day;
    bool one_pool = true, two_pools = true;   // kinds of deployments that are searched
    unsigned threads = 1;
};
/// What machines are sized with where a chance is demanded.
struct Sizing {
    double split = 0.95;             // how much of the chance is that of the speed (chance_demand)
    std::vector<LogSpread> beyond;   // of machines: shares outside the fitted ranges; missing: none
};
/// InputError names the option and what is allowed.
[[nodiscard]] PlanQuestion plan_question(const Invocation& invocation, const Sizing& sizing);
/// Objective, budgets, demanded chance, largest load.
void read_goal(const CommandLine& line, PlanQuestion& question);
/// The loads of a day; or the same rate in every hour, where an API is to be compared.
void read_day(const CommandLine& line, Description& base, PlanQuestion& question);
/// Some rent of the accelerator is known.
[[nodiscard]] bool has_price(const DataStore& data, const std::string& name, bool is_cluster,
                             const std::string& choice);
/// Base of the price of each machine: one that all have, unless --price says another.
void choose_prices(const Invocation& invocation, Description& base, const std::vector<std::string>& gpus,
                   PlanQuestion& question);

/// A deployment of the answer with its figures, as `estimate` gives them, and how far it is from missing its objectives.
struct PlannedAnswer {
    Planned planned;
    EstimateAnswer estimate;
    PlanTrust trust;
};
/// Prefill and decode apart.
struct ApartAnswer {
    PlannedPools planned;
    EstimateAnswer estimate;
    PlanTrust trust;
    Slo least{};   // of the nearest: mean times of a lone prompt and a lone token, the least of all workers
};
/// Where no candidate runs: the options that keep every instance from running, as they would let one.
struct Relaxed {
    std::string options;   // "--instance-gpus 16", "leaving out --tp"
    bool frees = false;    // some are left out
    Planned planned;
};
struct PlanResult {
    PlanAnswer answer;
    std::optional<PlannedAnswer> best, nearest, within_budget, smallest;
    std::vector<PlannedAnswer> rivals, of_kind;
    std::array<std::optional<PlannedAnswer>, plan_limits> loosened;
    std::optional<DayAnswer> day;
    std::optional<ApartAnswer> apart;        // nothing: no pair meets the objectives, or nobody asked
    std::optional<ApartAnswer> near_apart;   // then: the pair that comes nearest
    std::optional<Relaxed> relaxed;          // where nothing runs: what would
    std::uint64_t pairs_tried = 0;           // layouts of both phases
    std::optional<std::vector<SpeedPoint>> frontier;   // where it was asked for
    std::string launch;                                // commands of the answer, where they were asked for
};

/// The same of two pools.
[[nodiscard]] Description description_of(const PlanQuestion& question, const PlannedPools& planned);
[[nodiscard]] std::string deployment_name(const PlanQuestion& question, const PlannedPools& planned);
/// How likely it meets the objectives, and on what that rests.
[[nodiscard]] std::string chance_text(const PlanQuestion& question, const PlanTrust& trust);
[[nodiscard]] std::string apart_text(const PlanQuestion& question, const PlanResult& result,
                                     const Style& style);

/// Two pools that are cheaper than the answer of one, or that were left out; empty: neither.
[[nodiscard]] std::string other_pools(const PlanQuestion& question, const PlanResult& result);

/// The description that `estimate` reproduces a deployment from.
[[nodiscard]] Description description_of(const PlanQuestion& question, const Planned& planned);
/// Nobody timed kernels of its accelerator or of its formats: sized and ranked as if it were slower.
[[nodiscard]] bool is_marked(const PlanQuestion& question, std::size_t variant);

/// By how much a deployment misses what was asked, each alone; 0: it does not.
struct Shortfall {
    int gpus = 0;                    // beyond the budget
    double usd_per_hour = 0;         // beyond the budget
    double ttft_s = 0, tpot_s = 0;   // times of the objectives as it is sized, where they are missed
    /// The largest of the amounts over what is allowed.
    double worst = 1;
};
[[nodiscard]] Shortfall shortfall_of(const PlanQuestion& question, const PlannedAnswer& answer);
[[nodiscard]] Shortfall shortfall_of(const PlanQuestion& question, const ApartAnswer& answer);
/// Options with which the same question has an answer: that deployment. Empty: none are known.
[[nodiscard]] std::string near_options(const PlanQuestion& question, const PlanResult& result);
/// Lines of the answer for what comes nearest, and the message that goes with status 3.
[[nodiscard]] std::string near_text(const PlanQuestion& question, const PlanResult& result,
                                    const Style& style);
[[nodiscard]] std::string near_apart_text(const PlanQuestion& question, const ApartAnswer& near,
                                          const Style& style);
[[nodiscard]] std::string near_message(const PlanQuestion& question, const PlanResult& result);
/// "chip 1.6 times, chip in format 2.3 times": machines that are sized slower, of these variants.
[[nodiscard]] std::string sized_slower(const PlanQuestion& question, const PlanResult& result);

/// A line of an answer: label and text, wrapped.
[[nodiscard]] std::string answer_line(std::string_view label, std::string_view text, std::size_t width);
/// The lines of one deployment.
[[nodiscard]] std::string answer_text(const PlanQuestion& question, const PlannedAnswer& answer,
                                      const Style& style);

[[nodiscard]] std::string plan_text(const PlanQuestion& question, const PlanResult& result,
                                    const Invocation& invocation);
[[nodiscard]] std::string plan_json(const PlanQuestion& question, const PlanResult& result);
[[nodiscard]] std::string plan_csv(const PlanQuestion& question, const PlanResult& result);
[[nodiscard]] std::string rejected_csv(const PlanQuestion& question, const PlanAnswer& answer);
[[nodiscard]] std::string frontier_csv(const PlanQuestion& question, const std::vector<SpeedPoint>& points);
/// "24 x h200_sxm = 3 x (TP8)": deployments in a line.
[[nodiscard]] std::string deployment_name(const PlanQuestion& question, const Planned& planned);

}   // namespace moecost::cli
