// SPDX-License-Identifier: Apache-2.0
#include "yun2024/paper_algorithms.h"

#include <doctest/doctest.h>

#include <cmath>

#include "moecost/law/law_toml.h"
#include "moecost/law/optimum.h"

using namespace moecost;

namespace {

Law law_of(std::string_view name) { return load_law(DataStore{}, name); }

/// Both algorithms from one base, with the cost in proportion to N (1 + kappa (E - 1)/3).
struct Answers {
    PaperModel base, at_loss, at_cost;
};
Answers answers(const Law& law, double kappa, double budget, double base_experts, double experts) {
    const ServingCost cost = proportional_cost(kappa);
    PaperQuestion q;
    q.budget = budget;
    q.base_experts = base_experts;
    const auto base = loss_optimal_model(law, cost, q, base_experts);
    REQUIRE(bool(base));
    const auto one = cheapest_at_loss(law, cost, q, experts, *base);
    const auto two = best_at_cost(law, cost, q, experts, *base);
    REQUIRE(bool(one));
    REQUIRE(bool(two));
    return {*base, *one, *two};
}

double cost_ratio(const Law& law, double kappa, double budget, double base, double experts) {
    const Answers a = answers(law, kappa, budget, base, experts);
    return a.at_loss.cost / a.base.cost;
}

/// Budget that the over-trained model of the same serving cost saves on the way to the loss of the base.
double saved_budget(const Law& law, double kappa, double budget) {
    const Answers a = answers(law, kappa, budget, 4, 16);
    const auto d = tokens_for_loss(law, {.n = a.at_cost.n, .experts = 16}, a.base.loss);
    REQUIRE(bool(d));
    return 1 - training_budget(TrainingCompute::dense_equivalent, 16, a.at_cost.n, *d) / budget;
}

}   // namespace

// The expected figures are those of an independent program (scipy) for the same coefficients, as printed to their
// last digit: each check allows half a unit of it.
TEST_CASE("algorithm 1 reaches the same cost ratios as an independent program") {
    const Law yp = law_of("yun2024_yp");
    const Law yc = law_of("yun2024_yc");
    // Base dense, 8 experts, at 5.15e21 and 8.18e21 FLOP.
    CHECK(std::abs(cost_ratio(yp, 1.0, 5.15e21, 1, 8) - 0.459) <= 0.0005);
    CHECK(std::abs(cost_ratio(yp, 1.0, 8.18e21, 1, 8) - 0.437) <= 0.0005);
    CHECK(std::abs(cost_ratio(yp, 0.4, 5.15e21, 1, 8) - 0.266) <= 0.0005);
    CHECK(std::abs(cost_ratio(yp, 0.4, 8.18e21, 1, 8) - 0.253) <= 0.0005);
    CHECK(std::abs(cost_ratio(yc, 1.0, 5.15e21, 1, 8) - 0.242) <= 0.0005);
    CHECK(std::abs(cost_ratio(yc, 1.0, 8.18e21, 1, 8) - 0.224) <= 0.0005);
    // Base of 4 experts: what 8 and 16 experts save from 2.12e21 to 8.18e21 FLOP, in percent.
    CHECK(std::abs(100 * (1 - cost_ratio(yp, 1.0, 2.12e21, 4, 8)) - 47.2) <= 0.05);
    CHECK(std::abs(100 * (1 - cost_ratio(yp, 1.0, 8.18e21, 4, 8)) - 51.3) <= 0.05);
    CHECK(std::abs(100 * (1 - cost_ratio(yp, 1.0, 2.12e21, 4, 16)) - 46.6) <= 0.05);
    CHECK(std::abs(100 * (1 - cost_ratio(yp, 1.0, 8.18e21, 4, 16)) - 52.6) <= 0.05);
    CHECK(std::abs(cost_ratio(yp, 1.0, 2.12e21, 4, 32) - 0.643) <= 0.0005);
    CHECK(std::abs(cost_ratio(yp, 1.0, 8.18e21, 4, 32) - 0.555) <= 0.0005);
}

TEST_CASE("over-trained and loss-optimal sizes are those of an independent program") {
    for (const auto& [law, e8, e16, e32, optimal16] :
         {std::tuple{"yun2024_yp", 1.5401751e9, 8.4334986e8, 5.2822622e8, 3.7207018e9},
          std::tuple{"yun2024_yc", 1.0217263e9, 5.4584447e8, 3.5951412e8, 3.672137e9}}) {
        const Law l = law_of(law);
        CHECK(answers(l, 1, 5.15e21, 4, 8).at_loss.n == doctest::Approx(e8).epsilon(1e-6));
        CHECK(answers(l, 1, 5.15e21, 4, 16).at_loss.n == doctest::Approx(e16).epsilon(1e-6));
        CHECK(answers(l, 1, 5.15e21, 4, 32).at_loss.n == doctest::Approx(e32).epsilon(1e-6));
        CHECK(answers(l, 1, 5.15e21, 4, 16).at_loss.optimal_n == doctest::Approx(optimal16).epsilon(1e-6));
    }
}

TEST_CASE("algorithm 2 with a proportional cost is the closed form of equal cost") {
    // N' = N (1 + kappa (E - 1)/3)/(1 + kappa (E' - 1)/3), exact where it stays below the loss-optimal size.
    const Law yp = law_of("yun2024_yp");
    const PaperModel e8 = answers(yp, 1, 5.15e21, 4, 8).at_cost;
    CHECK(e8.n == doctest::Approx(5.1214386e9 * 2 / (10.0 / 3)).epsilon(1e-6));
    CHECK(e8.cost <= 5.1214386e9 * 2 * (1 + 1e-6));
    // Sizes relative to the dense base, activated (4/3 of N): 67, 40, 22, 12 % and 95, 69, 44, 26 %.
    const double one[] = {67, 40, 22, 12};
    const double proxy[] = {95, 69, 44, 26};
    const double experts[] = {4, 8, 16, 32};
    for (int i = 0; i < 4; ++i) {
        const Answers a = answers(yp, 1, 5.15e21, 1, experts[i]);
        const Answers b = answers(yp, 0.4, 5.15e21, 1, experts[i]);
        CHECK(std::abs(100 * active_share(experts[i]) * a.at_cost.n / a.base.n - one[i]) <= 0.5);
        CHECK(std::abs(100 * active_share(experts[i]) * b.at_cost.n / b.base.n - proxy[i]) <= 0.5);
    }
    // Loss against the base of 4 experts: -0.0266, -0.0444, -0.0462 nats for 8, 16, 32 experts.
    const double gain[] = {0.0266, 0.0444, 0.0462};
    for (int i = 0; i < 3; ++i) {
        const Answers a = answers(yp, 1, 5.15e21, 4, experts[i + 1]);
        CHECK(std::abs(a.base.loss - a.at_cost.loss - gain[i]) <= 0.00005);
    }
}

TEST_CASE("budgets saved at equal cost and loss are those of an independent program") {
    const Law yp = law_of("yun2024_yp");
    CHECK(std::abs(100 * saved_budget(yp, 1.0, 2.12e21) - 57.4) <= 0.05);
    CHECK(std::abs(100 * saved_budget(yp, 1.0, 8.18e21) - 65.1) <= 0.05);
    CHECK(std::abs(100 * saved_budget(yp, 0.4, 2.12e21) - 61.1) <= 0.05);
    CHECK(std::abs(100 * saved_budget(yp, 0.4, 8.18e21) - 66.9) <= 0.05);
}

TEST_CASE("the budget that reaches a loss undoes the loss-optimal model, in either count of FLOP") {
    const Law yp = law_of("yun2024_yp");
    for (const TrainingCompute compute : {TrainingCompute::dense_equivalent, TrainingCompute::active}) {
        for (const double experts : {1.0, 4.0, 32.0}) {
            PaperQuestion q;
            q.budget = 3e21;
            q.compute = compute;
            const auto best = loss_optimal_model(yp, proportional_cost(1), q, experts);
            REQUIRE(bool(best));
            CHECK(*budget_for_loss(yp, compute, experts, best->loss) == doctest::Approx(3e21).epsilon(1e-6));
            CHECK(training_budget(compute, experts, best->n, best->d) == doctest::Approx(3e21).epsilon(1e-9));
        }
    }
    // 4 against 16 experts at equal loss: 2.09, 2.64, 3.37 times the budget at 1e20, 1e21, 5.15e21 FLOP.
    const double ratios[][2] = {{1e20, 2.09}, {1e21, 2.64}, {5.15e21, 3.37}};
    for (const auto& [budget, ratio] : ratios) {
        const double target = loss_optimal(yp, budget, {.experts = 16})->loss;
        const double needed = *budget_for_loss(yp, TrainingCompute::dense_equivalent, 4, target);
        CHECK(std::abs(needed / budget - ratio) <= 0.005);
    }
    CHECK(budget_for_loss(yp, TrainingCompute::active, 4, 0.5).error().reason ==
          "no budget reaches the loss");
}

TEST_CASE("training of the active parameters costs a third more for every E above one") {
    CHECK(total_share(1) == 1);
    CHECK(total_share(32) == doctest::Approx(34.0 / 3));
    CHECK(active_share(1) == 1);
    CHECK(active_share(2) == doctest::Approx(4.0 / 3));
    CHECK(active_share(32) == doctest::Approx(4.0 / 3));
    CHECK(training_budget(TrainingCompute::active, 8, 1e9, 2e10) == doctest::Approx(1.6e20));
    CHECK(training_budget(TrainingCompute::active, 1, 1e9, 2e10) == doctest::Approx(1.2e20));
}

TEST_CASE("the largest size at a cost is that of a fine grid, jumps and dips included") {
    // A saw: rising, with a jump up at every doubling and a fall behind it.
    const ServingCost saw = [](double n, double experts) -> Expected<double> {
        const double octave = std::log2(n / 1e9);
        const double jump = std::floor(octave);
        return experts * (n * (1 + 0.5 * jump) + 2e8 * std::exp(-20 * (octave - jump)));
    };
    for (double limit = 2e9; limit < 4e11; limit *= 1.07) {
        const auto found = largest_size_at_cost(saw, 2, limit, 1e9, 6e10);
        double brute = 0;
        for (double n = 1e9; n <= 6e10; n *= 1.00001) {
            const auto c = saw(n, 2);
            if (*c <= limit) brute = n;
        }
        CAPTURE(limit);
        if (brute == 0) {
            CHECK(!found);
        } else {
            REQUIRE(bool(found));
            CHECK(*found == doctest::Approx(brute).epsilon(2e-5));
            CHECK(*saw(*found, 2) <= limit);
        }
    }
}

TEST_CASE("algorithm 1 is the cheapest of a fine grid of admissible sizes") {
    const Law yp = law_of("yun2024_yp");
    const ServingCost cost = proportional_cost(0.4);
    for (const double experts : {8.0, 16.0, 32.0}) {
        const Answers a = answers(yp, 0.4, 5.15e21, 4, experts);
        double least = HUGE_VAL;
        for (double n = 1e8; n < 1e11; n *= 1.0005) {
            const double l = *loss(yp, {.n = n, .d = 5.15e21 / (6 * n), .experts = experts});
            if (l <= a.base.loss) least = std::min(least, *cost(n, experts));
        }
        CHECK(a.at_loss.cost == doctest::Approx(least).epsilon(1e-3));
        CHECK(a.at_loss.cost <= least);
    }
}

TEST_CASE("what the paper leaves open has an answer") {
    const Law yp = law_of("yun2024_yp");
    const ServingCost cost = proportional_cost(1);
    PaperQuestion q;
    q.budget = 5.15e21;
    const auto base = loss_optimal_model(yp, cost, q, 16);
    // Fewer experts never reach the loss of more: algorithm 1 has no answer.
    const auto never = cheapest_at_loss(yp, cost, q, 4, *base);
    REQUIRE(!never);
    CHECK(never.error().reason == "the budget does not reach the loss");
    // At the cost of 16 experts a dense model could be larger than its optimum: the optimum is the answer.
    const auto dense = best_at_cost(yp, cost, q, 1, *base);
    REQUIRE(bool(dense));
    CHECK(dense->n == doctest::Approx(6.2329362e9).epsilon(1e-6));
    CHECK(dense->cost < base->cost);
    // A cost below that of the smallest model.
    PaperModel cheap = *base;
    cheap.cost = 1;
    const auto none = best_at_cost(yp, cost, q, 32, cheap);
    REQUIRE(!none);
    CHECK(none.error().reason == "no model is as cheap to serve");
}
