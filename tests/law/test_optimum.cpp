// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/optimum.h"

#include <doctest/doctest.h>

#include <cmath>

#include "laws.h"

using namespace moecost;

namespace {

bool allocates(const Law& law) {
    const Axes& axes = info(law.form).axes;
    return axes.n && axes.d;
}

}   // namespace

TEST_CASE("the optimum of a budget is the best of a fine grid") {
    for (const Law& law : loss_laws()) {
        if (!allocates(law)) continue;
        CAPTURE(law.id);
        const double flop = 1e21;
        Setting s = typical(law);
        const auto best = loss_optimal(law, flop, s);
        REQUIRE(bool(best));
        const double share = *used_share(law, s);
        double least = HUGE_VAL;
        double least_n = 0;
        for (double ln_n = std::log(1e6); ln_n < std::log(1e13); ln_n += 1e-3) {
            s.n = std::exp(ln_n);
            s.d = flop / (6 * share * s.n);
            const double l = *loss(law, s);
            if (l < least) {
                least = l;
                least_n = s.n;
            }
        }
        CHECK(best->n == doctest::Approx(least_n).epsilon(1e-3));
        CHECK(best->loss <= least);
        CHECK(best->loss == doctest::Approx(least).epsilon(1e-6));
        CHECK(6 * share * best->n * best->d == doctest::Approx(flop).epsilon(1e-12));
    }
}

TEST_CASE("Chinchilla-type optima follow their closed form") {
    const Law law = law_named("hoffmann2022");
    const double a = law.c[1], b = law.c[2], alpha = law.c[3], beta = law.c[4];
    const double g = std::pow(alpha * a / (beta * b), 1 / (alpha + beta));
    for (const double flop : {1e18, 5.76e23, 1e26}) {
        const double n = g * std::pow(flop / 6, beta / (alpha + beta));
        CHECK(loss_optimal(law, flop, {})->n == doctest::Approx(n).epsilon(1e-9));
        CHECK(*tokens_for_optimal_size(law, {.n = n}) == doctest::Approx(flop / (6 * n)).epsilon(1e-9));
    }
}

TEST_CASE("inversions return to where they came from") {
    for (const Law& law : loss_laws()) {
        CAPTURE(law.id);
        const Setting s = typical(law);
        const double target = *loss(law, s);
        if (info(law.form).axes.d)
            CHECK(*tokens_for_loss(law, s, target) == doctest::Approx(s.d).epsilon(1e-9));
        if (info(law.form).axes.n)
            CHECK(*size_for_loss(law, s, target) == doctest::Approx(s.n).epsilon(1e-9));
    }
}

TEST_CASE("an over-trained model is smaller than the optimum and as good as asked") {
    const Law law = law_named("yun2024_yp");
    const double flop = 1e21;
    const Setting s{.experts = 16};
    const auto best = loss_optimal(law, flop, s);
    const auto small = overtrained(law, flop, s, best->loss + 0.02);
    REQUIRE(bool(small));
    CHECK(small->n < best->n);
    CHECK(small->d > best->d);
    CHECK(small->loss == doctest::Approx(best->loss + 0.02).epsilon(1e-12));
    const auto never = overtrained(law, flop, s, best->loss - 0.01);
    REQUIRE(!never);
    CHECK(never.error().reason == "the budget does not reach the loss");
}

TEST_CASE("served tokens make the cheapest model smaller, none leave the optimum of training") {
    const Law law = law_named("joint-moe");
    const auto best = loss_optimal(law, 1e21, {.experts = 8});
    const auto idle = lifetime_optimal(law, {.experts = 8}, best->loss, 0);
    CHECK(idle->n == doctest::Approx(best->n).epsilon(1e-6));
    const auto busy = lifetime_optimal(law, {.experts = 8}, best->loss, 1e12);
    CHECK(busy->n < idle->n);
    CHECK(busy->loss == doctest::Approx(best->loss).epsilon(1e-9));
    // Brute force over sizes.
    double least = HUGE_VAL;
    for (double n = best->n / 20; n < best->n * 2; n *= 1.001) {
        const auto d = tokens_for_loss(law, {.n = n, .experts = 8}, best->loss);
        if (d) least = std::min(least, 6 * n * *d + 2 * n * 1e12);
    }
    CHECK(6 * busy->n * busy->d + 2 * busy->n * 1e12 == doctest::Approx(least).epsilon(1e-5));
}

TEST_CASE("questions without an answer say why") {
    const Law law = law_named("besiroglu2024");
    const auto floor = tokens_for_loss(law, {.n = 1e9}, 1.9);
    REQUIRE(!floor);
    CHECK(floor.error().reason == "no number of tokens reaches the loss");
    CHECK(floor.error().needed == doctest::Approx(*loss(law, {.n = 1e9, .d = 1e30})));
    CHECK(size_for_loss(law, {.d = 1e9}, 1.8).error().reason == "no model size reaches the loss");
    CHECK(loss_optimal(law, 1, {}).error().reason ==
          "the training budget buys no token for the smallest model");
    CHECK(loss_optimal(law, -1e20, {}).error().reason == "the training budget must be positive");
    CHECK(loss_optimal(law_named("clark2022_hash"), 1e20, {.experts = 4}).error().reason ==
          "the law does not hold both model size and tokens");
    CHECK(!lifetime_optimal(law, {}, 1.5, 1e12));
    CHECK(!lifetime_optimal(law, {}, 2.2, -1));
}
