// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/speed_frontier.h"

#include <algorithm>
#include <tuple>

namespace moecost {
namespace {

bool faster(const SpeedPoint& a, const SpeedPoint& b) {
    return std::tuple(-a.per_user, -a.per_gpu) < std::tuple(-b.per_user, -b.per_gpu);
}

/// Points by falling speed of a user, of which none is beaten: tokens per GPU rise.
void keep_frontier(std::vector<SpeedPoint>& points) {
    std::stable_sort(points.begin(), points.end(), faster);
    double best = 0;
    std::erase_if(points, [&](const SpeedPoint& p) {
        const bool beaten = p.per_gpu <= best;
        best = std::max(best, p.per_gpu);
        return beaten;
    });
}

std::vector<double> loads_up_to(double slots) {
    std::vector<double> loads;
    for (double n = 1; n < slots; n *= 2) loads.push_back(n);
    loads.push_back(slots);
    return loads;
}

std::optional<SpeedPoint> point_at(Trial& t, std::size_t variant, double requests) {
    t.scenario.traffic.load = ClosedLoop{requests};
    const Expected<Estimate> e = evaluate(t.scenario, t.weights);
    if (!e) return std::nullopt;
    const Pool& p = t.scenario.pool();
    const double output = e->serving.output_tokens_per_s.value() / t.slower;
    SpeedPoint point{variant, p.layout, requests};
    point.per_gpu = output / p.layout.gpus();
    point.per_user = 1 / (e->serving.tpot.value() * t.slower);
    point.ttft_s = e->serving.ttft.value() * t.slower;
    point.usd_per_mtok = p.price.usd_per_gpu_hour / 3600 / point.per_gpu * 1e6;
    return point;
}

std::vector<SpeedPoint> of_variant(const PlanSpace& space, std::size_t v,
                                   const std::vector<Layout>& layouts) {
    std::vector<SpeedPoint> points;
    Trial t = trial_of(scenario_of(space, v, {}, 1), space.slower_of(v));
    t.scenario.slo = {};
    for (const Layout& layout : layouts) {
        if (layout_refusal(t.scenario.architecture, t.scenario.pool(), layout)) continue;
        t.scenario.pool().layout = layout;
        const auto lone = point_at(t, v, 1);
        if (!lone) continue;
        const Expected<Estimate> one = evaluate(t.scenario, t.weights);
        for (const double n : loads_up_to(one->memory.max_concurrency)) {
            if (const auto p = point_at(t, v, n)) points.push_back(*p);
        }
    }
    keep_frontier(points);
    return points;
}

}   // namespace

std::vector<SpeedPoint> speed_frontier(const PlanSpace& space, const CandidateLoop& loop) {
    const std::vector<Layout> layouts = layouts_of(space.gpus, space.fixed, space.exchanges);
    std::vector<std::vector<SpeedPoint>> parts(space.variants.size());
    loop(parts.size(), [&](std::size_t v) { parts[v] = of_variant(space, v, layouts); });
    std::vector<std::vector<SpeedPoint>> kinds;
    for (std::size_t v = 0; v < parts.size(); ++v) {
        const std::size_t kind = space.machines[space.variants[v].machine].kind;
        if (kinds.size() <= kind) kinds.resize(kind + 1);
        kinds[kind].insert(kinds[kind].end(), parts[v].begin(), parts[v].end());
    }
    std::vector<SpeedPoint> all;
    for (std::vector<SpeedPoint>& points : kinds) {
        keep_frontier(points);
        all.insert(all.end(), points.begin(), points.end());
    }
    for (SpeedPoint& p : all) {
        p.beats_all = std::none_of(all.begin(), all.end(), [&](const SpeedPoint& q) {
            return q.per_user >= p.per_user && q.per_gpu >= p.per_gpu &&
                   (q.per_user > p.per_user || q.per_gpu > p.per_gpu);
        });
    }
    return all;
}

}   // namespace moecost
