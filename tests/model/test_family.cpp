// SPDX-License-Identifier: Apache-2.0
// Members of architecture families against published configurations, formulas and sizes.
#include "moecost/model/family/family.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "fixtures.h"
#include "moecost/model/counts.h"

namespace {

using namespace moecost;

Family family(std::string_view name) { return load_family(DataStore{}, name); }

FamilyMember member(std::string_view name, const FamilyRequest& request) {
    const auto built = member_of(family(name), request);
    REQUIRE_MESSAGE(built, to_text(built.error()));
    return *built;
}

const MoeFfn& routed(const Architecture& a) {
    const MoeFfn* moe = std::get_if<MoeFfn>(&a.ffns.back().kind);
    REQUIRE(moe != nullptr);
    return *moe;
}

struct Heads {
    int operator()(const GroupedAttention& a) const { return a.query_heads; }
    int operator()(const LatentAttention& a) const { return a.heads; }
    template <class Other>
    int operator()(const Other&) const {
        return 0;
    }
};

double without_embeddings(const Counts& c) {
    return c.total - c.by_component[static_cast<std::size_t>(Component::embeddings)] -
           c.by_component[static_cast<std::size_t>(Component::head)];
}

/// N of a released model whose FFNs all have or stand for the width f: routers and surplus experts taken off.
double dense_equivalent(const Architecture& a, double width) {
    const auto component = [c = count(a)](Component x) {
        return c.by_component[static_cast<std::size_t>(x)];
    };
    return component(Component::attention) + component(Component::linear_attention) +
           component(Component::norms) + 3.0 * a.hidden * width * a.layers;
}

}   // namespace

TEST_CASE("asked for the size of Mixtral-8x7B, mixtral-like is Mixtral-8x7B") {
    const Architecture released = test::model("mixtral-8x7b");
    const FamilyMember m = member("mixtral-like", {dense_equivalent(released, 14336), 8, 2});
    CHECK(m.deviation == 0);
    CHECK(m.architecture.hidden == 4096);
    CHECK(m.architecture.layers == 32);
    CHECK(m.architecture.mixers == released.mixers);
    CHECK(m.architecture.ffns == released.ffns);
    CHECK(m.total == without_embeddings(count(released)));
    CHECK(m.total + m.embeddings == 46'702'792'704);   // 46.7B, published
}

TEST_CASE("asked for the sizes of Qwen3-30B-A3B and 235B-A22B, qwen-like is them") {
    for (const auto& [name, width] : {std::pair{"qwen3-30b-a3b", 6144.0}, {"qwen3-235b-a22b", 12288.0}}) {
        const Architecture released = test::model(name);
        const FamilyMember m = member("qwen-like", {dense_equivalent(released, width)});
        CHECK(m.architecture.mixers == released.mixers);
        CHECK(m.architecture.ffns == released.ffns);
        CHECK(m.total == without_embeddings(count(released)));
    }
}

TEST_CASE("asked for the size of DeepSeek-V3 with 28 experts of granularity 9, deepseek-like is within 2 %") {
    const Architecture released = test::model("deepseek-v3");
    const FamilyMember m = member("deepseek-like", {dense_equivalent(released, 18432), 28, 1, 9});
    CHECK(m.architecture.hidden == 7168);
    CHECK(m.architecture.layers == 61);
    CHECK(m.architecture.mixers == released.mixers);
    CHECK(m.architecture.ffns.front() == released.ffns.front());
    CHECK(routed(m.architecture).experts == 252);   // of 256
    CHECK(routed(m.architecture).top_k == 8);
    CHECK(routed(m.architecture).width == 2048);
    CHECK(routed(m.architecture).shared_width == 2048);
    CHECK(m.total + m.embeddings == doctest::Approx(671.0e9).epsilon(0.016));
    CHECK(m.active + m.embeddings == doctest::Approx(37.5e9).epsilon(0.01));
}

TEST_CASE(
    "asked for the size of Qwen3-Next-80B-A3B with 46 experts of granularity 11, qwen-next-like is within 2 "
    "%") {
    const Architecture released = test::model("qwen3-next-80b-a3b");
    const FamilyMember m = member("qwen-next-like", {dense_equivalent(released, 5632), 46, 1, 11});
    CHECK(m.architecture.hidden == 2048);
    CHECK(m.architecture.layers == 48);
    REQUIRE(m.architecture.mixers.size() == 2);
    for (const MixerGroup& group : m.architecture.mixers) {
        const auto same = [&](const MixerGroup& other) {
            return other.kind == group.kind && other.count == group.count;
        };
        CHECK(std::any_of(released.mixers.begin(), released.mixers.end(), same));
    }
    CHECK(routed(m.architecture).experts == 506);   // of 512
    CHECK(routed(m.architecture).top_k == 10);
    CHECK(routed(m.architecture).width == 512);
    CHECK(m.total + m.embeddings == doctest::Approx(79.67e9).epsilon(0.02));
}

TEST_CASE("joint-moe has the parameters that Ludziejewski et al. print for their largest models") {
    struct Printed {
        double hidden, layers;
        int experts;
        double total, active;   // with both tables, without norms and routers
    };
    for (const Printed& p : {Printed{1024, 16, 32, 5'001'873'408, 321'030'144},
                             Printed{1792, 28, 4, 3'776'736'768, 1'349'021'184}}) {
        const Family f = family("joint-moe");
        const FamilyMember m = member("joint-moe", {13 * p.layers * p.hidden * p.hidden, p.experts});
        CHECK(m.architecture.hidden == p.hidden);
        CHECK(m.architecture.layers == p.layers);
        CHECK(std::get<GroupedAttention>(m.architecture.mixers[0].kind).query_heads == p.hidden / 64);
        const FamilyFormula formula = formula_sizes(f, m);
        CHECK(formula.total + m.embeddings == p.total);
        CHECK(formula.active + m.embeddings == p.active);
        CHECK(m.total + m.embeddings == doctest::Approx(p.total).epsilon(0.001));
    }
}

TEST_CASE("yun2024: N_MoE = N (1 + (E-1)/3) and 4N/3 are active") {
    for (const double size : {100e6, 730e6, 7e9, 70e9}) {
        for (const int experts : {4, 8, 32}) {
            const FamilyMember m = member("yun2024", {size, experts});
            CHECK(m.architecture.layers % 2 == 0);
            CHECK(m.total == doctest::Approx(size * (1 + (experts - 1) / 3.0)).epsilon(0.015));
            CHECK(m.active == doctest::Approx(size * 4 / 3).epsilon(0.015));
            const double h = m.architecture.hidden;
            CHECK(m.dense_equivalent == doctest::Approx(12 * m.architecture.layers * h * h).epsilon(0.015));
        }
    }
}

TEST_CASE("from 100M to 1T a member is within 1 % of the size asked for, with shapes that engines shard") {
    // Experts of a 32nd FFN below 200M are 64 to 80 wide: the FFN then moves in steps of 500 and more of its width.
    std::mt19937_64 random(20251125);
    std::uniform_real_distribution<double> exponent(8, 12);
    const auto one_of = [&](const std::vector<int>& all) { return all[random() % all.size()]; };
    for (const std::string& name : family_names(DataStore{})) {
        const Family f = family(name);
        for (int i = 0; i < 1500; ++i) {
            FamilyRequest r{std::pow(10, exponent(random)), one_of({1, 2, 4, 8, 16, 32, 64, 128, 512}), 0,
                            one_of({1, 2, 4, 8, 16, 32})};
            if (!f.granularity.allowed.empty()) r.granularity = one_of(f.granularity.allowed);
            CAPTURE(name);
            CAPTURE(r.size);
            CAPTURE(r.experts);
            CAPTURE(r.granularity);
            const auto m = member_of(f, r);
            REQUIRE(m);
            check(m->architecture);
            const Architecture& a = m->architecture;
            const bool narrow = r.granularity == 32 && r.size < 200e6;
            CHECK(std::abs(m->dense_equivalent / r.size - 1) <= (narrow ? 0.02 : 0.01));
            CHECK(m->deviation == m->dense_equivalent / r.size - 1);
            CHECK(a.hidden % 64 == 0);
            CHECK(a.layers == f.attention_every * a.mixers[0].count);
            const int heads = std::visit(Heads{}, a.mixers[0].kind);
            if (a.hidden >= 4096) CHECK(heads % 8 == 0);
            if (r.experts == 1) {
                CHECK(a.ffns.size() == 1);
                CHECK(std::holds_alternative<DenseFfn>(a.ffns[0].kind));
                CHECK(m->total == m->dense_equivalent);
                continue;
            }
            CHECK(routed(a).experts == r.experts * r.granularity);
            CHECK(routed(a).width >= 64);
            CHECK(routed(a).width % (r.size < 800e6 ? 16 : 64) == 0);
            const int used = m->request.top_k * r.granularity;
            CHECK(routed(a).top_k + routed(a).shared_width / routed(a).width == used);
        }
    }
}

TEST_CASE("the formulas of a family hold within 1 % of exact counts, routers aside") {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> exponent(8, 12);
    for (const std::string& name : family_names(DataStore{})) {
        const Family f = family(name);
        for (int i = 0; i < 300; ++i) {
            FamilyRequest r{std::pow(10, exponent(random)), 1 << random() % 10};
            if (f.granularity.allowed.empty()) r.granularity = 1 << random() % 5;
            const FamilyMember m = member(name, r);
            const FamilyFormula formula = formula_sizes(f, m);
            const double router =
                count(m.architecture).by_component[static_cast<std::size_t>(Component::router)];
            CHECK(formula.dense_equivalent == doctest::Approx(m.dense_equivalent).epsilon(0.01));
            CHECK(formula.total == doctest::Approx(m.total - router).epsilon(0.01));
            CHECK(formula.active == doctest::Approx(m.active - router).epsilon(0.01));
        }
    }
}

TEST_CASE("the active size depends neither on granularity nor on shared experts, and shapes not on experts") {
    const FamilyMember plain = member("mixtral-like", {7e9, 16, 2, 1});
    const FamilyMember fine = member("mixtral-like", {7e9, 16, 2, 8, 3});
    CHECK(routed(fine.architecture).top_k == 13);
    CHECK(routed(fine.architecture).shared_width == 3 * routed(fine.architecture).width);
    CHECK(fine.active == doctest::Approx(plain.active).epsilon(0.01));
    for (const int experts : {2, 64, 512}) {
        const FamilyMember other = member("mixtral-like", {7e9, experts, 2, 8, 3});
        CHECK(other.architecture.hidden == fine.architecture.hidden);
        CHECK(other.architecture.layers == fine.architecture.layers);
        CHECK(other.dense_equivalent == fine.dense_equivalent);
    }
}

TEST_CASE("one expert is the dense model, whatever is said of its parts") {
    const FamilyMember dense = member("yun2024", {1e9, 1, 0, 4, 3});
    CHECK(dense.architecture == member("yun2024", {1e9, 1}).architecture);
    CHECK(dense.request == FamilyRequest{1e9, 1, 1, 1, 0});
    CHECK(dense.active == dense.dense_equivalent);
}

TEST_CASE("names tell the family, the size built, and what is not usual") {
    CHECK(member("deepseek-like", {20e9, 32}).architecture.name == "deepseek-like 19.9B x32");
    CHECK(member("deepseek-like", {20e9, 8, 2, 4, 0}).architecture.name == "deepseek-like 20.1B x8 k2 g4 s0");
    CHECK(member("yun2024", {1e9, 1}).architecture.name == "yun2024 996M x1");
}

TEST_CASE(
    "small latent attention projects queries directly, few layers have one dense layer, as "
    "DeepSeek-V2-Lite") {
    const FamilyMember m = member("deepseek-like", {1.0e9});
    CHECK(m.architecture.ffns[0].count == 1);
    const FamilyMember tiny = member("deepseek-like", {300e6});
    CHECK(tiny.architecture.hidden <= 2048);
    CHECK(std::get<LatentAttention>(tiny.architecture.mixers[0].kind).q_rank == 0);
}

TEST_CASE("members that cannot be are answered with a reason and numbers") {
    const auto why = [](std::string_view name, const FamilyRequest& r) {
        const auto m = member_of(family(name), r);
        return m ? std::string("a member") : to_text(m.error());
    };
    const double nan = std::nan("");
    CHECK(why("qwen-like", {7e9, 4, 8}).find("more experts than there are: top-k needs 8") !=
          std::string::npos);
    CHECK(why("qwen-like", {7e9, 1, 2}).find("more experts than there are") != std::string::npos);
    CHECK(why("qwen-like", {7e9, -2}).find("out of range: experts needs -2") != std::string::npos);
    CHECK(why("qwen-like", {7e9, 200'000}).find("out of range") != std::string::npos);
    CHECK(why("qwen-like", {7e9, 100'000, 1, 32}).find("more routed experts than a layer") !=
          std::string::npos);
    CHECK(why("yun2024", {7e9, 8, 2, 4}).find("has no such members: granularity") != std::string::npos);
    CHECK(why("yun2024", {7e9, 8, 2, 1, 1}).find("has no such members: shared-experts") != std::string::npos);
    CHECK(why("deepseek-like", {7e9, 8, 1, 8, 8}).find("leave none to route to") != std::string::npos);
    CHECK(why("deepseek-like", {100e6, 8, 1, 128}).find("narrower than engines shard") != std::string::npos);
    for (const double size : {0.0, -1.0, 1e4, nan})
        CHECK(why("yun2024", {size}).find("below the smallest member") != std::string::npos);
    for (const double size : {1e16, 1e30, HUGE_VAL})
        CHECK(why("yun2024", {size}).find("beyond what is counted exactly") != std::string::npos);
}
