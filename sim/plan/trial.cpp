// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/trial.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr double slack_of_mean = 1.02;
constexpr double slack_of_percentile = 1.25;

/// What a mean may be where the mean or a percentile of it has a limit.
double bound_of(double limit, double level, double slower) {
    if (limit <= 0 || (level > 0 && level < 0.5)) return HUGE_VAL;
    return limit / slower * (level > 0 ? slack_of_percentile : slack_of_mean);
}

/// Closed loop of independent requests: no objectives, so that no percentile is worked out.
Expected<Estimate> closed(Trial& t, double requests) {
    Scenario& s = t.scenario;
    const Load load = s.traffic.load;
    const bool equal = s.traffic.equal_lengths;
    const Slo slo = s.slo;
    s.traffic.load = ClosedLoop{requests};
    if (is_rate(load)) s.traffic.equal_lengths = false;   // arrivals keep nobody in step
    s.slo = {};
    ++t.evaluated;
    Expected<Estimate> e = evaluate(s, t.weights, t.plans);
    s.traffic.load = load;
    s.traffic.equal_lengths = equal;
    s.slo = slo;
    return e;
}

}   // namespace

Trial trial_of(const Scenario& scenario, double slower) {
    Trial t{scenario, weights_of(scenario), scenario.slo, slower};
    t.scenario.pool().replicas = 1;
    return t;
}

bool is_rate(const Load& load) { return std::holds_alternative<OpenLoop>(load); }

Expected<InstanceLimits> instance_limits(Trial& t) {
    const Expected<Estimate> lone = closed(t, 1);
    if (!lone) return lone.error();
    InstanceLimits l;
    l.slots = lone->memory.max_concurrency;
    l.lone_ttft_s = lone->serving.ttft.value() * t.slower;
    l.lone_tpot_s = lone->serving.tpot.value() * t.slower;
    l.lone_e2e_s = lone->serving.e2e.value() * t.slower;
    const Expected<Estimate> full = closed(t, l.slots);
    if (!full) return full.error();
    l.full_tokens_per_s = full->serving.output_tokens_per_s.value() / t.slower;
    l.least_joules = full->cost.joules_per_output_token.value() * t.slower;
    const bool rate = is_rate(t.scenario.traffic.load);
    l.capacity = rate ? full->serving.requests_per_s.value() / t.slower : l.slots;
    return l;
}

double capacity_at_a_rate(Trial& t) {
    constexpr double beyond_any = 1e12;
    const Load load = t.scenario.traffic.load;
    t.scenario.traffic.load = resized(load, beyond_any);
    ++t.evaluated;
    const Expected<Estimate> e = evaluate(t.scenario, t.weights, t.plans);
    t.scenario.traffic.load = load;
    return !e && e.error().quantity == "arrival rate" ? e.error().available / t.slower : 0;
}

double most_within_limits(Trial& t, const InstanceLimits& l) {
    if (l.lone_ttft_s > bound_of(t.limits.ttft_s, t.limits.ttft_level, 1)) return 0;
    if (l.lone_tpot_s > bound_of(t.limits.tpot_s, t.limits.tpot_level, 1)) return 0;
    const double limit = bound_of(t.limits.tpot_s, t.limits.tpot_level, t.slower);
    if (limit == HUGE_VAL) return l.capacity;
    double low = 1;
    double high = l.slots;
    const auto fast = [&](double requests) {
        const Expected<Estimate> e = closed(t, requests);
        return e && e->serving.tpot.value() <= limit;
    };
    if (fast(high)) return l.capacity;
    while (high - low > std::max(0.5, low / 64)) {
        const double middle = 0.5 * (low + high);
        (fast(middle) ? low : high) = middle;
    }
    if (!is_rate(t.scenario.traffic.load)) return high;   // the far end: nothing beyond it is fast enough
    const Expected<Estimate> e = closed(t, high);
    return e ? std::min(e->serving.requests_per_s.value() / t.slower, l.capacity) : l.capacity;
}

Expected<Estimate> at_size(Trial& t, double size) {
    const bool rate = is_rate(t.scenario.traffic.load);
    t.scenario.traffic.load = resized(t.scenario.traffic.load, rate ? size * t.slower : size);
    ++t.evaluated;
    // Arrivals and percentiles ask for a hundred steps and more: plans pay.
    if (!rate && !t.scenario.slo.of_percentiles()) return evaluate(t.scenario, t.weights);
    return evaluate(t.scenario, t.weights, t.plans);
}

double worst_ratio(const Trial& t, const Estimate& e) {
    double worst = 0;
    const auto look = [&](Seconds value, double limit) {
        if (limit > 0) worst = std::max(worst, value.value() * t.slower / limit);
    };
    look(e.ttft_of_slo, t.limits.ttft_s);
    look(e.tpot_of_slo, t.limits.tpot_s);
    return worst;
}

bool meets(const Trial& t, const Estimate& e) { return worst_ratio(t, e) <= 1; }

double largest_size(Trial& t, double most) {
    const auto good = [&](double size) {
        const Expected<Estimate> e = at_size(t, size);
        return e && meets(t, *e);
    };
    if (good(most)) return most;
    double low = 0;
    double high = most;
    while (high - low > 1e-3 * high && high > 1e-9) {
        const double middle = low > 0 ? 0.5 * (low + high) : high / 4;
        (good(middle) ? low : high) = middle;
    }
    return low;
}

}   // namespace moecost
