// SPDX-License-Identifier: Apache-2.0
// The search of two pools against trying every pair.
#include <doctest/doctest.h>

#include "moecost/plan/pools_search.h"

using namespace moecost;
using doctest::Approx;

namespace {

PlanSpace space_of(double rate, std::initializer_list<const char*> gpus) {
    PlanSpace space;
    for (const char* gpu : gpus) {
        Description d;
        d.model = "qwen3-30b-a3b";
        d.gpu = gpu;
        d.isl = 3000;
        d.osl = 300;
        d.load = OpenLoop{rate};
        d.slo_ttft = 1;
        d.slo_tpot = 0.03;
        const auto s = resolve(DataStore{}, d);
        REQUIRE(s);
        space.machines.push_back({*s, 1, space.machines.size()});
        space.variants.push_back({space.machines.size() - 1, s->pool().precision, s->pool().settings});
    }
    space.gpus = {1, 2, 4};
    space.max_load = 0.85;
    return space;
}

bool holds(const PlanSpace& space, const PlannedPools& p) {
    const Scenario s = scenario_of(space, p);
    if (launch_refusal(s)) return false;
    const auto e = evaluate(s);
    return e && e->meets_slo &&
           e->pools->answer.rate <= space.max_load * e->pools->answer.capacity() * (1 + 1e-9);
}

/// Every layout of both phases with the least workers, one after another.
double cheapest_of_all(const PlanSpace& space, int most) {
    double best = HUGE_VAL;
    const std::vector<Layout> layouts = layouts_of(space.gpus, space.fixed, space.exchanges);
    for (std::size_t a = 0; a < space.variants.size(); ++a) {
        for (std::size_t b = 0; b < space.variants.size(); ++b) {
            for (const Layout& from : layouts) {
                if (layout_refusal(space.machines[a].scenario.architecture, space.machines[a].scenario.pool(),
                                   from))
                    continue;
                for (const Layout& to : layouts) {
                    if (layout_refusal(space.machines[b].scenario.architecture,
                                       space.machines[b].scenario.pool(), to))
                        continue;
                    for (int u = 1; u <= most; ++u) {
                        for (int v = 1; v <= most; ++v) {
                            const double usd =
                                u * from.gpus() * space.machines[a].scenario.pool().price.usd_per_gpu_hour +
                                v * to.gpus() * space.machines[b].scenario.pool().price.usd_per_gpu_hour;
                            if (usd >= best) continue;
                            PlannedPools p;
                            p.prefill = {a, from, u, 0};
                            p.decode = {b, to, v, 0};
                            if (holds(space, p)) best = usd;
                        }
                    }
                }
            }
        }
    }
    return best;
}

}   // namespace

TEST_CASE("the pair of pools that a search finds holds, and no pair is cheaper") {
    for (const double rate : {4.0, 18.0}) {
        const PlanSpace space = space_of(rate, {"h100_sxm", "h200_sxm"});
        const PlannedPools found = plan_pools(space);
        REQUIRE(found.possible());
        CHECK(holds(space, found));
        CHECK(found.usd_per_hour == Approx(cheapest_of_all(space, 3)).epsilon(1e-9));
    }
}

TEST_CASE("a budget that no pair fits leaves none") {
    PlanSpace space = space_of(18, {"h100_sxm"});
    space.max_gpus = 1;
    CHECK_FALSE(plan_pools(space).possible());
}

TEST_CASE("only rates and requests in flight are planned for two pools") {
    PlanSpace space = space_of(4, {"h100_sxm"});
    for (PlanMachine& m : space.machines) m.scenario.traffic.load = Burst{10};
    CHECK_FALSE(plan_pools(space).possible());
    for (PlanMachine& m : space.machines) m.scenario.traffic.load = ClosedLoop{64};
    const PlannedPools loop = plan_pools(space);
    REQUIRE(loop.possible());
    CHECK(evaluate(scenario_of(space, loop))->meets_slo);
}

TEST_CASE("every pair that a plan proposes is one whose workers the engine lets hand over caches") {
    for (const char* engine : {"vllm", "sglang"}) {
        for (const char* model : {"gpt-oss-120b", "qwen3-next-80b-a3b", "deepseek-v3"}) {
            PlanSpace space = space_of(6, {"h200_sxm"});
            Description d;
            d.model = model;
            d.gpu = "h200_sxm";
            d.engine = engine;
            d.isl = 3000;
            d.osl = 300;
            d.load = OpenLoop{6.0};
            const auto s = resolve(DataStore{}, d);
            REQUIRE(s);
            space.machines.front().scenario = *s;
            space.variants.front() = {0, s->pool().precision, s->pool().settings};
            space.gpus = {1, 2, 4, 8, 16};
            const PlannedPools found = plan_pools(space);
            CAPTURE(engine);
            CAPTURE(model);
            REQUIRE(found.possible());
            CHECK_FALSE(launch_refusal(scenario_of(space, found)));
        }
    }
}
