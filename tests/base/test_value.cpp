// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "input_error.h"
#include "moecost/base/value.h"

using namespace moecost;

namespace {

const char* const sample = R"(experts = 8
share = 0.25
name = "mix"
gated = true
sizes = [1, 2.5, 3]
words = ["a", "b"]
mixed = [1, "a"]
[layer]
count = 3
[[row]]
x = 1
[[row]]
x = 2
)";

const Document& document() {
    static const Document d = parse_toml(sample, "m.toml");
    return d;
}

}   // namespace

TEST_CASE("values come out with their type") {
    const Reader r(document());
    CHECK(r.integer("experts", 1, 64) == 8);
    CHECK(r.number("experts", positive) == 8);
    CHECK(r.number("share", fraction) == 0.25);
    CHECK(r.text("name") == "mix");
    CHECK(r.flag("gated"));
    CHECK(r.numbers("sizes", positive) == std::vector<double>{1, 2.5, 3});
    CHECK(r.texts("words") == std::vector<std::string>{"a", "b"});
    CHECK(r.table("layer").integer("count", 0, 10) == 3);
    CHECK(r.tables("row")[1].integer("x", 0, 10) == 2);
}

TEST_CASE("fallbacks serve absent keys only") {
    const Reader r(document());
    CHECK(r.number_or("none", 7, positive) == 7);
    CHECK(r.integer_or("experts", 7, 1, 64) == 8);
    CHECK(r.text_or("none", "x") == "x");
    CHECK(r.flag_or("gated", false));
    CHECK(message_of([&] { (void)r.integer_or("name", 7, 1, 64); }) ==
          "m.toml:3:8: key 'name': expected a number, found a text");
}

TEST_CASE("each failure is one line that names place, key and expectation") {
    const Reader r(document());
    CHECK(message_of([&] { (void)r.integer("experts", 16, 64); }) ==
          "m.toml:1:11: key 'experts': 8 is not in 16..64");
    CHECK(message_of([&] { (void)r.integer("share", 0, 64); }) ==
          "m.toml:2:9: key 'share': 0.25 is not a whole number");
    CHECK(message_of([&] {
              (void)r.number("share", {1, 2});
          }) == "m.toml:2:9: key 'share': 0.25 is not in 1..2");
    CHECK(message_of([&] { (void)r.text("share"); }) ==
          "m.toml:2:9: key 'share': expected a text, found a number");
    CHECK(message_of([&] { (void)r.flag("name"); }) ==
          "m.toml:3:8: key 'name': expected true or false, found a text");
    CHECK(message_of([&] { (void)r.number("gated", positive); }) ==
          "m.toml:4:9: key 'gated': expected a number, found a boolean");
    CHECK(message_of([&] { (void)r.table("sizes"); }) ==
          "m.toml:5:9: key 'sizes': expected a table, found a list");
    CHECK(message_of([&] { (void)r.numbers("words", positive); }) ==
          "m.toml:6:9: key 'words': expected a number, found a text");
    CHECK(message_of([&] { (void)r.texts("mixed"); }) ==
          "m.toml:7:9: key 'mixed': expected a list of texts, found an integer");
    CHECK(message_of([&] { (void)r.table("layer").integer("count", 5, 9); }) ==
          "m.toml:9:9: key 'layer.count': 3 is not in 5..9");
    CHECK(message_of([&] { (void)r.tables("row")[1].integer("x", 5, 9); }) ==
          "m.toml:13:5: key 'row[1].x': 2 is not in 5..9");
}

TEST_CASE("a missing key points at its table and proposes what is there") {
    const Reader r(document());
    CHECK(message_of([&] { (void)r.integer("expert", 1, 2); }).ends_with("key 'expert': missing"));
    CHECK(hint_of([&] { (void)r.integer("expert", 1, 2); }) == "did you mean 'experts'?");
    CHECK(message_of([&] { (void)r.table("layer").text("kind"); }) ==
          "m.toml:8:1: key 'layer.kind': missing");
}

TEST_CASE("unknown keys are refused by name") {
    const Reader layer = Reader(document()).table("layer");
    CHECK_NOTHROW(layer.allow_only({"count", "kind"}));
    CHECK(message_of([&] { layer.allow_only({"counts"}); }) == "m.toml:9:9: key 'layer.count': unknown key");
    CHECK(hint_of([&] { layer.allow_only({"counts"}); }) == "did you mean 'counts'?");
}

TEST_CASE("whole numbers beyond 2^53 stay exact and ranges hold at the ends of the type") {
    const Document d =
        parse_toml("a = 9007199254740993\nb = 9223372036854775807\nc = 1e300\nd = 9.3e18\n", "m.toml");
    const Reader r(d);
    constexpr std::int64_t top = std::numeric_limits<std::int64_t>::max();
    CHECK(r.integer("a", 0, top) == 9007199254740993);
    CHECK(r.integer("b", 0, top) == top);
    CHECK(message_of([&] { (void)r.integer("c", 0, top); }) != "no InputError");
    CHECK(message_of([&] { (void)r.integer("d", 0, top); }) != "no InputError");
}

TEST_CASE("a document that is no table is refused") {
    const Document d = parse_json("[1]", "c.json");
    CHECK(message_of([&] { (void)Reader(d); }) == "c.json:1:1: expected an object, found a list");
}

TEST_CASE("a failure composed by a caller carries place, key and hint") {
    const Reader r(document());
    CHECK(message_of([&] { r.fail("name", "is not known", "try x"); }) ==
          "m.toml:3:8: key 'name': is not known");
    CHECK(hint_of([&] { r.fail("name", "is not known", "try x"); }) == "try x");
}
