// SPDX-License-Identifier: Apache-2.0
// What an answer of the search tells besides its winner: base, frontier, what binds, certainty; and what is refused.
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

TEST_CASE("the model that sets the loss is the law's optimum, and is among the answers") {
    DesignSpace space = designs::small_space();
    space.refinements = 3;
    const DesignAnswer a = solved(space, designs::goal(1e21));
    REQUIRE(a.base);
    // Table 1 of Ludziejewski et al.: 5.7 B dense parameters at 1e21 FLOP.
    CHECK(a.models[a.base->model].point.used == Approx(5.7e9).epsilon(0.02));
    CHECK(a.max_loss == a.base->loss);
    CHECK(a.winner.objective <= a.base->deployment.usd_per_mtok);
    CHECK(a.winner.loss == a.max_loss);
}

TEST_CASE("the frontier holds every constraint, is sorted, and no member dominates another") {
    DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(3e21);
    g.equal_to = 0;
    g.max_loss = 2.4;
    g.max_cost = 2;
    const DesignAnswer a = solved(space, g);
    REQUIRE(a.frontier.size() > 5);
    for (std::size_t i = 0; i < a.frontier.size(); ++i) {
        const DesignPoint& p = a.frontier[i];
        CHECK(p.loss <= g.max_loss);
        CHECK(p.training_flop <= g.budget * (1 + 1e-9));
        CHECK(p.deployment.usd_per_mtok <= g.max_cost);
        if (i > 0) CHECK(a.frontier[i - 1].loss <= p.loss);
        for (const DesignPoint& o : a.frontier) {
            const bool better = o.loss < p.loss && o.training_usd < p.training_usd &&
                                o.deployment.usd_per_mtok < p.deployment.usd_per_mtok;
            CHECK_FALSE(better);
        }
    }
    bool has_winner = false;
    for (const DesignPoint& p : a.frontier)
        has_winner |= p.deployment.usd_per_mtok == a.winner.deployment.usd_per_mtok;
    CHECK(has_winner);
}

TEST_CASE("what binds is found by solving again") {
    DesignSpace space = designs::small_space();
    space.refinements = 2;
    for (Scenario& s : space.serving.machines) s.slo.tpot_s = 0.004;
    const DesignAnswer a = solved(space, designs::goal(1e21));
    std::vector<std::string> names;
    for (const Loosened& l : a.loosened) {
        names.push_back(l.constraint);
        CHECK(l.gain >= 0);
        CHECK(l.gain == Approx(1 - l.winner.objective / a.winner.objective));
    }
    CHECK(names == std::vector<std::string>{"loss", "budget", "slo-tpot", "memory"});
    // A tighter objective is bought with smaller batches: to loosen it must help.
    CHECK(a.loosened[2].gain > 0.01);
    CHECK(a.loosened[2].winner.deployment.tpot_s > 0.004);
    CHECK(a.loosened[2].winner.deployment.tpot_s <= 0.0044);
}

TEST_CASE("a law without covariance gives no certainty; a narrow one a certain winner") {
    DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(3e21);
    g.bootstrap = 40;
    space.basis.law.samples.clear();   // the spread that the law file assumes
    CHECK(solved(space, g).samples == 0);
    const std::size_t n = parameter_names(space.basis.law.form).size();
    const auto with_variance = [&](double variance) {
        space.basis.law.covariance.assign(n * n, 0);
        for (std::size_t i = 0; i < n; ++i) space.basis.law.covariance[i * n + i] = variance;
        return solved(space, g);
    };
    const DesignAnswer narrow = with_variance(1e-16);
    CHECK(narrow.samples == 40);
    REQUIRE(narrow.wins.size() == 1);
    CHECK(narrow.wins[0].wins == 40);
    CHECK(narrow.wins[0].combination == narrow.models[narrow.winner.model].combination);
    const DesignAnswer wide = with_variance(1e-3);
    unsigned wins = 0;
    for (const WinShare& w : wide.wins) wins += w.wins;
    CHECK(wins <= 40);
    CHECK(wide.wins.size() > 1);
}

TEST_CASE("training compute and serving price trade along the curve of one loss") {
    DesignSpace space = designs::small_space();
    space.sizes = {0.5e9, 1e9, 2e9, 4e9, 8e9};
    const DesignAnswer a = solved(space, designs::goal(1e21));
    REQUIRE(a.iso_loss.size() > 4);
    for (std::size_t i = 0; i < a.iso_loss.size(); ++i) {
        for (const auto& side : {&IsoLossRung::dense, &IsoLossRung::moe}) {
            const auto& p = a.iso_loss[i].*side;
            if (!p) continue;
            CHECK(p->training_flop <= a.iso_loss[i].flop * (1 + 1e-9));
            CHECK(p->loss == a.max_loss);
            // More compute is never dearer: it allows all that less does.
            if (i > 0 && a.iso_loss[i - 1].*side)
                CHECK(p->deployment.usd_per_mtok <= (a.iso_loss[i - 1].*side)->deployment.usd_per_mtok);
        }
    }
    REQUIRE(a.dense_at_20);
    const DesignModel& m = a.models[a.dense_at_20->model];
    CHECK(m.member.request.experts == 1);
    CHECK(a.dense_at_20->tokens / m.point.used == Approx(20).epsilon(0.03));
    CHECK(a.dense_at_20->training_flop == Approx(6 * m.point.used * a.dense_at_20->tokens));
}

TEST_CASE("formats of serving cost the base the same loss as the candidates") {
    DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(1e21);
    const DesignAnswer free = solved(space, g);
    g.quantisation_loss = 0.01;
    const DesignAnswer paid = solved(space, g);
    CHECK(paid.max_loss == Approx(free.max_loss + 0.01).epsilon(1e-12));
    CHECK(paid.winner.deployment.usd_per_mtok == Approx(free.winner.deployment.usd_per_mtok).epsilon(1e-12));
    CHECK(paid.by_experts.size() == free.by_experts.size());
}

TEST_CASE("a number of experts that no instance holds is named, with the memory it lacks") {
    DesignSpace space = designs::small_space();
    space.experts = {1, 4, 4096};
    space.sizes = {2e9, 4e9};
    DesignGoal g = designs::goal(3e21);
    const DesignAnswer a = solved(space, g);
    REQUIRE(a.left_out.size() == 1);
    CHECK(a.left_out[0].experts == 4096);
    CHECK(a.left_out[0].why.reason == "the weights do not fit");
}

TEST_CASE("a loss below the floor of the law is refused with the floor, not with that of one size") {
    DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(1e22);
    g.equal_to = 0;
    g.max_loss = 1.36;
    const auto why = below_the_floor(space, g);
    REQUIRE(why);
    CHECK(why->needed == Approx(1.3637).epsilon(1e-4));   // c of Ludziejewski et al., Table 3
    g.max_loss = 1.37;
    CHECK_FALSE(below_the_floor(space, g));
}

TEST_CASE("threads change nothing") {
    const DesignSpace space = designs::small_space();
    const DesignAnswer one = solved(space, designs::goal(3e21), 1);
    const DesignAnswer many = solved(space, designs::goal(3e21), 5);
    CHECK(one.evaluated == many.evaluated);
    REQUIRE(one.frontier.size() == many.frontier.size());
    for (std::size_t i = 0; i < one.frontier.size(); ++i) {
        CHECK(one.frontier[i].model == many.frontier[i].model);
        CHECK(one.frontier[i].deployment.usd_per_mtok == many.frontier[i].deployment.usd_per_mtok);
    }
}

TEST_CASE("a stopped search says so") {
    const std::atomic<bool> stop{true};
    const auto a = design(designs::small_space(), designs::goal(3e21), {2, &stop, {}});
    REQUIRE(a);
    CHECK(a->stopped);
}

TEST_CASE("lists that would be free in loss, or that a family lacks, are named") {
    DesignSpace space = designs::small_space();
    space.granularity = {1, 8};
    CHECK(free_axis(space)->quantity == "granularity");
    space.basis = designs::basis("ludziejewski2025", "tian2025");
    CHECK(free_axis(space)->reason == "the family has no such members");
    space.family = load_family(designs::data(), "qwen-like");
    CHECK_FALSE(free_axis(space));
    space.basis = designs::basis("krajewski2024");
    CHECK(free_axis(space)->quantity == "experts");
    space.experts = {64};
    CHECK_FALSE(free_axis(space));
    space.top_k = {2};
    CHECK(free_axis(space)->quantity == "top-k");
}

TEST_CASE("what can not be reached is told with the shortfall") {
    const DesignSpace space = designs::small_space();
    DesignGoal g = designs::goal(3e21);
    g.equal_to = 0;
    g.max_loss = 1.2;   // below the floor of the law, 1.3637
    CHECK(refused(space, g).reason.find("no model reaches the loss") != std::string_view::npos);
    CHECK(refused(space, g).needed == Approx(1.3637).epsilon(1e-4));
    g.max_loss = 2.0;   // 8 B at most: reached, but not on this budget
    const Infeasible budget = refused(space, g);
    CHECK(budget.unit == "FLOP");
    CHECK(budget.needed > g.budget);
    g.budget = budget.needed * 1.001;
    CHECK(solved(space, g).all.size() == 1);
    g.tokens.most = 1e9;
    CHECK(refused(space, g).unit == "tokens");
    g.tokens = {0, 1};
    CHECK(refused(space, g).unit == "tokens per parameter");
    g.tokens = {};
    g.max_cost = 1e-4;
    CHECK(refused(space, g).unit == "$/Mtok");
    g.budget = 1e12;
    CHECK(refused(space, g).quantity == "budget");
    DesignSpace hasty = space;
    for (Scenario& s : hasty.serving.machines) s.slo.tpot_s = 1e-6;
    g.budget = 3e21;
    CHECK(refused(hasty, g).quantity == "TPOT");
    DesignSpace tiny = space;
    for (Scenario& s : tiny.serving.machines) s.pool().cluster.gpu.memory = Bytes{1e8};
    CHECK(refused(tiny, g).reason == "the weights do not fit");
}

TEST_CASE("a loss that one size alone reaches is found between the sizes of a list") {
    DesignSpace space = designs::small_space();
    space.experts = {4};
    space.sizes = {1e9, 20e9};
    DesignGoal g = designs::goal(1e21);
    g.equal_to = 0;
    // Table 1 of Ludziejewski et al.: 4 experts at 1e21 FLOP are best at 4.4 B; 1e-5 above that loss.
    Setting s;
    s.experts = 4;
    g.max_loss = loss_optimal(space.basis.law, g.budget, s)->loss + 1e-5;
    CHECK(refused(space, g).unit == "FLOP");
    space.extend = true;
    CHECK(solved(space, g).models[solved(space, g).winner.model].point.used == Approx(4.4e9).epsilon(0.1));
}

TEST_CASE("goals that leave the answer open are refused") {
    const auto missing = [](DesignGoal g) { return goal_problem(g) ? goal_problem(g)->quantity : ""; };
    DesignGoal g;
    CHECK(missing(g) == "max-loss");
    g.max_loss = 2;
    CHECK(missing(g) == "budget");
    g.budget = 1e21;
    CHECK(missing(g) == "");
    g.equal_to = 1;
    CHECK(missing(g) == "equal-to");
    g = {};
    g.objective = DesignObjective::loss;
    CHECK(missing(g) == "budget");
    g.objective = DesignObjective::lifetime;
    CHECK(missing(g) == "max-loss");
    g.equal_to = 1;
    CHECK(missing(g) == "budget");
}
