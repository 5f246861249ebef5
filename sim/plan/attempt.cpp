// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/attempt.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr double bound_slack = 0.98;   // bounds of times and energy: tiles of kernels ripple

constexpr std::string_view beyond_budget = "more than the budget";
constexpr std::string_view worse = "worse than the answer";
constexpr std::string_view too_slow = "an objective is missed even by a lone request";
constexpr std::string_view never_meets = "an objective is missed with any number of instances";
constexpr std::string_view no_price = "no price is known";

}   // namespace

int Attempts::replicas_for(double size) const {
    const double n = std::ceil(load() / size * (1 - 1e-12));
    return n < most_planned_gpus ? std::max(1, static_cast<int>(n)) : most_planned_gpus;
}

int Attempts::affordable(const PlanCandidate& c, const PlanRound& q) const {
    const int gpus = c.layout.gpus();
    int n = most_planned_gpus / gpus;
    if (q.max_gpus > 0) n = std::min(n, q.max_gpus / gpus);
    if (q.max_usd > 0 && price(c) > 0) {
        const double pays = q.max_usd / (gpus * price(c)) * (1 + 1e-12);
        if (pays < n) n = static_cast<int>(pays);
    }
    return n;
}

double Attempts::bound(const PlanCandidate& c, PlanGoal goal, double size) const {
    const double gpus = c.layout.gpus();
    switch (goal) {
        case PlanGoal::cost:
            return replicas_for(size) * gpus * price(c);
        case PlanGoal::gpus:
            return replicas_for(size) * gpus;
        case PlanGoal::throughput: {
            const double output = machine_of(c.variant).scenario.traffic.output;
            return gpus / (is_rate(load_) ? size * output : c.limits.full_tokens_per_s / bound_slack);
        }
        case PlanGoal::latency:
            return c.limits.lone_e2e_s * bound_slack;
        case PlanGoal::energy:
            break;
    }
    return c.limits.least_joules * bound_slack;
}

double Attempts::score(const PlanCandidate& c, PlanGoal goal, int replicas, const Trial& t,
                       const Estimate& e) const {
    switch (goal) {
        case PlanGoal::cost:
            return double{1} * replicas * c.layout.gpus() * price(c);
        case PlanGoal::gpus:
            return double{1} * replicas * c.layout.gpus();
        case PlanGoal::latency:
            return e.serving.e2e.value() * t.slower;
        case PlanGoal::throughput:
            return c.layout.gpus() / (e.serving.output_tokens_per_s.value() / t.slower);
        case PlanGoal::energy:
            break;
    }
    return e.cost.joules_per_output_token.value() * t.slower;
}

/// The least number between two that meets the limits; 0: none does. Times fall as instances are added.
int Attempts::least_replicas(Trial& t, int least, int most) const {
    const auto good = [&](int n) {
        const Expected<Estimate> e = at_size(t, load() / n);
        return e && meets(t, *e);
    };
    if (least > most) return 0;
    if (good(least)) return least;
    int low = least;
    int high = least;
    for (int step = 1; low < most; step *= 2) {
        high = step < most - low ? low + step : most;
        if (good(high)) break;
        low = high;
    }
    if (low == high) return 0;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        (good(middle) ? high : low) = middle;
    }
    return high;
}

/// Instances beyond which the score is worse than what is known.
int Attempts::reach(const PlanCandidate& c, const PlanRound& q, double cutoff, int afford) const {
    if (q.goal != PlanGoal::cost && q.goal != PlanGoal::gpus) return afford;
    const double each = c.layout.gpus() * (q.goal == PlanGoal::cost ? price(c) : 1);
    const double most = cutoff / each * (1 + 1e-12);
    return most >= afford ? afford : static_cast<int>(most);
}

double Attempts::most_of(PlanCandidate& c, Trial& t, PlanGoal goal, double cutoff) const {
    const double most = std::min(planned_capacity(c), most_within_limits(t, c.limits));
    if (!is_rate(load_) || !(most > 0) || bound(c, goal, most) > cutoff) return most;
    // Bounds come from a closed loop, which is cheaper.
    if (const double capacity = capacity_at_a_rate(t); capacity > 0) c.limits.capacity = capacity;
    return std::min(most, planned_capacity(c));
}

PlanAttempt Attempts::attempt(const PlanCandidate& c, const PlanRound& q, double cutoff) const {
    PlanAttempt a;
    if ((q.goal == PlanGoal::cost || q.max_usd > 0) && !(price(c) > 0)) {
        a.reason = no_price;
        return a;
    }
    if (bound(c, q.goal, planned_capacity(c)) > cutoff) {
        a.reason = worse;
        return a;
    }
    Trial t = trial_at(c.variant, c.layout);
    t.limits = q.limits;
    PlanCandidate exact = c;
    const double most = most_of(exact, t, q.goal, cutoff);
    size_up(exact, q, cutoff, most, t, a);
    a.evaluated = t.evaluated;
    return a;
}

/// `most`: what an instance carries at most by its bounds.
void Attempts::size_up(const PlanCandidate& c, const PlanRound& q, double cutoff, double most, Trial& t,
                       PlanAttempt& a) const {
    a.reason = too_slow;
    if (!(most > 0)) return;
    a.reason = worse;
    if (bound(c, q.goal, most) > cutoff) return;
    if (q.goal == PlanGoal::throughput) return size_by_throughput(c, q, most, t, a);
    const int afford = affordable(c, q);
    const int least = replicas_for(most);
    a.reason = beyond_budget;
    if (least > afford) return;
    if (q.goal == PlanGoal::latency) return keep(c, q, afford, load() / afford, t, a);
    const int far = reach(c, q, cutoff, afford);
    const int n = least_replicas(t, least, far);
    if (n > 0) return keep(c, q, n, load() / n, t, a);
    const bool bounded = q.max_gpus > 0 || q.max_usd > 0;
    a.reason = far < afford ? worse : bounded ? beyond_budget : never_meets;
}

/// Judged where an instance carries as much as it can within the limits.
void Attempts::size_by_throughput(const PlanCandidate& c, const PlanRound& q, double most, Trial& t,
                                  PlanAttempt& a) const {
    const double size = largest_size(t, most);
    a.reason = never_meets;
    if (!(size > 0)) return;
    const int n = replicas_for(size);
    a.reason = beyond_budget;
    if (n <= affordable(c, q)) keep(c, q, n, size, t, a);
}

void Attempts::keep(const PlanCandidate& c, const PlanRound& q, int n, double judged_at, Trial& t,
                    PlanAttempt& a) const {
    const Expected<Estimate> e = at_size(t, judged_at);
    a.reason = never_meets;
    if (!e || !meets(t, *e)) return;
    Planned& p = a.planned;
    p = planned(c, n, load() / n);
    p.score = score(c, q.goal, n, t, *e);
    p.e2e_s = e->serving.e2e.value() * t.slower;
    p.ttft_s = e->ttft_of_slo.value() * t.slower;
    p.tpot_s = e->tpot_of_slo.value() * t.slower;
}

Planned Attempts::planned(const PlanCandidate& c, int n, double size) const {
    Planned p;
    p.variant = c.variant;
    p.layout = c.layout;
    p.replicas = n;
    p.domains = domains(c);
    p.limits = c.limits;
    p.size = size;
    p.usd_per_hour = p.gpus() * price(c);
    return p;
}

Scenario scenario_of(const PlanSpace& space, std::size_t variant, const Layout& layout, int replicas) {
    const PlanVariant& v = space.variants[variant];
    Scenario s = space.machines[v.machine].scenario;
    s.pool().precision = v.precision;
    s.pool().settings = v.settings;
    s.pool().layout = layout;
    s.pool().replicas = replicas;
    return s;
}

}   // namespace moecost
