// SPDX-License-Identifier: Apache-2.0
// The search against trying everything, what it may propose, and what it says when nothing is good enough.
#include <doctest/doctest.h>
#include <algorithm>
#include <tuple>

#include "moecost/moecost.h"
#include "moecost/ops/launchable.h"
#include "moecost/plan/plan.h"
#include "moecost/plan/planning.h"
#include "moecost/plan/speed_frontier.h"
#include "moecost/plan/trust.h"

using namespace moecost;
using doctest::Approx;

namespace {

Description question(double rate) {
    Description d;
    d.model = "mixtral-8x7b";
    d.isl = 2000;
    d.osl = 300;
    d.load = OpenLoop{rate};
    return d;
}

void add_machine(PlanSpace& space, Description d, const char* gpu, const char* engine, double slower = 1) {
    d.gpu = gpu;
    d.engine = engine;
    const auto s = resolve(DataStore{}, d);
    REQUIRE(s);
    space.machines.push_back({*s, slower, space.machines.size()});
    for (const double chunk : {2048.0, 8192.0}) {
        PlanVariant v{space.machines.size() - 1, s->pool().precision, s->pool().settings};
        v.settings.chunk_tokens = chunk;
        space.variants.push_back(v);
    }
}

PlanSpace small_space(const Description& d) {
    PlanSpace space;
    add_machine(space, d, "h100_sxm", "vllm");
    add_machine(space, d, "b200_sxm", "sglang");
    space.gpus = {1, 2, 4};
    space.max_load = 0.85;
    return space;
}

/// Requests/s of every slot busy, by the program's front door: in flight, and as arrivals see it (the least of both).
double capacity_of(Scenario s) {
    s.traffic.load = ClosedLoop{1};
    const auto one = evaluate(s);
    if (!one) return 0;
    s.traffic.load = ClosedLoop{one->memory.max_concurrency};
    const double in_flight = evaluate(s)->serving.requests_per_s.value();
    s.traffic.load = OpenLoop{1e12};
    return std::min(in_flight, evaluate(s).error().available);
}

struct Tried {
    double score = HUGE_VAL;
    double usd = HUGE_VAL;
    int gpus = 0;
};

double score_of(PlanGoal goal, const Scenario& s, const Estimate& e) {
    if (goal == PlanGoal::gpus) return s.pool().gpus();
    if (goal == PlanGoal::cost) return s.pool().gpus() * s.pool().price.usd_per_gpu_hour;
    return e.cost.joules_per_output_token.value();
}

/// The least number of instances, one after another, of every layout of every variant.
Tried try_everything(const PlanSpace& space, int most_instances) {
    Tried best;
    const double rate = *size_of(space.machines.front().scenario.traffic.load);
    for (std::size_t v = 0; v < space.variants.size(); ++v) {
        for (const Layout& layout : layouts_of(space.gpus, space.fixed, space.exchanges)) {
            Scenario s = scenario_of(space, v, layout, 1);
            if (layout_refusal(s.architecture, s.pool(), layout)) continue;
            const double capacity = capacity_of(s);
            for (int n = 1; n <= most_instances; ++n) {
                s.pool().replicas = n;
                if (rate / n > space.max_load * capacity * (1 + 1e-12)) continue;
                const auto e = evaluate(s);
                if (!e || !e->meets_slo) continue;
                const Tried t{score_of(space.goal, s, *e), s.pool().gpus() * s.pool().price.usd_per_gpu_hour,
                              s.pool().gpus()};
                if (std::tuple(t.score, t.usd, t.gpus) < std::tuple(best.score, best.usd, best.gpus))
                    best = t;
                break;
            }
        }
    }
    return best;
}

void backwards(std::size_t count, const std::function<void(std::size_t)>& work) {
    for (std::size_t i = count; i-- > 0;) work(i);
}

}   // namespace

TEST_CASE("the search finds what trying every candidate at every size finds") {
    struct Case {
        double rate, ttft, ttft_level, tpot, tpot_level;
        PlanGoal goal;
    };
    for (const Case& c :
         {Case{40, 0, 0, 0, 0, PlanGoal::cost}, Case{60, 0.5, 0, 0.03, 0, PlanGoal::cost},
          Case{25, 0.6, 0.95, 0.02, 0, PlanGoal::cost}, Case{60, 0, 0, 0.012, 0.9, PlanGoal::gpus},
          Case{30, 1, 0, 0.02, 0, PlanGoal::energy}}) {
        CAPTURE(c.rate);
        Description d = question(c.rate);
        if (c.ttft > 0) d.slo_ttft = c.ttft;
        if (c.tpot > 0) d.slo_tpot = c.tpot;
        if (c.ttft_level > 0) d.slo_ttft_level = c.ttft_level;
        if (c.tpot_level > 0) d.slo_tpot_level = c.tpot_level;
        PlanSpace space = small_space(d);
        space.goal = c.goal;
        const PlanAnswer a = plan(space);
        const Tried t = try_everything(space, 80);
        REQUIRE(a.best.possible());
        CHECK(a.best.score == Approx(t.score).epsilon(1e-9));
        CHECK(a.best.usd_per_hour == Approx(t.usd).epsilon(1e-9));
        CHECK(a.best.gpus() == t.gpus);
        const auto e = evaluate(scenario_of(space, a.best.variant, a.best.layout, a.best.replicas));
        REQUIRE(e);
        CHECK(e->meets_slo);
    }
}

TEST_CASE("the order in which candidates are worked out leaves no trace") {
    Description d = question(30);
    d.slo_tpot = 0.02;
    const PlanSpace space = small_space(d);
    const PlanAnswer a = plan(space);
    const PlanAnswer b = plan(space, backwards);
    CHECK(a.best.layout == b.best.layout);
    CHECK(a.best.replicas == b.best.replicas);
    CHECK(a.evaluated == b.evaluated);
    CHECK(a.rejected == b.rejected);
    REQUIRE(a.rivals.size() == b.rivals.size());
    for (std::size_t i = 0; i < a.rivals.size(); ++i) CHECK(a.rivals[i].layout == b.rivals[i].layout);
}

TEST_CASE("every proposed layout is one that the engine launches") {
    for (const char* model :
         {"deepseek-v3", "gpt-oss-120b", "qwen3-235b-a22b", "mixtral-8x7b", "llama-3.1-70b"}) {
        for (const char* engine : {"vllm", "sglang", "trtllm"}) {
            CAPTURE(model);
            CAPTURE(engine);
            Description d = question(20);
            d.model = model;
            d.slo_tpot = 0.06;
            PlanSpace space;
            add_machine(space, d, "h200_sxm", engine);
            add_machine(space, d, "b200_sxm", engine);
            space.gpus = {1, 2, 4, 8, 16, 32};
            space.exchanges = {ExpertExchange::collective, ExpertExchange::low_latency,
                               ExpertExchange::normal};
            const PlanAnswer a = plan(space);
            std::vector<Planned> all = a.rivals;
            all.insert(all.end(), a.of_kind.begin(), a.of_kind.end());
            all.push_back(a.best.possible() ? a.best : a.nearest);
            for (const Planned& p : all) {
                const Scenario s = scenario_of(space, p.variant, p.layout, p.replicas);
                const Pool& pool = s.pool();
                CHECK_FALSE(layout_problem(s.architecture, p.layout));
                CHECK_FALSE(launch_problem(pool.rules, s.architecture, pool.precision, p.layout,
                                           pool.cluster.gpu, {0, pool.settings.draft_tokens}));
            }
        }
    }
}

TEST_CASE("candidates that are not the answer are all counted") {
    Description d = question(40);
    d.slo_tpot = 0.02;
    PlanSpace space = small_space(d);
    space.list_rejected = true;
    const PlanAnswer a = plan(space);
    std::uint64_t rejected = 0;
    for (const auto& [reason, count] : a.rejected) rejected += count;
    CHECK(a.list.size() == rejected);
    CHECK(rejected < a.candidates);
    CHECK(rejected + 1 + a.rivals.size() <= a.candidates);
}

TEST_CASE("a budget that is too small is answered with the smallest deployment and what the budget carries") {
    Description d = question(200);
    d.slo_tpot = 0.02;
    PlanSpace space = small_space(d);
    space.goal = PlanGoal::gpus;
    const PlanAnswer open = plan(space);
    REQUIRE(open.best.possible());
    space.max_gpus = open.best.gpus() - 1;
    const PlanAnswer a = plan(space);
    CHECK_FALSE(a.best.possible());
    CHECK(a.nearest.gpus() == open.best.gpus());
    CHECK(a.within_budget.gpus() <= space.max_gpus);
    CHECK(a.carried > 0);
    CHECK(a.carried < 200);
    space.max_gpus = open.best.gpus();
    CHECK(plan(space).best.gpus() == open.best.gpus());
}

TEST_CASE("an objective that a lone request misses is answered with what misses it least") {
    Description d = question(1);
    d.slo_tpot = 1e-5;
    const PlanAnswer a = plan(small_space(d));
    CHECK_FALSE(a.best.possible());
    REQUIRE(a.nearest.possible());
    CHECK(a.nearest.tpot_s > d.slo_tpot);
}

TEST_CASE(
    "an accelerator that is slower by a factor needs the size of one that gets more load in less time") {
    Description d = question(30);
    d.slo_tpot = 0.03;
    PlanSpace slow;
    add_machine(slow, d, "h100_sxm", "vllm", 2);
    slow.gpus = {2, 4};
    Description twice = d;
    twice.load = OpenLoop{60};
    twice.slo_tpot = 0.015;
    PlanSpace fast;
    add_machine(fast, twice, "h100_sxm", "vllm");
    fast.gpus = {2, 4};
    const PlanAnswer a = plan(slow);
    const PlanAnswer b = plan(fast);
    REQUIRE(a.best.possible());
    CHECK(a.best.replicas == b.best.replicas);
    CHECK(a.best.layout == b.best.layout);
}

TEST_CASE("a looser objective never costs more, and a tighter load never less") {
    Description d = question(40);
    d.slo_ttft = 0.4;
    d.slo_tpot = 0.012;
    const PlanAnswer a = plan(small_space(d));
    REQUIRE(a.best.possible());
    for (const PlanLimit l : {PlanLimit::ttft, PlanLimit::tpot}) {
        const Planned& looser = a.loosened[static_cast<std::size_t>(l)];
        REQUIRE(looser.possible());
        CHECK(looser.score <= a.best.score);
    }
    d.load = OpenLoop{80};
    CHECK(plan(small_space(d)).best.score >= a.best.score);
}

TEST_CASE("the chance is that of a lognormal through its two quantiles") {
    CHECK(share_below(0.8, 0.8, 1.25) == Approx(0.1).epsilon(1e-9));
    CHECK(share_below(1.25, 0.8, 1.25) == Approx(0.9).epsilon(1e-9));
    CHECK(share_below(1, 0.8, 1.25) == Approx(0.5).epsilon(1e-9));
    Description d = question(40);
    d.slo_tpot = 0.02;
    const PlanSpace space = small_space(d);
    const PlanTrust trust = trust_of(space, plan(space).best);
    CHECK(trust.withstands >= 1);   // as predicted it carries the load
    CHECK(trust.chance > 0);
    CHECK(trust.chance < 1);
    CHECK(trust.largest_size >= plan(space).best.size);
}

TEST_CASE("no point of the frontier is beaten by another of its accelerator") {
    const PlanSpace space = small_space(question(1));
    const std::vector<SpeedPoint> points = speed_frontier(space);
    CHECK(points.size() > 8);
    const auto kind = [&](const SpeedPoint& p) {
        return space.machines[space.variants[p.variant].machine].kind;
    };
    for (const SpeedPoint& p : points) {
        for (const SpeedPoint& q : points) {
            if (kind(p) == kind(q)) CHECK_FALSE((q.per_gpu > p.per_gpu && q.per_user > p.per_user));
        }
    }
    CHECK(std::any_of(points.begin(), points.end(), [](const SpeedPoint& p) { return p.beats_all; }));
}

TEST_CASE("what a plan assumes is data with its source") {
    const PlanningAssumptions a = load_planning_assumptions(DataStore{});
    CHECK(a.max_load == 0.85);
}
