// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/trust.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "moecost/timing/calibrated_hardware.h"

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

/// P(y <= withstands) P(r <= TTFT limit / TTFT), of an evaluation under the load as predicted.
double chance_of(const Scenario& s, const Expected<Estimate>& e, double withstands) {
    if (!e || !e->spread.known()) return std::numeric_limits<double>::quiet_NaN();
    const auto within = [](double ratio, double sd) {
        return share_below(ratio, std::exp(-z90 * sd), std::exp(z90 * sd));
    };
    const double speed = within(withstands, e->spread.throughput);
    if (s.slo.ttft_s <= 0) return speed;
    return speed * within(s.slo.ttft_s / e->ttft_of_slo.value(), e->spread.ttft);
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
    Trial t = trial_of(scenario_of(space, p.variant, p.layout, 1), space.slower_of(p.variant));
    PlanTrust trust;
    trust.largest_size = largest_size(t, p.limits.capacity * (1 - 1e-9));
    trust.withstands = slowdown_withstood(t, p.size);
    t.slower = 1;
    trust.chance = chance_of(t.scenario, at_size(t, p.size), trust.withstands);
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
    trust.chance = chance_of(s, at(1), trust.withstands);
    return trust;
}

namespace {

LogSpread spread_of(const Scenario& s, const LogSpread& beyond) {
    const ServedClass& served = s.pool().served;
    return widened(served.spread[s.traffic.load.index()], served.beyond, beyond);
}

}   // namespace

std::optional<ChanceDemand> chance_demand(const Scenario& machine, const LogSpread& beyond, double chance,
                                          double split) {
    constexpr double margin = 1.002;   // slowdown_withstood() is exact to 0.1 %
    const LogSpread spread = spread_of(machine, beyond);
    if (!spread.known()) return std::nullopt;
    const bool about_ttft = machine.slo.ttft_s > 0;
    const double speed = about_ttft ? std::pow(chance, split) : chance;
    const auto ratio_of = [](double share, double sd) {
        return value_at(share, std::exp(-z90 * sd), std::exp(z90 * sd));
    };
    const double slower = ratio_of(speed, spread.throughput);
    const double room = about_ttft ? ratio_of(chance / speed, spread.ttft) : 1;
    return ChanceDemand{std::max(1.0, slower * margin), std::max(1.0, room * margin)};
}

double slow_end(const Scenario& machine, double beyond) {
    return std::exp(z90 * spread_of(machine, {beyond, beyond, beyond}).throughput);
}

LogSpread beyond_of(const PlanSpace& space, const Planned& p) {
    Trial t = trial_of(scenario_of(space, p.variant, p.layout, 1), 1);
    const Expected<Estimate> e = at_size(t, p.size);
    return e ? e->beyond : LogSpread{};
}

LogSpread beyond_of(const PlanSpace& space, const PlannedPools& p) {
    const Expected<Estimate> e = evaluate(scenario_of(space, p));
    return e ? e->beyond : LogSpread{};
}

namespace {

bool borrows_formats(const Scenario& s) {
    const Pool& pool = s.pool();
    const KernelSelection kernels = calibrated_hardware(pool.cluster, pool.profile, pool.precision).kernels;
    const Precision& p = pool.precision;
    const auto borrowed = [&](DType type) { return kernels.borrowed[static_cast<std::size_t>(type)]; };
    return kernels.experts_borrowed || borrowed(p.attention) || borrowed(p.dense_ffn) ||
           borrowed(p.shared_experts);
}

}   // namespace

double borrowed_share(const Scenario& formats) {
    constexpr double in_flight = 64;
    if (!borrows_formats(formats)) return 0;
    Scenario s = formats;
    s.traffic.load = ClosedLoop{in_flight};
    s.slo = {};
    const WeightBytes weights = weights_of(s);
    for (const int tp : {1, 2, 4, 8, 16}) {
        s.pool().layout = {};
        s.pool().layout.tp = tp;
        if (layout_refusal(s.architecture, s.pool(), s.pool().layout)) continue;
        if (const Expected<Estimate> e = evaluate(s, weights)) return e->beyond.throughput;
    }
    return 0;
}

}   // namespace moecost
