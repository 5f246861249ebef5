// SPDX-License-Identifier: Apache-2.0
// The search for the cheapest architecture: against brute force, against published optima, and what must never happen.
#include <doctest/doctest.h>

#include <cmath>

#include "designs.h"
#include "moecost/design/solve.h"
#include "moecost/law/optimum.h"
#include "moecost/law/parameters.h"
#include "moecost/model/counts.h"

using namespace moecost;
using designs::refused;
using designs::solved;
using designs::winner;
using doctest::Approx;

namespace {

/// Dollars per million output tokens of the cheapest deployment, by plain loops.
double cheapest_by_loops(const Architecture& architecture, const std::vector<Scenario>& machines,
                         const std::vector<int>& gpus, const std::vector<double>& concurrency) {
    double least = HUGE_VAL;
    for (Scenario s : machines) {
        s.architecture = architecture;
        const auto offer = [&](double requests) {
            s.traffic.load = resized(s.traffic.load, requests);
            const auto e = evaluate(s);
            if (!e) return;
            if (s.slo.tpot_s > 0 && e->serving.tpot.value() > s.slo.tpot_s) return;
            const double per_hour = 3600 * e->serving.output_tokens_per_s.value();
            least =
                std::min(least, 1e6 * s.pool().layout.gpus() * s.pool().price.usd_per_gpu_hour / per_hour);
        };
        for (const int n : gpus) {
            for (int tp = 1; tp <= n; ++tp) {
                for (int pp = 1; pp <= n; ++pp) {
                    for (int dp = 1; dp <= n; ++dp) {
                        for (int ep = 1; ep <= n; ++ep) {
                            if (tp * pp * dp != n) continue;
                            s.pool().layout.tp = tp;
                            s.pool().layout.pp = pp;
                            s.pool().layout.attention_dp = dp;
                            s.pool().layout.ep = ep;
                            if (launch_refusal(s)) continue;
                            for (const double c : concurrency) offer(c);
                        }
                    }
                }
            }
        }
    }
    return least;
}

/// Joint MoE, Eq. 6 with the printed coefficients.
double joint_loss(double n, double d, double experts) {
    const double start = 2.0732;
    const double most = 290.4521;
    const double e = 1 / (1 / (experts - 1 + 1 / (1 / start - 1 / most)) + 1 / most);
    const double x = std::log(e);
    return 35.91 * std::pow(e, -0.2285) * std::pow(n, -0.1889 + 0.0098 * x) +
           35.98 * std::pow(e, 0.5529) * std::pow(d, -0.1775 - 0.0259 * x) + 1.3637;
}

struct Found {
    double cost = HUGE_VAL;
    int experts = 0;
    double size = 0;
    double tokens = 0;
};

Found winner_by_loops(const DesignSpace& space, double budget, double target) {
    Found best;
    for (const int experts : space.experts) {
        for (const double size : space.sizes) {
            const FamilyMember m = designs::member("joint-moe", {size, experts, 1, 1, 0});
            const double n = count(m.architecture).active_incl_embeddings;
            const double most = budget / (6 * n);
            if (joint_loss(n, most, experts) > target) continue;
            double low = 1;
            double high = most;
            for (int i = 0; i < 200; ++i) {
                const double middle = std::sqrt(low * high);
                (joint_loss(n, middle, experts) > target ? low : high) = middle;
            }
            const double cost = cheapest_by_loops(m.architecture, space.serving.machines, space.serving.gpus,
                                                  space.serving.concurrency);
            if (cost < best.cost) best = {cost, experts, size, high};
        }
    }
    return best;
}

}   // namespace

TEST_CASE("the search finds what brute force finds") {
    DesignSpace space = designs::small_space();
    space.serving.fill = false;
    for (const double tpot : {0.0, 0.004}) {
        for (Scenario& s : space.serving.machines) s.slo.tpot_s = tpot;
        DesignGoal g = designs::goal(3e21);
        g.equal_to = 0;
        for (const double target : {2.32, 2.25}) {
            g.max_loss = target;
            const DesignAnswer a = solved(space, g);
            const Found loops = winner_by_loops(space, g.budget, target);
            CAPTURE(tpot);
            CAPTURE(target);
            CHECK(a.winner.deployment.usd_per_mtok == Approx(loops.cost).epsilon(1e-9));
            CHECK(winner(a).request.experts == loops.experts);
            CHECK(winner(a).request.size == loops.size);
            CHECK(a.winner.tokens == Approx(loops.tokens).epsilon(1e-9));
        }
    }
}

TEST_CASE("concurrency is filled up to memory and to the objectives") {
    DesignSpace space = designs::small_space();
    space.serving.gpus = {1, 2};
    const Architecture a = designs::member("joint-moe", {2e9, 4, 1, 1, 0}).architecture;
    std::vector<double> every;
    for (double c = 1; c <= 1100; ++c) every.push_back(c);
    for (const double tpot : {0.0, 0.004}) {
        for (std::size_t i = 0; i < space.serving.machines.size(); ++i) {
            Scenario& s = space.serving.machines[i];
            s.slo.tpot_s = tpot;
            const auto layouts = layouts_of(space.serving.gpus, {}, space.serving.exchanges);
            const double found = cheapest(space.serving, i, layouts, a).best[0].usd_per_mtok;
            const double all = cheapest_by_loops(a, {s}, space.serving.gpus, every);
            CHECK(found >= all * (1 - 1e-12));
            // Prices ripple with the tiles of kernels between the loads that are tried.
            CHECK(found <= all * (tpot > 0 ? 1 + 1.0 / 32 : 1 + 1.0 / 256));
        }
    }
}

TEST_CASE("rungs that are left out as too dear are none that would have won") {
    DesignSpace space = designs::small_space();
    space.serving.gpus = {1, 2, 4, 8};
    space.serving.concurrency = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048};
    std::uint64_t evaluated = 0;
    std::uint64_t listed = 0;
    for (const char* engine : {"vllm", "sglang", "trtllm"}) {
        for (const FamilyRequest& request :
             {FamilyRequest{1e9, 1, 1, 1, 0}, FamilyRequest{3e9, 16, 1, 1, 0}}) {
            const Architecture a = designs::member("joint-moe", request).architecture;
            Scenario s = designs::machine("a100_sxm_80", "joint-moe", engine);
            for (const double tpot : {0.0, 0.006, 0.02}) {
                s.slo.tpot_s = tpot;
                space.serving.machines = {s};
                const auto layouts = layouts_of(space.serving.gpus, {}, space.serving.exchanges);
                const Served found = cheapest(space.serving, 0, layouts, a);
                DeploymentSpace all = space.serving;
                all.fill = false;
                const Served every = cheapest(all, 0, layouts, a);
                // Listed rungs beyond what fits wait, which adds no throughput: the most that fits does as well.
                CHECK(found.best[0].usd_per_mtok <= every.best[0].usd_per_mtok * (1 + 1e-9));
                evaluated += found.evaluated;
                listed += every.evaluated;
            }
        }
    }
    CHECK(3 * evaluated < 2 * listed);
}

TEST_CASE("experts over many nodes are exchanged in the cheapest way, and the answer names it") {
    DesignSpace space = designs::small_space();
    space.serving.gpus = {32};
    space.serving.fixed.ep = 32;
    space.serving.fixed.attention_dp = 32;
    const Architecture a = designs::member("joint-moe", {3e9, 32, 1, 1, 0}).architecture;
    space.serving.machines = {designs::machine("h200_sxm", "joint-moe")};
    const auto price = [&](std::vector<ExpertExchange> exchanges) {
        space.serving.exchanges = std::move(exchanges);
        const auto layouts = layouts_of(space.serving.gpus, space.serving.fixed, space.serving.exchanges);
        CHECK(layouts.size() == space.serving.exchanges.size());
        return cheapest(space.serving, 0, layouts, a).best[0];
    };
    const Deployment each =
        price({ExpertExchange::collective, ExpertExchange::low_latency, ExpertExchange::normal});
    CHECK(each.layout.exchange != ExpertExchange::collective);
    CHECK(each.usd_per_mtok == price({each.layout.exchange}).usd_per_mtok);
    CHECK(each.usd_per_mtok < price({ExpertExchange::collective}).usd_per_mtok);
}

TEST_CASE("numbers of experts that the law or the family refuses are named with the reason") {
    DesignSpace space = designs::small_space();
    space.family =
        load_family(DataStore{}, "deepseek-like");   // leading dense layers: not what the law holds for
    space.experts = {1, 4, 8};
    space.top_k = {1};
    space.granularity = {1};
    space.shared_experts = {0};
    const DesignAnswer a = solved(space, designs::goal(3e21));
    REQUIRE(a.left_out.size() == 2);
    CHECK(a.left_out[0].experts == 4);
    CHECK(a.left_out[1].experts == 8);
    CHECK_FALSE(a.left_out[0].why.reason.empty());
    CHECK(solved(designs::small_space(), designs::goal(3e21)).left_out.empty());
}

TEST_CASE("tokens per parameter of training stay within what is asked for") {
    const DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(3e21);
    const DesignAnswer free = solved(space, g);
    const auto per_parameter = [](const DesignAnswer& a) {
        return a.winner.tokens / a.models[a.winner.model].point.used;
    };
    g.tokens.per_parameter = 0.5 * per_parameter(free);
    const DesignAnswer bound = solved(space, g);
    CHECK(per_parameter(bound) <= g.tokens.per_parameter * (1 + 1e-9));
    CHECK(bound.winner.objective > free.winner.objective);
}

TEST_CASE("a module that drafts is trained: a layer and a join more of every parameter that a token uses") {
    DesignSpace space = designs::small_space();
    for (Scenario& s : space.serving.machines) s.pool().settings.draft_tokens = 1;
    const DesignAnswer a = solved(space, designs::goal(3e21));
    const DesignModel& m = a.models[a.winner.model];
    // joint-moe: attention 4 h^2, one expert 9 h^2, the join 2 h^2; router and norms are below 1 % of that.
    const double h = m.member.architecture.hidden;
    CHECK(m.point.drafting == doctest::Approx(15 * h * h).epsilon(0.01));
    CHECK(a.winner.training_flop ==
          doctest::Approx(6 * (m.point.used + m.point.drafting) * a.winner.tokens).epsilon(1e-12));
    const DesignAnswer plain = solved(designs::small_space(), designs::goal(3e21));
    CHECK(plain.models[plain.winner.model].point.drafting == 0);
    CHECK(plain.models[plain.winner.model].member.architecture.mtp.count == 0);
}

TEST_CASE("looser limits are never dearer") {
    const DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(3e21);
    g.equal_to = 0;
    double before = HUGE_VAL;
    for (const double target : {2.24, 2.28, 2.34, 2.4}) {
        g.max_loss = target;
        const double cost = solved(space, g).winner.objective;
        CHECK(cost <= before);
        before = cost;
    }
    g.max_loss = 2.3;
    before = HUGE_VAL;
    for (const double budget : {1.5e21, 3e21, 6e21, 2e22}) {
        g.budget = budget;
        const double cost = solved(space, g).winner.objective;
        CHECK(cost <= before);
        before = cost;
    }
}

TEST_CASE("the more tokens are served, the smaller the model and the more it is trained") {
    DesignSpace space = designs::small_space();
    space.experts = {1};
    DesignGoal g = designs::goal(0);
    g.objective = DesignObjective::lifetime;
    g.equal_to = 0;
    g.max_loss = 2.35;
    double size = HUGE_VAL;
    double tokens = 0;
    for (const double served : {0.0, 1e12, 1e14, 1e16}) {
        g.served_tokens = served;
        const DesignAnswer a = solved(space, g);
        CHECK(winner(a).dense_equivalent <= size);
        CHECK(a.winner.tokens >= tokens);
        size = winner(a).dense_equivalent;
        tokens = a.winner.tokens;
    }
}

TEST_CASE("nothing served: the model that is cheapest to train") {
    const DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(0);
    g.objective = DesignObjective::lifetime;
    g.equal_to = 0;
    g.max_loss = 2.35;
    const DesignAnswer a = solved(space, g);
    for (const DesignPoint& p : a.all) CHECK(a.winner.training_flop <= p.training_flop);
    CHECK(a.all.size() > 3);
}

TEST_CASE("where a token costs 2 N FLOP, the lifetime optimum is that of Sardana et al.") {
    // Their example: the loss of a 7 B Chinchilla-optimal model and 1e11 tokens served: 6 B parameters on 1.18 times
    // the tokens; 6.0547 B with the unrounded coefficients. Sizes 0.1 % apart.
    const LossBasis basis = designs::basis("hoffmann2022");
    Setting seven;
    seven.n = 7e9;
    seven.d = *tokens_for_optimal_size(basis.law, seven);
    DesignGoal g;
    g.objective = DesignObjective::lifetime;
    g.served_tokens = 1e11;
    g.training = {"", 1e15, 1, 3600};   // a dollar for 1e15 FLOP
    DesignLimits limits;
    limits.max_loss = *loss(basis.law, seven);
    std::vector<DesignModel> models;
    for (double n = 4e9; n < 9e9; n *= 1.001) {
        DesignModel m;
        m.point.setting.n = m.point.used = n;
        m.served.resize(1);
        m.served[0].best[0].usd_per_mtok = 2 * n * 1e6 / 1e15;
        models.push_back(m);
    }
    const auto best = best_of(outcomes_of(g, basis, limits, models));
    REQUIRE(best);
    CHECK(models[best->model].point.used == Approx(6.0547e9).epsilon(0.002));
    CHECK(best->tokens / seven.d == Approx(1.164).epsilon(0.002));
    const auto exact = lifetime_optimal(basis.law, seven, limits.max_loss, 1e11);
    CHECK(best->training_flop + 2 * models[best->model].point.used * 1e11 ==
          Approx(6 * exact->n * exact->d + 2 * exact->n * 1e11).epsilon(1e-6));
}

TEST_CASE("the best number of experts within a memory is that of Ludziejewski et al., Table 2") {
    // bf16 weights and the cache of one sequence of 16k tokens in one memory of 24, 80, 640 GB. Printed: 16, 32 or more,
    // 32 or more at 1e21 FLOP; 4, 16, 32 or more at 1e22; 1, 8, 32 or more at 1e23; 1, 1, 16 at 1e24. The printed
    // formulas themselves give 32, 4 and 8 for the 16, 8 and 16 of the corners 1e21/24, 1e23/80 and 1e24/640: one
    // doubling off. The ideal engine keeps no reserve; memory is set to the figure.
    DesignSpace space;
    space.family = load_family(designs::data(), "joint-moe");
    space.basis = designs::basis("ludziejewski2025");
    space.experts = {1, 2, 4, 8, 16, 32};
    space.top_k = {1};
    space.granularity = {1};
    space.shared_experts = {0};
    for (double n = 0.1e9; n < 250e9; n *= 1.05) space.sizes.push_back(n);
    space.serving.gpus = {1};
    space.serving.concurrency = {1};
    const auto best_experts = [&](double flop, double gb) {
        Scenario s = designs::machine("h100_sxm", "joint-moe", "ideal");
        s.pool().cluster.gpu.memory = Bytes{gb * 1e9};
        s.pool().settings.reserve = Bytes{0};
        s.pool().settings.memory_fraction = 1;
        s.traffic.input = 16 * 1024 - 1;
        s.traffic.output = 1;
        space.serving.machines = {s};
        DesignGoal g = designs::goal(flop);
        g.objective = DesignObjective::loss;
        g.equal_to = 0;
        const DesignAnswer a = solved(space, g);
        return winner(a).request.experts;
    };
    CHECK(best_experts(1e21, 80) == 32);
    CHECK(best_experts(1e22, 24) == 4);
    CHECK(best_experts(1e22, 80) == 16);
    CHECK(best_experts(1e22, 640) == 32);
    CHECK(best_experts(1e23, 24) == 1);
    CHECK(best_experts(1e23, 640) == 32);
    CHECK(best_experts(1e24, 24) == 1);
    CHECK(best_experts(1e24, 80) == 1);
    CHECK(best_experts(1e21, 24) == 32);
    CHECK(best_experts(1e23, 80) == 4);
    CHECK(best_experts(1e24, 640) == 8);
}
