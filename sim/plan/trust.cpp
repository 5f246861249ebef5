// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/trust.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace moecost {
namespace {

constexpr double z90 = 1.2815515655446004;   // standard normal quantile at 0.9
constexpr double slowest = 16;

double standard_normal(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// The largest y that holds, to 0.1 %, between 1/slowest and slowest.
template <class Holds>
double largest_slowdown(Holds holds) {
    double low = 1 / slowest;
    double high = slowest;
    while (high / low > 1.001) {
        const double middle = std::sqrt(low * high);
        (holds(middle) ? low : high) = middle;
    }
    return low;
}

/// The largest y at which TPOT and the capacity hold, to 0.1 %.
double slowdown_withstood(Trial& t, double size) {
    const double ttft_s = t.limits.ttft_s;
    t.limits.ttft_s = 0;
    const auto holds = [&](double y) {
        t.slower = y;
        const Expected<Estimate> e = at_size(t, size);
        return e && meets(t, *e);
    };
    const double most = largest_slowdown(holds);
    t.limits.ttft_s = ttft_s;
    return most;
}

/// P(y <= withstands) P(r <= ttft_room): not-a-number where no spread is known.
double chance_of(const Scenario& s, double withstands, double ttft_room) {
    const LogSpread& spread = s.pool().served.spread[s.traffic.load.index()];
    if (!spread.known()) return std::numeric_limits<double>::quiet_NaN();
    const auto within = [](double ratio, double sd) {
        return share_below(ratio, std::exp(-z90 * sd), std::exp(z90 * sd));
    };
    return within(withstands, spread.throughput) * (s.slo.ttft_s > 0 ? within(ttft_room, spread.ttft) : 1);
}

/// The x of which share_below() is `share`, to 0.01 %.
double value_at(double share, double p10, double p90) {
    double low = 1e-6;
    double high = 1e6;
    while (high / low > 1.0001) {
        const double middle = std::sqrt(low * high);
        (share_below(middle, p10, p90) < share ? low : high) = middle;
    }
    return high;
}

}   // namespace

double share_below(double x, double p10, double p90) {
    const double middle = 0.5 * (std::log(p10) + std::log(p90));
    const double spread = (std::log(p90) - std::log(p10)) / (2 * z90);
    return standard_normal((std::log(x) - middle) / std::max(spread, 1e-9));
}

PlanTrust trust_of(const PlanSpace& space, const Planned& p) {
    const PlanMachine& machine = space.machines[space.variants[p.variant].machine];
    Trial t = trial_of(scenario_of(space, p.variant, p.layout, 1), machine.slower);
    PlanTrust trust;
    trust.largest_size = largest_size(t, p.limits.capacity * (1 - 1e-9));
    trust.withstands = slowdown_withstood(t, p.size);
    t.slower = 1;
    const Expected<Estimate> e = at_size(t, p.size);
    const double ttft_s = e ? e->ttft_of_slo.value() : HUGE_VAL;
    trust.chance = chance_of(t.scenario, trust.withstands, t.scenario.slo.ttft_s / ttft_s);
    return trust;
}

PlanTrust trust_of(const PlanSpace& space, const PlannedPools& p) {
    Scenario s = scenario_of(space, p);
    const Load asked = s.traffic.load;
    const WeightBytes weights = weights_of(s);
    const auto at = [&](double y) {
        s.traffic.load = asked;
        if (auto* open = std::get_if<OpenLoop>(&s.traffic.load)) open->rate *= y;
        return evaluate(s, weights);
    };
    PlanTrust trust;
    trust.withstands = largest_slowdown([&](double y) {
        const Expected<Estimate> e = at(y);
        return e && (s.slo.tpot_s <= 0 || y * e->tpot_of_slo.value() <= s.slo.tpot_s);
    });
    const Expected<Estimate> e = at(1);
    const double ttft_s = e ? e->ttft_of_slo.value() : HUGE_VAL;
    trust.chance = chance_of(s, trust.withstands, s.slo.ttft_s / ttft_s);
    return trust;
}

std::optional<ChanceDemand> chance_demand(const Scenario& machine, double chance, double split) {
    constexpr double margin = 1.002;   // slowdown_withstood() is exact to 0.1 %
    if (std::isnan(chance_of(machine, 1, 1))) return std::nullopt;
    const LogSpread& spread = machine.pool().served.spread[machine.traffic.load.index()];
    const bool about_ttft = machine.slo.ttft_s > 0;
    const double speed = about_ttft ? std::pow(chance, split) : chance;
    const auto ratio_of = [](double share, double sd) {
        return value_at(share, std::exp(-z90 * sd), std::exp(z90 * sd));
    };
    const double slower = ratio_of(speed, spread.throughput);
    const double room = about_ttft ? ratio_of(chance / speed, spread.ttft) : 1;
    return ChanceDemand{std::max(1.0, slower * margin), std::max(1.0, room * margin)};
}

}   // namespace moecost
