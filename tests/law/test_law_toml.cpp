// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/law_toml.h"

#include <doctest/doctest.h>

#include "../base/input_error.h"
#include "laws.h"

using namespace moecost;

namespace {

std::string edited(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string failure(const std::string& text) {
    return message_of([&] { (void)law_from_toml(parse_toml(text, "mine.toml")); });
}

}   // namespace

TEST_CASE("every law has a source, a status and coefficients, and survives its own TOML") {
    const std::vector<std::string> names = law_names(DataStore{});
    CHECK(names.size() >= 18);
    for (const std::string& name : names) {
        CAPTURE(name);
        const Law law = law_named(name);
        CHECK(law.id == name);
        CHECK(!law.source.empty());
        CHECK(!law.status.empty());
        CHECK(law.date.size() == 7);
        const Law again = law_from_toml(parse_toml(toml_of(law), "x/" + name + ".toml"));
        CHECK(again.id == law.id);
        CHECK(again.c == law.c);
        CHECK(again.range == law.range);
        CHECK(again.note == law.note);
        CHECK(again.experts == law.experts);
        CHECK(again.active_share == law.active_share);
    }
}

TEST_CASE("laws are found by alias and spelling; unknown ones name the nearest") {
    CHECK(law_named("joint-moe").id == default_law);
    CHECK(law_named("yun2024").id == "yun2024_yp");
    CHECK(law_named("Chinchilla").id == "hoffmann2022");
    CHECK(law_named("clark2022_S-BASE").id == "clark2022_s_base");
    CHECK(message_of([] { (void)law_named("besiroglu"); }) == "no loss law is named 'besiroglu'");
}

TEST_CASE("the surrogates of Yun et al. are labelled as ours") {
    for (const char* name : {"yun2024_yp", "yun2024_yc"}) {
        CHECK(law_named(name).status == "own fit");
        CHECK(law_named(name).title.find("our fit") != std::string::npos);
    }
}

TEST_CASE("a covariance is read back and checked") {
    Law law = law_named("kaplan2020_n");
    law.covariance = {0.01, 0.002, 0.002, 0.04};
    const std::string text = toml_of(law);
    CHECK(law_from_toml(parse_toml(text, "mine.toml")).covariance == law.covariance);
    CHECK(failure(edited(text, " 0.04,", "")).find("must hold 4 numbers") != std::string::npos);
    CHECK(failure(edited(text, "0.002,", "0.5,")).find("is not symmetric") != std::string::npos);
    CHECK(failure(edited(text, "ln alpha", "alpha")).find("are not those of the form") != std::string::npos);
}

TEST_CASE("bad files are refused by key") {
    const std::string text = toml_of(law_named("joint-moe"));
    CHECK(failure(edited(text, "form = \"joint-moe\"", "form = \"joint\"")).find("'joint' is no form") !=
          std::string::npos);
    CHECK(failure(edited(text, "size = \"active\"", "size = \"big\"")).find("'big' is not what N counts") !=
          std::string::npos);
    CHECK(failure(edited(text, "omega = ", "omegas = ")).find("is no coefficient of the form") !=
          std::string::npos);
    CHECK(failure(edited(text, "alpha = -", "alpha = ")).find("mine.toml") == 0);
    CHECK(failure(edited(text, "E_max = 290.4521", "E_max = 2")).find("must lie above E_start") !=
          std::string::npos);
    CHECK(failure(edited(text, "c = 1.3637", "c = nan")).find("mine.toml") == 0);
    CHECK(failure(edited(text, "title", "titel")).find("titel") != std::string::npos);
    CHECK(failure(edited(text, "[1, 32]", "[32, 1]")).find("is not a lower and an upper end") !=
          std::string::npos);
}
