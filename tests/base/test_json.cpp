// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "input_error.h"
#include "moecost/base/json_writer.h"
#include "moecost/base/value.h"

using namespace moecost;

namespace {

std::string place(const Location& w) {
    return std::to_string(w.line).append(":").append(std::to_string(w.column));
}

std::string failure(std::string_view text) {
    return message_of([&] { (void)parse_json(text, "c.json"); });
}

}   // namespace

TEST_CASE("every JSON kind has its value and the place where it begins") {
    const Document d =
        parse_json("{\"a\": 12,\n  \"b\" : {\"c\": [1, \"xy\"],\n\"d\":true}, \"n\": null}", "c.json");
    const Reader r(d);
    CHECK(place(r.where("a")) == "1:7");
    CHECK(place(r.where("b")) == "2:9");
    const Reader b = r.table("b");
    CHECK(place(b.where("c")) == "2:15");
    CHECK(place(b.where("d")) == "3:5");
    CHECK(b.flag("d"));
    CHECK(r.number("a", positive) == 12);
    const Document nested = parse_json("[ [], {}, [ [7,\n8] ] ]", "c.json");
    const auto& outer = std::get<Value::Array>(nested.root.content);
    CHECK(outer[2].column == 11);
    CHECK(std::get<Value::Array>(outer[2].content)[0].column == 13);
    CHECK(std::get<Value::Array>(std::get<Value::Array>(outer[2].content)[0].content)[1].line == 2);
    CHECK_FALSE(r.has("n"));   // null counts as absent
}

TEST_CASE("the place of an element of a list is known") {
    const Document d = parse_json("{\"rows\": [ {\"x\": 1},\n {\"x\": -1}]}", "c.json");
    const auto rows = Reader(d).tables("rows");
    CHECK(place(rows[0].where()) == "1:12");
    CHECK(message_of([&] { (void)rows[1].number("x", positive); }) ==
          "c.json:2:8: key 'rows[1].x': -1 is not positive");
}

TEST_CASE("NaN and infinities are accepted bare and refused by a range") {
    const Document d = parse_json("{\"a\": NaN, \"b\": Infinity, \"c\": -Infinity}", "c.json");
    const Reader r(d);
    CHECK(std::isnan(std::get<double>(r.raw("a")->content)));
    CHECK(std::isinf(std::get<double>(r.raw("b")->content)));
    CHECK(message_of([&] { (void)r.number("a", non_negative); }).starts_with("c.json:1:7: key 'a': nan"));
    CHECK(message_of([&] { (void)r.number("b", non_negative); }).starts_with("c.json:1:17: key 'b': inf"));
    CHECK(message_of([&] { (void)r.number("c", non_negative); }).starts_with("c.json:1:32: key 'c': -inf"));
}

TEST_CASE("duplicates, depth and damage are refused with their place") {
    CHECK(failure("{\"a\":1,\n \"a\":2}") == "c.json:2:2: key 'a': stands twice in the same object");
    CHECK(failure("{\"a\":1}{").starts_with("c.json:1:8: malformed JSON"));
    CHECK(failure("").starts_with("c.json:1:1: malformed JSON"));
    CHECK(failure("{\"a\":1").starts_with("c.json:1:7: malformed JSON"));
    CHECK(failure("{\"a\" 1}").starts_with("c.json:1:6: malformed JSON"));
    CHECK(failure("{\"a\":1e999}").starts_with("c.json:1:11: malformed JSON"));
    CHECK(failure("{\"a\":\"\xff\"}").starts_with("c.json:1:8: malformed JSON"));
    CHECK(failure(std::string_view("{\"a\":\0}", 7)) == "c.json: malformed JSON: holds a zero byte");
    CHECK(failure(std::string(200000, '[')) == "c.json:1:101: nested deeper than 100 levels");
    std::string objects;
    for (int i = 0; i < 200000; ++i) objects.append("{\"a\":");
    CHECK(failure(objects).find("nested deeper than 100 levels") != std::string::npos);
}

TEST_CASE("a hundred levels are accepted") {
    std::string text(100, '[');
    CHECK_NOTHROW((void)parse_json(text.append(100, ']'), "c.json"));
}

TEST_CASE("the same key may stand in different objects") {
    CHECK_NOTHROW((void)parse_json("[{\"a\":1},{\"a\":{\"a\":2}}]", "c.json"));
}

TEST_CASE("integers are exact, larger ones become numbers") {
    const Document d = parse_json("{\"a\": 9007199254740993, \"b\": 18446744073709551615}", "c.json");
    CHECK(std::get<std::int64_t>(Reader(d).raw("a")->content) == 9007199254740993);
    CHECK(std::get<double>(Reader(d).raw("b")->content) == doctest::Approx(1.8446744073709552e19));
}

TEST_CASE("escapes and a byte-order mark are understood") {
    const Document d = parse_json("\xEF\xBB\xBF{\"a\": \"x\\n\\u00e9\"}", "c.json");
    CHECK(Reader(d).text("a") == "x\n\xC3\xA9");
}

TEST_CASE("text beyond 64 MiB is refused") {
    const std::string large((std::size_t{64} << 20) + 1, ' ');
    CHECK(failure(large) == "c.json: larger than 64 MiB");
}

TEST_CASE("a written document has its keys in order, whole numbers whole, and reads back") {
    JsonWriter w;
    w.begin_object();
    w.text("schema", "moecost.estimate/1");
    w.number("tokens", 1024);
    w.number("price", 0.1);
    w.number("none", std::nan(""));
    w.begin_array("list");
    w.number({}, 1.5);
    w.text({}, "a\"b\n");
    w.end_array();
    w.flag("ok", true);
    w.null("gap");
    w.end_object();
    const std::string text = w.str();
    CHECK(text.ends_with("}\n"));
    CHECK(text.find("\"tokens\": 1024,") != std::string::npos);
    CHECK(text.find("\"price\": 0.1,") != std::string::npos);
    CHECK(text.find("\"none\": null") != std::string::npos);
    CHECK(text.find("schema") < text.find("tokens"));
    const Document d = parse_json(text, "o.json");
    CHECK(Reader(d).keys().size() == 7);
    CHECK(std::get<std::string>(std::get<Value::Array>(Reader(d).raw("list")->content)[1].content) ==
          "a\"b\n");
}
