// SPDX-License-Identifier: Apache-2.0
// Members of architecture families against published configurations, formulas and sizes.
#include "model/family.h"

#include <doctest/doctest.h>

#include <cmath>

#include "fixtures.h"
#include "model/counts.h"

namespace {

using namespace moecost;

Family family(std::string_view name) { return load_family(DataStore{}, name); }

FamilyMember member(std::string_view name, const FamilyRequest& request) {
    const auto built = member_of(family(name), request);
    REQUIRE_MESSAGE(built, describe(built.error()));
    return *built;
}

const MoeFfn& routed(const Architecture& a) {
    const MoeFfn* moe = std::get_if<MoeFfn>(&a.ffns.back().kind);
    REQUIRE(moe != nullptr);
    return *moe;
}

double without_embeddings(const Counts& c) {
    return c.total - c.by_component[static_cast<std::size_t>(Component::embeddings)] -
           c.by_component[static_cast<std::size_t>(Component::head)];
}

/// N of a released model whose FFNs all have or stand for the width f: routers and surplus experts taken off.
double dense_equivalent(const Architecture& a, double width) {
    const auto component = [c = count(a)](Component x) {
        return c.by_component[static_cast<std::size_t>(x)];
    };
    return component(Component::attention) + component(Component::norms) + 3.0 * a.hidden * width * a.layers;
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
