// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "input_error.h"
#include "moecost/base/value.h"

using namespace moecost;

namespace {

std::string place(const Location& w) {
    return std::to_string(w.line).append(":").append(std::to_string(w.column));
}

std::string failure(std::string_view text) {
    return message_of([&] { (void)parse_toml(text, "m.toml"); });
}

std::string repeated(std::string_view part, int n) {
    std::string s;
    for (int i = 0; i < n; ++i) s.append(part);
    return s;
}

}   // namespace

TEST_CASE("every TOML value has the place where it begins") {
    const Document d =
        parse_toml("a = 12\n[b]\nc = [1, \"xy\"]\n[[t]]\nx = 1.5\n[[t]]\n  x = true\n", "m.toml");
    const Reader r(d);
    CHECK(place(r.where("a")) == "1:5");
    CHECK(place(r.where("b")) == "2:1");
    CHECK(place(r.table("b").where("c")) == "3:5");
    const auto rows = r.tables("t");
    REQUIRE(rows.size() == 2);
    CHECK(place(rows[1].where("x")) == "7:7");
    CHECK(rows[1].flag("x"));
}

TEST_CASE("keys come in the order of the file") {
    const Document d = parse_toml("z = 1\na = 2\n[m]\n[c]\n", "m.toml");
    CHECK(Reader(d).keys() == std::vector<std::string>{"z", "a", "m", "c"});
}

TEST_CASE("duplicates and damage are refused with their place") {
    CHECK(failure("a = 1\na = 2\n").starts_with("m.toml:2:"));
    CHECK(failure("[a]\n[a]\n").starts_with("m.toml:2:1: malformed TOML"));
    CHECK(failure("a = [1,").starts_with("m.toml:1:8: malformed TOML"));
    CHECK(failure("a = \"x\n").starts_with("m.toml:1:"));
    CHECK(failure("a = \n").starts_with("m.toml:1:"));
    CHECK(failure("a = \"\xff\"\n").starts_with("m.toml:1:"));
    CHECK(failure("day = 2026-01-02\n") == "m.toml:1:7: dates must be written as text in quotes");
}

TEST_CASE("nan and inf parse and are refused by a range") {
    const Document d = parse_toml("a = nan\nb = inf\n", "m.toml");
    CHECK(message_of([&] { (void)Reader(d).number("a", positive); }) ==
          "m.toml:1:5: key 'a': nan is not positive");
    CHECK(message_of([&] { (void)Reader(d).number("b", positive); }) ==
          "m.toml:2:5: key 'b': inf is not positive");
}

TEST_CASE("nesting beyond 100 levels is refused, however it is written") {
    const std::string too_deep = "nested deeper than 100 levels";
    CHECK(failure(std::string("x = ").append(150, '[').append(150, ']')).find(too_deep) != std::string::npos);
    CHECK(failure(std::string("x = ").append(100000, '[')).find("malformed TOML") != std::string::npos);
    CHECK(failure(std::string("[").append(repeated("a.", 1000000)).append("a]\n")).find(too_deep) !=
          std::string::npos);
    CHECK(failure(repeated("a . ", 100000).append("a = 1\n")).find(too_deep) != std::string::npos);
    CHECK(failure(repeated("\"=\".", 100000).append("a = 1\n")).find(too_deep) != std::string::npos);
    CHECK(failure(std::string("x = {").append(repeated("1.", 100000)).append("a = 1}\n")).find(too_deep) !=
          std::string::npos);
}

TEST_CASE("many dots that are no keys are accepted") {
    CHECK_NOTHROW(
        (void)parse_toml(std::string("x = [").append(repeated("1.5, ", 500)).append("2.5]\n"), "m.toml"));
    CHECK_NOTHROW((void)parse_toml(std::string("# ").append(500, '.').append("\nx = 1\n"), "m.toml"));
    CHECK_NOTHROW((void)parse_toml(std::string("[").append(repeated("a.", 60)).append("a]\n"), "m.toml"));
}

TEST_CASE("text beyond 64 MiB is refused") {
    const std::string large((std::size_t{64} << 20) + 1, ' ');
    CHECK(failure(large) == "m.toml: larger than 64 MiB");
}

TEST_CASE("the ending of the name chooses the parser") {
    CHECK(Reader(parse_document("{\"a\": 1}", "x.json")).has("a"));
    CHECK(Reader(parse_document("a = 1\n", "x.toml")).has("a"));
    CHECK(Reader(parse_document("a = 1\n", "x")).has("a"));
}
