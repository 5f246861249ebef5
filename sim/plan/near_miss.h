// SPDX-License-Identifier: Apache-2.0
// What a question without an answer is told: the deployment that comes nearest, and what it lacks.
//   beyond the budget   the least GPUs or dollars that meet the objectives (with both budgets: the lesser overrun), the
//                       load that the budget carries, and the smallest instance where it pays for none
//   objectives missed   the answer to the question with each missed objective loosened to room_over_reached times the least
//                       that a candidate shows under hardly any load; within the budget if that can be
#pragma once

#include <functional>
#include <span>

#include "moecost/plan/attempt.h"

namespace moecost {

class NearMiss {
  public:
    /// The best of all candidates for another question; not possible(): none.
    using BestOf = std::function<Planned(const PlanRound&)>;

    /// Refers to all of it.
    NearMiss(const Attempts& attempts, std::span<const PlanCandidate> candidates, const PlanRound& asked,
             const BestOf& best_of)
        : attempts_(attempts), candidates_(candidates), asked_(asked), best_of_(best_of) {
        asked_.of_kinds = false;
    }

    /// Fills miss, nearest, within_budget, carried, smallest and reached.
    void tell(PlanAnswer& answer);

  private:
    [[nodiscard]] bool has_budget() const { return asked_.max_gpus > 0 || asked_.max_usd > 0; }
    [[nodiscard]] bool wants_price() const { return asked_.goal == PlanGoal::cost || asked_.max_usd > 0; }
    [[nodiscard]] bool any_price() const;
    [[nodiscard]] PlanRound without_budget() const;
    [[nodiscard]] Planned beyond_budget();
    [[nodiscard]] double overrun(const Planned& planned) const;

    struct Carried {
        Planned planned;
        double load = 0;
    };
    Carried carry_most(const PlanRound& round, PlanAnswer& answer) const;
    [[nodiscard]] Planned smallest(PlanAnswer& answer) const;

    /// Times under hardly any load over their limits; a time without a limit is 0.
    struct Reach {
        double ttft = HUGE_VAL, tpot = HUGE_VAL;
        [[nodiscard]] double worst() const { return std::max(ttft, tpot); }
    };
    [[nodiscard]] Reach reach_of(const PlanCandidate& c, PlanAnswer& answer) const;
    [[nodiscard]] Reach nearest_reach(PlanAnswer& answer) const;
    void loosen(const Reach& reach, PlanAnswer& answer);

    const Attempts& attempts_;
    std::span<const PlanCandidate> candidates_;
    PlanRound asked_;
    const BestOf& best_of_;
};

}   // namespace moecost
