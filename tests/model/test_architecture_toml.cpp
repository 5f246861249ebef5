// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fixtures.h"
#include "moecost/model/architecture_toml.h"

namespace moecost {
namespace {

using test::model;

constexpr const char* small = R"(name = "small"
hidden = 64
vocabulary = 1000
layers = 2
[[mixer]]
kind = "grouped"
count = 2
query_heads = 4
kv_heads = 2
head_dim = 16
[[ffn]]
kind = "moe"
count = 2
experts = 8
top_k = 2
expert_width = 32
)";

Architecture read(const std::string& text) { return architecture_from_toml(parse_toml(text, "small.toml")); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& text) {
    try {
        static_cast<void>(read(text));
    } catch (const InputError& e) {
        return std::string(e.what()).append(" | ").append(e.hint());
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("a model file becomes an architecture") {
    const Architecture a = read(small);
    CHECK(a.hidden == 64);
    const auto& moe = std::get<MoeFfn>(a.ffns.front().kind);
    CHECK(moe.experts == 8);
    CHECK(moe.matrices == 3);
    CHECK(std::get<GroupedAttention>(a.mixers.front().kind).v_dim == 16);
    CHECK(a.precision == Precision{});
}

TEST_CASE("every model of the library survives writing and reading") {
    const DataStore data;
    REQUIRE(data.names("workloads/models").size() >= 70);
    for (const std::string& name : data.names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model(name);
        CHECK(a.name == name);
        CHECK(!a.source.empty());
        CHECK_NOTHROW(check(a));
        CHECK(read(architecture_to_toml(a)) == a);
    }
}

TEST_CASE("quotes and line breaks in texts survive or become blanks") {
    Architecture a = read(small);
    a.source = "a \"quoted\" back\\slash";
    a.notes = {"one", "two, three"};
    CHECK(read(architecture_to_toml(a, {"other"})) == a);
    a.source = "two\nlines";
    CHECK(read(architecture_to_toml(a)).source == "two lines");
}

TEST_CASE("mistakes in a model file are named with their place and a way out") {
    CHECK(contains(error_of(replaced(small, "top_k", "topk")), "small.toml:"));
    CHECK(contains(error_of(replaced(small, "experts = 8", "experts = 8\nexprt_width = 3")),
                   "did you mean 'expert_width'"));
    CHECK(contains(error_of(replaced(small, "\"moe\"", "\"mo\"")), "did you mean 'moe'"));
    CHECK(contains(error_of(replaced(small, "top_k = 2", "top_k = 9")), "top_k 9 exceeds experts 8"));
    CHECK(contains(error_of(replaced(small, "kv_heads = 2", "kv_heads = 3")), "not a multiple"));
    CHECK(contains(error_of(replaced(small, "layers = 2", "layers = 1")), "cover 2 layers of 1"));
    CHECK(contains(error_of(replaced(small, "hidden = 64", "hidden = -1")), "not in 1.."));
    CHECK(contains(error_of(replaced(small, "hidden = 64", "hidden = 1e18")), "not in 1.."));
    CHECK(contains(error_of(replaced(small, "hidden = 64", "hidden = 64.5")), "not a whole number"));
    CHECK(contains(error_of(replaced(small, "hidden = 64", "hidden = nan")), "key 'hidden'"));
    CHECK(contains(error_of(replaced(small, "hidden = 64", "hidden = \"64\"")),
                   "expected a number, found a text"));
    CHECK(contains(error_of(replaced(small, "hidden = 64\n", "")), "key 'hidden': missing"));
    CHECK(contains(error_of(std::string(small) + "[precision]\nattention = \"fp9\"\n"),
                   "unknown number format 'fp9'"));
    CHECK(contains(error_of(std::string(small) + "[precision]\natention = \"fp8\"\n"),
                   "did you mean 'attention'"));
}

TEST_CASE("an architecture built by hand is checked too") {
    Architecture a = read(small);
    std::get<MoeFfn>(a.ffns.front().kind).top_k = 100;
    CHECK_THROWS_AS(check(a), std::logic_error);
    a = read(small);
    a.mixers.clear();
    a.ffns.clear();
    CHECK_THROWS_AS(check(a), std::logic_error);
}

}   // namespace
}   // namespace moecost
