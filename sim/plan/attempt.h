// SPDX-License-Identifier: Apache-2.0
// One candidate of a plan: the least number of instances that carries the load, if it can still matter.
#pragma once

#include <cstdint>
#include <string_view>

#include "moecost/plan/plan.h"

namespace moecost {

/// A layout of a variant that the engine launches and that fits.
struct PlanCandidate {
    std::size_t variant = 0;
    Layout layout;
    InstanceLimits limits;
};

/// What is asked of one round over all candidates.
struct PlanRound {
    PlanGoal goal = PlanGoal::cost;
    Slo limits;
    int max_gpus = 0;
    double max_usd = 0;
    bool of_kinds = false;   // rivals and the best of each kind besides the best
};

struct PlanAttempt {
    Planned planned;
    std::string_view reason;   // where not possible()
    std::uint64_t evaluated = 0;
};

/// Works a candidate out against the space that it comes from; refers to the space.
class Attempts {
  public:
    explicit Attempts(const PlanSpace& space)
        : space_(space), load_(space.machines.front().scenario.traffic.load) {}

    /// A deployment, or why it does not matter: a score above `cutoff` is not worked out.
    [[nodiscard]] PlanAttempt attempt(const PlanCandidate& candidate, const PlanRound& round,
                                      double cutoff) const;
    /// No score of the candidate is lower when an instance gets at most `size`.
    [[nodiscard]] double bound(const PlanCandidate& candidate, PlanGoal goal, double size) const;

    [[nodiscard]] const PlanMachine& machine_of(std::size_t variant) const {
        return space_.machines[space_.variants[variant].machine];
    }
    [[nodiscard]] double price(const PlanCandidate& c) const {
        return machine_of(c.variant).scenario.pool().price.usd_per_gpu_hour;
    }
    [[nodiscard]] Trial trial_at(std::size_t variant, const Layout& layout) const {
        return trial_of(scenario_of(space_, variant, layout, 1), space_.slower_of(variant));
    }
    /// Scale-up domains that an instance spans.
    [[nodiscard]] int domains(const PlanCandidate& c) const {
        const int domain = machine_of(c.variant).scenario.pool().cluster.domain;
        return (c.layout.gpus() + domain - 1) / domain;
    }
    [[nodiscard]] double load() const { return size_of(load_).value_or(0); }
    /// What an instance is planned to carry at most.
    [[nodiscard]] double planned_capacity(const PlanCandidate& c) const {
        return is_rate(load_) ? space_.max_load * c.limits.capacity : c.limits.capacity;
    }
    /// The same within the limits of its trial, by bounds; the candidate then holds its capacity as arrivals see it, which
    /// is worked out only where the score can be as low as `cutoff`.
    [[nodiscard]] double most_of(PlanCandidate& candidate, Trial& trial, PlanGoal goal, double cutoff) const;
    /// Instances that carry the load when each gets `size`.
    [[nodiscard]] int replicas_for(double size) const;
    /// Instances of this load each, judged by nobody.
    [[nodiscard]] Planned planned(const PlanCandidate& candidate, int replicas, double size) const;
    /// Instances that a budget pays for.
    [[nodiscard]] int affordable(const PlanCandidate& candidate, const PlanRound& round) const;

  private:
    [[nodiscard]] double score(const PlanCandidate& c, PlanGoal goal, int replicas, const Trial& t,
                               const Estimate& e) const;
    [[nodiscard]] int least_replicas(Trial& t, int least, int most) const;
    [[nodiscard]] int reach(const PlanCandidate& c, const PlanRound& q, double cutoff, int afford) const;
    void size_up(const PlanCandidate& c, const PlanRound& q, double cutoff, double most, Trial& t,
                 PlanAttempt& a) const;
    void size_by_throughput(const PlanCandidate& c, const PlanRound& q, double most, Trial& t,
                            PlanAttempt& a) const;
    void keep(const PlanCandidate& c, const PlanRound& q, int n, double judged_at, Trial& t,
              PlanAttempt& a) const;

    const PlanSpace& space_;
    Load load_;
};

}   // namespace moecost
