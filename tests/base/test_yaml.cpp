// SPDX-License-Identifier: Apache-2.0
// The subset of YAML, and words of a shell.
#include <doctest/doctest.h>

#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"

using namespace moecost;

namespace {

Reader read(const std::string& text, Document& keep) {
    keep = parse_yaml(text, "t.yaml").at(0);
    return Reader(keep);
}

std::string failure(const std::string& text) {
    try {
        (void)parse_yaml(text, "t.yaml");
    } catch (const InputError& e) {
        return e.what();
    }
    return {};
}

}   // namespace

TEST_CASE("a zero is written as it is read again, whatever its sign") {
    CHECK(to_yaml(parse_yaml("a: -0.0", "t.yaml").at(0).root) == "\"a\": 0\n");
}

TEST_CASE("a key stands once in a flow mapping too") {
    CHECK_THROWS_WITH_AS((void)parse_yaml("a: {b: 1, c: 2, b: 3}", "t.yaml"),
                         "t.yaml:1:1: key 'b' stands twice", InputError);
}

TEST_CASE("block and flow collections, scalars, comments") {
    Document d;
    const Reader r = read(
        "a: 1\nb:\n  - x: 'it''s'   # why\n    y: \"q\\\"\"\n  - {x: z, y: [1, 2]}\nc: |\n  one\n  two\nd: "
        ">-\n"
        "  folded\n  text\ne: plain\n  goes on\nf: true\ng:\n- http://h:80\n",
        d);
    CHECK(r.integer("a", 0, 9) == 1);
    CHECK(r.tables("b").at(0).text("x") == "it's");
    CHECK(r.tables("b").at(0).text("y") == "q\"");
    CHECK(r.tables("b").at(1).text("x") == "z");
    CHECK(r.text("c") == "one\ntwo\n");
    CHECK(r.text("d") == "folded text");
    CHECK(r.text("e") == "plain goes on");
    CHECK(r.flag("f"));
    CHECK(r.texts("g").at(0) == "http://h:80");
}

TEST_CASE("several documents, and what the subset lacks") {
    CHECK(parse_yaml("---\na: 1\n---\nb: 2\n", "t").size() == 2);
    CHECK(failure("a: &x 1\n").find("t.yaml:1: anchors") != std::string::npos);
    CHECK(failure("a: 1\na: 2\n").find("twice") != std::string::npos);
    CHECK(failure("a: [1, 2\n").find("not closed") != std::string::npos);
    CHECK(failure("a:\n\t- 1\n").find("tab") != std::string::npos);
}

TEST_CASE("what is written reads back") {
    const Value v =
        yaml_map({{"text", yaml_text("8")},
                  {"words", yaml_list({yaml_text("--flag=1"), yaml_text("{\"a\":1}"), yaml_text("on")})},
                  {"none", yaml_map({})},
                  {"n", yaml_number(0.5)},
                  {"lines", yaml_text("a: 1\nb: 2\n")}});
    Document d;
    const Reader r = read(to_yaml(v), d);
    CHECK(r.text("text") == "8");
    CHECK(r.texts("words").at(1) == "{\"a\":1}");
    CHECK(r.texts("words").at(2) == "on");
    CHECK(r.text("lines") == "a: 1\nb: 2\n");
    CHECK(r.number("n", fraction) == 0.5);
}

TEST_CASE(
    "no character is lost or made another: control characters come back, escapes are what they stand for") {
    const std::string odd("a\0b\x02\x7f\r\t\n\"\\ c", 12);
    const Value v = yaml_map({{odd, yaml_text(odd)}, {std::string("a b"), yaml_text("\xc3\xa9")}});
    Document d;
    const Reader r = read(to_yaml(v), d);
    CHECK(r.text(odd) == odd);
    CHECK(r.text("a b") == "\xc3\xa9");
    Document e;
    CHECK(read("a: \"\\x41\\u00e9\\u20ac\\xg\"\n", e).text("a") == "A\xc3\xa9\xe2\x82\xacxg");
}

TEST_CASE("shell words: quotes, joined lines, redirections, several commands") {
    const auto c = shell_commands(
        "A=1 x 'a b' \"c\\\"d\" \\\n  --e=\"f g\" > log 2>&1 & # rest\ny $(z 1) | w\n", "s.sh");
    REQUIRE(c.size() == 3);
    CHECK(c[0].words == std::vector<std::string>{"A=1", "x", "a b", "c\"d", "--e=f g"});
    CHECK(c[1].words == std::vector<std::string>{"y", "$(z 1)"});
    CHECK(c[1].line == 3);
    CHECK(shell_commands(shell_line({"a b", "it's", "{\"x\":1}"}), "")[0].words ==
          std::vector<std::string>{"a b", "it's", "{\"x\":1}"});
}

TEST_CASE(
    "marks of documents stand alone: a key that begins like one is a key, and is written so that it stays "
    "one") {
    const auto one = parse_yaml("...ted: 1\n---x: 2\n", "f");
    REQUIRE(one.size() == 1);
    CHECK(Reader(one[0]).keys() == std::vector<std::string>{"...ted", "---x"});
    CHECK(parse_yaml(to_yaml(one[0].root), "f").size() == 1);
    CHECK(parse_yaml("a: 1\n... \n---\nb: 2\n", "f").size() == 2);
}
