// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/near_miss.h"

#include <algorithm>
#include <tuple>

namespace moecost {
namespace {

constexpr double hardly_any = 1e-3;   // of the capacity of an instance
constexpr std::size_t most_reached =
    64;   // candidates whose percentiles are looked at, the fastest by their means

}   // namespace

void NearMiss::tell(PlanAnswer& a) {
    a.miss = PlanMiss::runs;
    if (candidates_.empty()) return;
    if (wants_price() && !any_price()) {
        a.miss = PlanMiss::price;
        PlanRound by_gpus = without_budget();
        by_gpus.goal = PlanGoal::gpus;
        by_gpus.max_gpus = asked_.max_gpus;
        a.nearest = best_of_(by_gpus);
        return;
    }
    if (has_budget()) a.nearest = beyond_budget();
    const Reach reach = a.nearest.possible() ? Reach{} : nearest_reach(a);
    if (!a.nearest.possible() && reach.worst() > 1) return loosen(reach, a);
    a.miss = a.nearest.possible() ? PlanMiss::budget : PlanMiss::size;
    const Carried most = carry_most(asked_, a);
    a.within_budget = most.planned;
    a.carried = most.load;
    if (has_budget() && !a.within_budget.possible()) a.smallest = smallest(a);
}

bool NearMiss::any_price() const {
    return std::any_of(candidates_.begin(), candidates_.end(),
                       [&](const PlanCandidate& c) { return attempts_.price(c) > 0; });
}

/// Latency without a budget buys GPUs without end, so the least GPUs or dollars are asked for.
PlanRound NearMiss::without_budget() const {
    PlanRound open = asked_;
    open.goal = asked_.max_usd > 0 && asked_.max_gpus == 0 ? PlanGoal::cost : PlanGoal::gpus;
    if (!has_budget()) open.goal = asked_.goal;
    open.max_gpus = 0;
    open.max_usd = 0;
    return open;
}

double NearMiss::overrun(const Planned& p) const {
    double over = 0;
    if (asked_.max_gpus > 0) over = std::max(over, double{1} * p.gpus() / asked_.max_gpus);
    if (asked_.max_usd > 0) over = std::max(over, p.usd_per_hour / asked_.max_usd);
    return over;
}

Planned NearMiss::beyond_budget() {
    PlanRound open = without_budget();
    Planned nearest = best_of_(open);
    if (asked_.max_gpus == 0 || asked_.max_usd == 0 || !any_price()) return nearest;
    open.goal = PlanGoal::cost;
    const Planned cheapest = best_of_(open);
    if (cheapest.possible() && overrun(cheapest) < overrun(nearest)) nearest = cheapest;
    return nearest;
}

/// The largest part of the load that the budget carries within the objectives.
NearMiss::Carried NearMiss::carry_most(const PlanRound& q, PlanAnswer& a) const {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        if (q.max_usd > 0 && !(attempts_.price(candidates_[i]) > 0)) continue;
        const double most =
            attempts_.affordable(candidates_[i], q) * attempts_.planned_capacity(candidates_[i]);
        if (most > 0) order.emplace_back(-most, i);
    }
    std::sort(order.begin(), order.end());
    Carried best;
    for (const auto& [most, i] : order) {
        if (-most <= best.load) break;
        PlanCandidate c = candidates_[i];
        const int n = attempts_.affordable(c, q);
        Trial t = attempts_.trial_at(c.variant, c.layout);
        t.limits = q.limits;
        const double cap = attempts_.most_of(c, t, asked_.goal, HUGE_VAL);
        const double size = cap * n > best.load ? largest_size(t, cap) : 0;
        a.evaluated += t.evaluated;
        if (size * n <= best.load) continue;
        best = {attempts_.planned(c, n, size), size * n};
    }
    return best;
}

/// Of instances that meet the objectives under some load, the one that costs least of what the budget is short of.
Planned NearMiss::smallest(PlanAnswer& a) const {
    std::vector<std::tuple<double, double, std::size_t>> order;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        const PlanCandidate& c = candidates_[i];
        const double gpus = c.layout.gpus(), usd = gpus * attempts_.price(c);
        if (asked_.max_usd > 0 && !(usd > 0)) continue;
        order.emplace_back(asked_.max_gpus > 0 ? gpus : usd, asked_.max_gpus > 0 ? usd : gpus, i);
    }
    std::sort(order.begin(), order.end());
    Planned least;
    for (const auto& [first, second, i] : order) {
        PlanCandidate c = candidates_[i];
        if (least.possible() && (c.layout.gpus() != least.layout.gpus() ||
                                 c.layout.gpus() * attempts_.price(c) > least.usd_per_hour))
            break;
        Trial t = attempts_.trial_at(c.variant, c.layout);
        t.limits = asked_.limits;
        const double cap = attempts_.most_of(c, t, asked_.goal, HUGE_VAL);
        const double size = cap > least.size ? largest_size(t, cap) : 0;
        a.evaluated += t.evaluated;
        if (size > least.size) least = attempts_.planned(c, 1, size);
    }
    return least;
}

NearMiss::Reach NearMiss::reach_of(const PlanCandidate& c, PlanAnswer& a) const {
    Trial t = attempts_.trial_at(c.variant, c.layout);
    const Expected<Estimate> e = at_size(t, hardly_any * c.limits.capacity);
    a.evaluated += t.evaluated;
    if (!e) return {};
    Reach r{0, 0};
    const Slo& limits = asked_.limits;
    const auto look = [&](Seconds value, double limit, double& ratio, double& least) {
        const double s = value.value() * t.slower;
        if (limit > 0) ratio = s / limit;
        if (!(least > 0) || s < least) least = s;
    };
    look(e->ttft_of_slo, limits.ttft_s, r.ttft, a.reached.ttft_s);
    look(e->tpot_of_slo, limits.tpot_s, r.tpot, a.reached.tpot_s);
    return r;
}

/// Of the candidate that misses the objectives least; percentiles of the fastest alone are worked out.
NearMiss::Reach NearMiss::nearest_reach(PlanAnswer& a) const {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        const InstanceLimits& l = candidates_[i].limits;
        double ratio = 0;
        if (asked_.limits.ttft_s > 0) ratio = std::max(ratio, l.lone_ttft_s / asked_.limits.ttft_s);
        if (asked_.limits.tpot_s > 0) ratio = std::max(ratio, l.lone_tpot_s / asked_.limits.tpot_s);
        order.emplace_back(ratio, i);
    }
    std::sort(order.begin(), order.end());
    if (order.size() > most_reached) order.resize(most_reached);
    Reach nearest;
    for (const auto& [ratio, i] : order) {
        const Reach r = reach_of(candidates_[i], a);
        if (r.worst() < nearest.worst()) nearest = r;
    }
    return nearest;
}

void NearMiss::loosen(const Reach& reach, PlanAnswer& a) {
    a.miss = PlanMiss::objectives;
    PlanRound q = asked_;
    if (reach.ttft > 1) q.limits.ttft_s *= room_over_reached * reach.ttft;
    if (reach.tpot > 1) q.limits.tpot_s *= room_over_reached * reach.tpot;
    a.nearest = best_of_(q);
    if (!a.nearest.possible() && has_budget()) {
        PlanRound open = without_budget();
        open.limits = q.limits;
        a.nearest = best_of_(open);
    }
}

}   // namespace moecost
