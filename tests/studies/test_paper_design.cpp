// SPDX-License-Identifier: Apache-2.0
#include "yun2024/paper_design.h"

#include <doctest/doctest.h>

#include "moecost/law/law_toml.h"

using namespace moecost;

namespace {

const std::vector<int> experts{1, 4, 8, 16, 32};

PaperServer node() {
    const DataStore data;
    const Family family = shared_by(load_family(data, "yun2024"), 8);
    return profile_family(data, family, "a100_sxm_40", "vllm", experts, exact_sizes(family, 2e7, 3e10));
}

PaperQuestion question(double base) {
    PaperQuestion q;
    q.budget = 5.15e21;
    q.base_experts = base;
    return q;
}

}   // namespace

TEST_CASE("profiled members have the shape of the family, and eight GPUs share their heads") {
    const PaperServer s = node();
    // h = 512 i, l = h/64, N = 12 l h^2: 1536 x 24 is the largest row of the paper's Table 1, 679,477,248.
    const std::vector<double> sizes =
        exact_sizes(shared_by(load_family(DataStore{}, "yun2024"), 8), 5e8, 7e8);
    REQUIRE(sizes.size() == 1);
    CHECK(sizes[0] == doctest::Approx(679477248.0));
    for (const int e : experts) {
        REQUIRE(s.models.at(e).size() == 10);
        for (const ProfiledModel& m : s.models.at(e)) {
            const auto& attention = std::get<GroupedAttention>(m.architecture.mixers.front().kind);
            CHECK(attention.query_heads % 8 == 0);
        }
    }
    // 12^(-2/3) 64^(-1/3) = 0.0477 for h = 64 l.
    CHECK(s.mu == doctest::Approx(0.0477).epsilon(0.03));
    CHECK(s.options.memory_share == 0.91);
    CHECK(s.options.reserve.value() == doctest::Approx(3e9));
}

TEST_CASE("algorithm 1 names the cheapest candidate, algorithm 2 the one of least loss") {
    const PaperServer s = node();
    const Law law = load_law(DataStore{}, "yun2024_yp");
    const auto one = paper_design(law, s, question(4), PaperAlgorithm::cost_at_loss, {8, 16, 32});
    REQUIRE(bool(one));
    REQUIRE(one->candidates.size() == 3);
    for (const PaperCandidate& c : one->candidates) {
        CHECK(c.model.loss == doctest::Approx(one->base.model.loss).epsilon(1e-9));
        CHECK(one->winner.model.cost <= c.model.cost);
        CHECK(c.serving.gpu_seconds == c.model.cost);
    }
    CHECK(one->winner.model.cost < one->base.model.cost);
    const auto two = paper_design(law, s, question(4), PaperAlgorithm::loss_at_cost, {8, 16, 32});
    REQUIRE(bool(two));
    for (const PaperCandidate& c : two->candidates) {
        CHECK(c.model.cost <= two->base.model.cost);
        CHECK(c.model.n <= c.model.optimal_n);
        CHECK(two->winner.model.loss <= c.model.loss);
    }
}

TEST_CASE("the frontier holds what no other beats in loss and cost") {
    const PaperServer s = node();
    const Law law = load_law(DataStore{}, "yun2024_yp");
    const auto d = paper_design(law, s, question(1), PaperAlgorithm::loss_at_cost, {4, 8, 16, 32});
    REQUIRE(bool(d));
    REQUIRE(!d->frontier.empty());
    for (std::size_t i = 1; i < d->frontier.size(); ++i) {
        CHECK(d->frontier[i].model.loss > d->frontier[i - 1].model.loss);
        CHECK(d->frontier[i].model.cost < d->frontier[i - 1].model.cost);
    }
}

TEST_CASE("candidates without an answer are listed with the reason") {
    const PaperServer s = node();
    const Law law = load_law(DataStore{}, "yun2024_yp");
    const auto d = paper_design(law, s, question(16), PaperAlgorithm::cost_at_loss, {4, 32, 64});
    REQUIRE(bool(d));
    REQUIRE(d->refused.size() == 2);
    CHECK(d->refused[0].experts == 4);
    CHECK(d->refused[0].why.reason == "the budget does not reach the loss");
    CHECK(d->refused[1].experts == 64);
    CHECK(d->refused[1].why.reason == "no model with as many experts was profiled");
    CHECK(d->winner.model.experts == 32);
    // No candidate beats the base: the base is the answer.
    const auto none = paper_design(law, s, question(16), PaperAlgorithm::cost_at_loss, {4});
    CHECK(none->winner.model.experts == 16);
    PaperQuestion huge = question(4);
    huge.budget = 1e25;
    CHECK(!paper_design(law, s, huge, PaperAlgorithm::cost_at_loss, {8}));
}
