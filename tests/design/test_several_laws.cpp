// SPDX-License-Identifier: Apache-2.0
// One question under several laws: regrets are zero at home, never negative abroad, and the safest design is the safest.
#include <doctest/doctest.h>

#include "designs.h"
#include "moecost/design/several_laws.h"

using namespace moecost;
using doctest::Approx;

namespace {

LawsAnswer answered(const std::vector<LawView>& views) {
    DesignGoal g = designs::goal(1e21);
    g.bootstrap = 10;
    DesignSpace space = designs::small_space();
    const auto a = design_under_laws(space, g, views, {2, nullptr, {}});
    REQUIRE(a);
    return *a;
}

}   // namespace

TEST_CASE("the winner of a law has no regret under it, and nobody has less than none") {
    const std::vector<LawView> views{
        {"joint", designs::basis("ludziejewski2025"), {3e13, 400}},
        {"besiroglu+tian", designs::basis("besiroglu2024", "tian2025"), {3e13, 100}}};
    const LawsAnswer a = answered(views);
    REQUIRE(a.winners.size() == 2);
    for (std::size_t l = 0; l < 2; ++l) {
        CHECK(a.winners[l].under[l].possible);
        CHECK(a.winners[l].under[l].regret == Approx(0).epsilon(1e-9));
        for (const UnderLaw& u : a.winners[l].under) {
            if (u.possible) CHECK(u.regret >= 0);
            if (!u.possible) CHECK_FALSE(u.missed.empty());
        }
        // No winner is safer than the safest.
        const bool fewer = a.winners[l].impossible_in < a.minimax.impossible_in;
        CHECK_FALSE(fewer);
        if (a.winners[l].impossible_in == a.minimax.impossible_in)
            CHECK(a.minimax.worst <= a.winners[l].worst);
        unsigned wins = 0;
        for (const unsigned w : a.wins[l]) wins += w;
        CHECK(wins == 10);
    }
}

TEST_CASE("one law alone is the ordinary design") {
    const LawsAnswer a = answered({{"joint", designs::basis("ludziejewski2025"), {3e13, 400}}});
    CHECK(a.minimax.worst == Approx(0).epsilon(1e-9));
    CHECK(a.minimax.model == a.answers[0].winner.model);
}
