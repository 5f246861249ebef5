// SPDX-License-Identifier: Apache-2.0
// What a law is told about a member: the N it counts, its axes, and the refusal of whatever it does not hold.
#include <doctest/doctest.h>

#include "designs.h"

using namespace moecost;
using doctest::Approx;

namespace {

LawPoint point_of(const LossBasis& basis, const std::string& family, const FamilyRequest& request) {
    const auto p = law_point(basis, load_family(designs::data(), family), designs::member(family, request));
    REQUIRE_MESSAGE(p, to_text(p ? Infeasible{} : p.error()));
    return *p;
}

std::string_view refused(const LossBasis& basis, const std::string& family, const FamilyRequest& request) {
    const auto p = law_point(basis, load_family(designs::data(), family), designs::member(family, request));
    REQUIRE_FALSE(p);
    return p.error().reason;
}

}   // namespace

TEST_CASE("the Joint MoE law counts active parameters with embeddings") {
    // Ludziejewski et al. 2025, Eq. 10: h = 1024, 16 blocks, V = 50,257: N_act = 321,030,144, 218,103,808 without
    // the two tables. Norms and the router are not in the formula.
    const LawPoint p = point_of(designs::basis("ludziejewski2025"), "joint-moe", {218'103'808, 32, 1, 1, 0});
    CHECK(p.setting.n == Approx(321'030'144).epsilon(0.004));
    CHECK(p.used == p.setting.n);
    CHECK(p.setting.experts == 32);
    CHECK(p.setting.top_k == 1);
}

TEST_CASE("the law of Yun counts the dense-equivalent size without embeddings") {
    const FamilyMember m = designs::member("yun2024", {679e6, 8, 2, 1, 0});
    const LawPoint p = point_of(designs::basis("yun2024"), "yun2024", {679e6, 8, 2, 1, 0});
    CHECK(p.setting.n == m.dense_equivalent);
    CHECK(p.used == m.dense_equivalent);   // training compute 6 N D, as in the paper
}

TEST_CASE("the law of Krajewski counts all parameters, 43 times the active ones at 64 experts") {
    // "64 x 100M": N = (8 E + 4)/12 of the active size = 43 times.
    const LawPoint p = point_of(designs::basis("krajewski2024"), "qwen-like", {1e9, 64, 1, 8, 0});
    CHECK(p.setting.granularity == 8);
    const FamilyMember m = designs::member("qwen-like", {1e9, 64, 1, 8, 0});
    CHECK(p.setting.n == m.total);
    const double routing = 14.0 / 6 * m.architecture.hidden * 512 * m.architecture.layers;
    CHECK(p.used == Approx(m.active + routing));
    CHECK(refused(designs::basis("krajewski2024"), "qwen-like", {1e9, 8, 1, 8, 0}) ==
          "the law holds for one number of experts only");
}

TEST_CASE("Abnar is told the share of active experts, Zhao that of active parameters") {
    CHECK(point_of(designs::basis("abnar2025"), "qwen-like", {1e9, 8, 2, 1, 0}).setting.active == 0.25);
    CHECK(point_of(designs::basis("abnar2025"), "qwen-like", {1e9, 1, 1, 1, 0}).setting.active == 1);
    const FamilyMember m = designs::member("qwen-like", {1e9, 8, 2, 4, 1});
    const LawPoint p = point_of(designs::basis("zhao2025"), "qwen-like", {1e9, 8, 2, 4, 1});
    CHECK(p.setting.active == Approx((m.active + m.embeddings) / (m.total + m.embeddings)));
    CHECK(p.setting.granularity == 8);   // activated experts: k G
    CHECK(p.setting.shared == Approx(1.0 / 8));
    CHECK(p.used == Approx(m.active + m.embeddings));
}

TEST_CASE("no choice is free in loss") {
    const LossBasis joint = designs::basis("ludziejewski2025");
    CHECK(refused(joint, "qwen-like", {1e9, 8, 1, 8, 0}) == "the law has no granularity");
    CHECK(refused(joint, "mixtral-like", {1e9, 8, 2, 1, 0}) ==
          "the law holds for one number of experts per token only");
    CHECK(refused(joint, "yun2024", {1e9, 8, 2, 1, 0}).find("every n-th layer") != std::string_view::npos);
    CHECK(refused(designs::basis("hoffmann2022"), "mixtral-like", {1e9, 8, 2, 1, 0}) ==
          "the law knows dense models only");
    CHECK(point_of(designs::basis("hoffmann2022"), "mixtral-like", {1e9, 1, 1, 1, 0}).setting.n > 1e9);
}

TEST_CASE("laws without tokens, sizes or losses carry no design") {
    CHECK(basis_problem(designs::basis("clark2022")));
    CHECK(basis_problem(designs::basis("kaplan2020_d")));
    CHECK(basis_problem(designs::basis("tian2025")));
    CHECK(basis_problem(designs::basis("krajewski2024", "tian2025")));
    CHECK(basis_problem(designs::basis("hoffmann2022", "besiroglu2024")));
    CHECK_FALSE(basis_problem(designs::basis("hoffmann2022", "tian2025")));
}

TEST_CASE("a bridge multiplies compute by the printed leverage") {
    // Tian et al. 2025: at A = 3.1 %, G = 12 and 1e22 FLOP an MoE is worth more than 7 times its compute (7.244898 by
    // the inferred bases of the logarithms). A member of that shape: k G/(E G) = 1/32, 2 h/width = 12.
    const LossBasis b = designs::basis("hoffmann2022", "tian2025");
    LawPoint p;
    p.setting.n = p.used = 5e9;
    p.active = 0.031;
    p.granularity = 12;
    const double tokens = 1e22 / (6 * 5e9);
    Setting dense;
    dense.n = 5e9 * std::sqrt(7.244898);
    dense.d = tokens * std::sqrt(7.244898);
    CHECK(*loss_at(b, p, tokens) == Approx(*loss(b.law, dense)).epsilon(1e-7));
    CHECK(*tokens_to_reach(b, p, *loss_at(b, p, tokens)) == Approx(tokens).epsilon(1e-9));
    // Compute 16.7 times the 6e20 FLOP of the bridge's runs; the equivalent dense model is 13.5 B of the 16 B that Hoffmann
    // et al. trained, on 1.8 times their 500 B tokens.
    CHECK(axes_text(outside_runs(b, p, tokens)) == "D, C");
    CHECK(times_text(outside_runs(b, p, tokens)) == "D 1.8x, C 16.7x");
}

TEST_CASE("a bridge prices granularity, shared experts and sparsity, and leaves the dense model alone") {
    const LossBasis bridged = designs::basis("ludziejewski2025", "tian2025");
    const LossBasis plain = designs::basis("ludziejewski2025");
    const FamilyRequest dense{1e9, 1, 1, 1, 0};
    const double tokens = 2e10;
    CHECK(*loss_at(bridged, point_of(bridged, "qwen-like", dense), tokens) ==
          *loss_at(plain, point_of(plain, "qwen-like", dense), tokens));
    const FamilyRequest moe{1e9, 32, 1, 8, 1};
    const LawPoint p = point_of(bridged, "qwen-like", moe);
    const FamilyMember m = designs::member("qwen-like", moe);
    CHECK(p.active == Approx(8.0 / 257));   // 7 routed and 1 shared of 256 and 1
    const auto& expert = std::get<MoeFfn>(m.architecture.ffns.back().kind);
    CHECK(p.granularity == Approx(2.0 * m.architecture.hidden / expert.width));
    const double coarse = *loss_at(bridged, point_of(bridged, "qwen-like", {1e9, 4, 1, 8, 1}), tokens);
    CHECK(*loss_at(bridged, p, tokens) < coarse);
    CHECK(coarse < *loss_at(bridged, point_of(bridged, "qwen-like", dense), tokens));
}

TEST_CASE("a larger vocabulary buys no loss: embeddings count as in the runs behind the law") {
    const LossBasis joint = designs::basis("ludziejewski2025");
    const FamilyRequest dense{1e9, 1, 1, 1, 0};
    const FamilyMember qwen =
        designs::member("qwen-like", {1e9, 1, 1, 1, 0});   // 151,936 tokens, tied or not
    const LawPoint p = point_of(joint, "qwen-like", dense);
    CHECK(p.embeddings == Approx(qwen.embeddings * 50257 / 151936));
    CHECK(p.setting.n == Approx(qwen.active + p.embeddings));
}

TEST_CASE("routing is paid where the law's paper counts it") {
    // Krajewski et al., section 5: 14 FLOP per token, hidden unit and expert against 6 of each active parameter.
    const LossBasis b = designs::basis("krajewski2024");
    const FamilyRequest request{1e9, 64, 1, 16, 0};
    const FamilyMember m = designs::member("qwen-like", request);
    const double experts = 64.0 * 16;
    const double routing = 14.0 / 6 * m.architecture.hidden * experts * m.architecture.layers;
    CHECK(point_of(b, "qwen-like", request).used == Approx(m.active + routing));
}

TEST_CASE("repeated tokens count less, and never more than their limit") {
    // Muennighoff et al. 2023, Eq. 5, R* = 15.39: four epochs are worth 3.7 of fresh data (their "up to four are nearly as
    // good"), forty at most 16.39.
    CHECK(effective_tokens(4e9, 1e9, 15.387756) ==
          Approx(1e9 * (1 + 15.387756 * (1 - std::exp(-3 / 15.387756)))));
    CHECK(effective_tokens(0.5e9, 1e9, 15.387756) == 0.5e9);
    CHECK(effective_tokens(1e15, 1e9, 15.387756) == Approx(16.387756e9));
    CHECK(tokens_for_effective(3.7e9, 1e9, 15.387756) ==
          Approx(1e9 * (1 - 15.387756 * std::log(1 - 2.7 / 15.387756))));
    CHECK(std::isinf(tokens_for_effective(17e9, 1e9, 15.387756)));
    LossBasis b = designs::basis("ludziejewski2025");
    const LawPoint p = point_of(b, "joint-moe", {1e9, 1, 1, 1, 0});
    const double fresh = *loss_at(b, p, 1e11);
    b.unique_tokens = 1e10;
    b.repetition = 15.387756;
    CHECK(*loss_at(b, p, 1e11) > fresh);
    CHECK(*loss_at(b, p, 1e10) == *loss_at(designs::basis("ludziejewski2025"), p, 1e10));
    CHECK(*tokens_to_reach(b, p, *loss_at(b, p, 1e11)) == Approx(1e11).epsilon(1e-6));
}
