// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/law.h"

#include <doctest/doctest.h>

#include <cmath>

#include "laws.h"

using namespace moecost;

TEST_CASE("the gradient is that of finite differences") {
    for (const Law& law : loss_laws()) {
        CAPTURE(law.id);
        const Setting s = typical(law);
        const auto g = gradient(law, s);
        REQUIRE(bool(g));
        const auto slope = [&](double Setting::*axis, bool logarithmic) {
            const double h = 1e-6;
            Setting up = s;
            Setting down = s;
            up.*axis *= 1 + h;
            down.*axis *= 1 - h;
            const double change = std::log(*loss(law, up)) - std::log(*loss(law, down));
            return change / (logarithmic ? std::log1p(h) - std::log1p(-h) : 2 * h * s.*axis);
        };
        const Axes& axes = info(law.form).axes;
        const auto check = [](bool has, double exact, double numeric) {
            CHECK(exact == doctest::Approx(has ? numeric : 0).epsilon(1e-6));
        };
        check(axes.n, g->ln_n, slope(&Setting::n, true));
        check(axes.d, g->ln_d, slope(&Setting::d, true));
        check(axes.experts, g->experts, axes.experts ? slope(&Setting::experts, false) : 0);
        check(axes.granularity, g->granularity, axes.granularity ? slope(&Setting::granularity, false) : 0);
        check(axes.active, g->active, axes.active ? slope(&Setting::active, false) : 0);
        check(axes.shared, g->shared, axes.shared ? slope(&Setting::shared, false) : 0);
    }
}

TEST_CASE("more parameters, tokens and experts never hurt inside the range of a law") {
    for (const Law& law : loss_laws()) {
        CAPTURE(law.id);
        for (double n = 1e8; n < 2e9; n *= 1.7) {
            for (double d = 2e9; d < 2e10; d *= 2) {
                Setting s = typical(law);
                s.n = n;
                s.d = d;
                const auto g = gradient(law, s);
                REQUIRE(bool(g));
                CHECK(g->ln_n <= 0);
                CHECK(g->ln_d <= 0);
                // At few tokens for its size the joint law does charge for experts (its omega is positive).
                if (law.form != LossForm::joint_moe) CHECK(g->experts <= 0);
            }
        }
    }
}

TEST_CASE("the saturating number of experts starts at E_start and ends at E_max") {
    CHECK(saturated(1.0, 1.0, 2.0732, 290.4521) == doctest::Approx(2.0732).epsilon(1e-14));
    CHECK(saturated(1e15, 1.0, 2.0732, 290.4521) == doctest::Approx(290.4521).epsilon(1e-10));
    double before = 0;
    for (double e = 1; e < 1e6; e *= 1.5) {
        const double now = saturated(e, 1.0, 2.0732, 290.4521);
        CHECK(now > before);
        before = now;
    }
}

TEST_CASE("unlimited parameters and tokens leave the irreducible loss") {
    CHECK(*loss(law_named("besiroglu2024"), {.n = 1e60, .d = 1e60}) ==
          doctest::Approx(1.8172).epsilon(1e-12));
    CHECK(*loss(law_named("joint-moe"), {.n = 1e90, .d = 1e90, .experts = 4}) ==
          doctest::Approx(1.3637).epsilon(1e-9));
}

TEST_CASE("best shapes of the laws are those their papers print") {
    const Law zhao = law_named("zhao2025");
    Setting s{
        .n = 30e9, .d = 1e12, .granularity = std::sqrt(7.2446 / 0.1577), .active = 0.4007, .shared = 0.3148};
    const auto g = gradient(zhao, s);
    CHECK(std::abs(g->granularity) < 1e-9);
    CHECK(std::abs(g->shared) < 1e-5);
    CHECK(std::abs(g->active) < 2e-5);
}

TEST_CASE("no axis is free in loss") {
    const auto reason = [](std::string_view law, const Setting& s) {
        const auto l = loss(law_named(law), s);
        return l ? std::string("a loss") : std::string(l.error().reason);
    };
    CHECK(reason("besiroglu2024", {.n = 1e9, .d = 1e10, .experts = 8}) == "the law knows dense models only");
    CHECK(reason("joint-moe", {.n = 1e9, .d = 1e10}) == "the law needs the number of experts");
    CHECK(reason("joint-moe", {.n = 1e9, .d = 1e10, .experts = 0.5}) ==
          "the number of experts must be at least 1");
    CHECK(reason("joint-moe", {.n = 1e9, .d = 1e10, .experts = 8, .granularity = 4}) ==
          "the law has no granularity");
    CHECK(reason("joint-moe", {.n = 1e9, .d = 1e10, .experts = 8, .shared = 0.5}) ==
          "the law has no shared experts");
    CHECK(reason("joint-moe", {.n = 1e9, .d = 1e10, .experts = 8, .top_k = 2}) ==
          "the law holds for one number of experts per token only");
    CHECK(reason("krajewski2024", {.n = 1e9, .d = 1e10, .experts = 8, .granularity = 4}) ==
          "the law holds for one number of experts only");
    CHECK(reason("krajewski2024", {.n = 1e9, .d = 1e10}) == "the law needs a positive granularity");
    CHECK(reason("abnar2025", {.n = 1e9, .d = 1e10, .active = 1.5}) ==
          "the law needs an active share above 0 and at most 1");
    CHECK(reason("besiroglu2024", {.n = -1, .d = 1e10}) == "the law needs a positive model size");
    CHECK(reason("besiroglu2024", {.n = 1e9, .d = std::nan("")}) ==
          "the law needs a positive number of tokens");
    CHECK(reason("tian2025", {.n = 1e9, .d = 1e10}) == "the law gives an efficiency leverage, no loss");
    CHECK(!efficiency_leverage(law_named("joint-moe"), 0.1, 2, 1e20));
    CHECK(!efficiency_leverage(law_named("tian2025"), 0, 2, 1e20));
    CHECK(!efficiency_leverage(law_named("tian2025"), 0.1, 2, -1));
}

TEST_CASE("settings outside the training range are named by axis") {
    const Law law = law_named("default");
    CHECK(!extrapolated(law, {.n = 2.7e9, .d = 80e9, .experts = 32}));
    CHECK(describe(extrapolated(law, {.n = 3e9, .d = 80e9, .experts = 64})) == "N, E");
    CHECK(describe(extrapolated(law, {.n = 1e9, .d = 1e12, .experts = 4})) == "D");
}

TEST_CASE("training compute counts the parameters that a token uses") {
    CHECK(*training_flop(law_named("joint-moe"), {.n = 1e9, .d = 1e10}) == doctest::Approx(6e19));
    CHECK(*training_flop(law_named("zhao2025"), {.n = 1e9, .d = 1e10, .active = 0.25}) ==
          doctest::Approx(1.5e19));
    CHECK(*training_flop(law_named("krajewski2024"), {.n = 4.3e9, .d = 1e10}) == doctest::Approx(6e18));
    CHECK(!training_flop(law_named("abnar2025"), {.n = 1e9, .d = 1e10}));
}
