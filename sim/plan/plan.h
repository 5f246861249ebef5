// SPDX-License-Identifier: Apache-2.0
// What to rent: over machines, formats, settings and layouts that the engine launches, the deployment that carries a load
// within the objectives and is best by a goal. One pool; instances share the load evenly.
//   replicas = the least n for which an instance meets the objectives at load/n <= max_load capacity
// Branch and bound: candidates come in the order of a lower bound of their score (all slots busy), and only those whose
// bound can still matter are worked out. The answer equals that of trying every number of replicas of every candidate,
// where times grow with load.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/plan/candidate_layouts.h"
#include "moecost/plan/trial.h"

namespace moecost {

/// What is least: dollars per hour; mean end-to-end time, with as many instances as the budget allows; GPUs per output
/// token/s at the largest load within the objectives; GPUs; joules per output token.
enum class PlanGoal { cost, latency, throughput, gpus, energy };
[[nodiscard]] std::string_view name_of(PlanGoal goal);

/// Objectives that may be loosened alone to see what they cost.
enum class PlanLimit { none, ttft, tpot };
inline constexpr std::size_t plan_limits = 3;
inline constexpr double plan_relaxation = 1.1;
/// Rivals are within this factor of the best score.
inline constexpr double rival_factor = 1.1;

struct PlanMachine {
    Scenario scenario;      // accelerator, engine, price; load and objectives of the whole deployment
    double slower = 1;      // than predicted: what it is sized and ranked by
    std::size_t kind = 0;   // machines of one kind are compared as one ("best of each accelerator")
};
/// Formats and settings of a machine.
struct PlanVariant {
    std::size_t machine = 0;
    Precision precision;
    EngineSettings settings;
    double slower = 1;   // besides its machine: where nobody timed kernels of its formats
};

struct PlanSpace {
    std::vector<PlanMachine> machines;
    std::vector<PlanVariant> variants;
    std::vector<int> gpus;   // of one instance
    FixedDegrees fixed;
    std::vector<ExpertExchange> exchanges{ExpertExchange::collective};
    PlanGoal goal = PlanGoal::cost;
    int max_gpus = 0;              // of the deployment; 0: any number
    double max_usd_per_hour = 0;   // 0: any
    double max_load = 1;           // largest share of the capacity of an instance, for rates
    bool list_rejected = false;    // each rejected candidate besides their count

    /// Than predicted: what deployments of a variant are sized and ranked by.
    [[nodiscard]] double slower_of(std::size_t variant) const {
        return machines[variants[variant].machine].slower * variants[variant].slower;
    }
};

/// A deployment; score is what the goal makes least.
struct Planned {
    std::size_t variant = 0;
    Layout layout;
    int replicas = 0;
    int domains = 1;   // scale-up domains that an instance spans
    double score = HUGE_VAL;
    double usd_per_hour = 0;
    double size = 0;   // load of one instance
    InstanceLimits limits;
    double e2e_s = 0;                // mean, times `slower`
    double ttft_s = 0, tpot_s = 0;   // what the objectives are about, as slow as it is sized
    [[nodiscard]] bool possible() const { return replicas > 0; }
    [[nodiscard]] int gpus() const { return layout.gpus() * replicas; }
};

/// What a question without an answer lacks.
enum class PlanMiss {
    nothing,      // there is an answer
    runs,         // not one candidate runs
    price,        // no candidate has a price, and cost is asked for
    size,         // some meet the objectives, but not with all the GPUs that are searched (most_planned_gpus)
    budget,       // the nearest meets the objectives and costs more
    objectives,   // no number of instances meets them; the nearest may lie beyond the budget besides
};
/// Of a deployment, whatever the budget.
inline constexpr int most_planned_gpus = 65536;
/// Where no deployment meets an objective, the nearest one is sized for the least time that any reaches, and this much of it.
inline constexpr double room_over_reached = 1.1;

struct Rejected {
    std::size_t variant = 0;
    Layout layout;
    std::string reason, detail;
};

struct PlanAnswer {
    Planned best;                   // not possible(): nothing meets the objectives within the budget
    std::vector<Planned> rivals;    // other layouts, engines and machines, best first
    std::vector<Planned> of_kind;   // the best of each kind of machine, best first
    std::array<Planned, plan_limits>
        loosened;   // the best with one objective loosened, by PlanLimit; none: empty
    PlanMiss miss = PlanMiss::nothing;
    Planned nearest;         // where there is no best: the best beyond the budget, or of looser objectives
    Planned within_budget;   // where budget or size is short: what carries most of the load within it
    double carried = 0;      // load that it carries
    Planned smallest;   // where the budget is below any instance that meets the objectives: the smallest,
                        // one instance, with the load it carries as `size`
    Slo reached;   // where objectives are missed: the least of each time that any candidate shows under hardly any load
    std::map<std::string, std::uint64_t> rejected;   // candidates by reason
    std::vector<Rejected> list;
    Infeasible why;                 // the last reason where not one candidate runs
    std::uint64_t candidates = 0;   // variants x layouts
    std::uint64_t runnable = 0;     // of them, that the engine launches and that fit
    std::uint64_t evaluated = 0;    // loads evaluated
};

/// InputError: none. The answer does not depend on the loop.
[[nodiscard]] PlanAnswer plan(const PlanSpace& space, const CandidateLoop& loop = in_order);

/// The scenario of a candidate, with its layout and replicas.
[[nodiscard]] Scenario scenario_of(const PlanSpace& space, std::size_t variant, const Layout& layout,
                                   int replicas);

}   // namespace moecost
