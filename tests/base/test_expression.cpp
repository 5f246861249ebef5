// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/expression.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>

#include "input_error.h"

using namespace moecost;

namespace {

const std::vector<std::string> known{"tp", "gpus", "ep", "experts", "gpu.memory"};

NameTable names() {
    return {[](std::string_view name) {
                for (std::size_t i = 0; i < known.size(); ++i) {
                    if (known[i] == name) return static_cast<std::ptrdiff_t>(i);
                }
                return std::ptrdiff_t{-1};
            },
            [] { return known; }};
}

Expression compile(std::string_view text) { return compile_condition(text, {"grid.toml", 3, 10}, names()); }
bool holds(std::string_view text) {
    const std::vector<double> values{4, 8, 2, 256, 1.5};   // tp, gpus, ep, experts, gpu.memory
    return compile(text).holds(values);
}
std::string error(std::string_view text) {
    return message_of([&] { (void)compile(text); });
}

}   // namespace

TEST_CASE("arithmetic binds before comparison, comparison before not, and, or") {
    CHECK(holds("gpus % tp == 0"));
    CHECK_FALSE(holds("gpus % tp == 0 and ep > experts"));
    CHECK(holds("gpus == tp * ep"));
    CHECK(holds("gpus - tp - ep == 2"));
    CHECK(holds("gpus / tp / ep == 1"));
    CHECK(holds("2 + 3 * 4 == 14"));
    CHECK(holds("(2 + 3) * 4 == 20"));
    CHECK(holds("-tp + 5 == 1"));
    CHECK(holds("2 - -2 == 4"));
    CHECK(holds("not tp == 5 and not (ep > tp or ep == 0)"));
    CHECK(holds("tp == 4 or tp == 5 and ep == 9"));
    CHECK(holds("gpu.memory >= 1.5e0"));
    CHECK(holds("tp"));   // a name may be a flag
    CHECK_FALSE(holds("tp != 4"));
}

TEST_CASE("comparisons with what is no number are false") {
    const std::vector<double> values{std::numeric_limits<double>::quiet_NaN(), 1, 1, 1, 1};
    for (const char* text :
         {"tp == 1", "tp != 1", "tp < 1", "tp > 1", "tp <= 1", "tp >= 1", "gpus % 0 == 0"}) {
        CHECK_FALSE(compile(text).holds(values));
    }
}

TEST_CASE("mistakes are reported with their column") {
    CHECK(error("gpus % == 0") == "grid.toml:3:18: 'gpus % == 0', column 8: unexpected '== 0'");
    CHECK(error("tq == 1").find("column 1: unknown name 'tq'") != std::string::npos);
    CHECK(hint_of([] { (void)compile("expertz == 1"); }) == "did you mean 'experts'?");
    CHECK(error("tp = 4").find("column 4: unexpected '= 4'") != std::string::npos);
    CHECK(hint_of([] { (void)compile("tp = 4"); }) == "equality is ==");
    CHECK(hint_of([] { (void)compile("tp == 4 && ep == 2"); }) == "write and, or, not");
    CHECK(error("gpus % tp").find("is a number, not a condition") != std::string::npos);
    CHECK(error("(tp == 4").find("column 1: this '(' is not closed") != std::string::npos);
    CHECK(error("tp == 4)").find("column 8: unexpected ')'") != std::string::npos);
    CHECK(error("").find("ends where a number, a name or '(' is expected") != std::string::npos);
    CHECK(error("1 < tp < 8").find("cannot follow one another") != std::string::npos);
    CHECK(error("ttft <= 50ms").find("unknown name") != std::string::npos);
    CHECK(error("tp <= 50ms").find("a unit or name follows a number") != std::string::npos);
    CHECK(error("tp == 4 + (ep == 2)").find("a condition stands where a number") != std::string::npos);
    CHECK(error("tp + 1 and ep == 2").find("a number stands where a condition") != std::string::npos);
    CHECK(error("tp == 1e999").find("is not a number that can be used") != std::string::npos);
    CHECK(error("tp == 4 $").find("unexpected '$'") != std::string::npos);
}

TEST_CASE("deep and long expressions are refused, not overflowed") {
    CHECK(error(std::string(100, '(') + "tp").find("nested too deeply") != std::string::npos);
    CHECK(error(std::string(5000, '-') + "tp == 0").find("nested too deeply") != std::string::npos);
    std::string nots;
    for (int i = 0; i < 5000; ++i) nots.append("not ");
    CHECK(error(nots.append("tp")).find("nested too deeply") != std::string::npos);
    std::string sum("tp");
    for (int i = 0; i < 5000; ++i) sum.append(" + 1");
    CHECK(holds(sum.append(" == 5004")));
}

TEST_CASE("no text of these characters crashes the compiler") {
    std::mt19937 random(5);
    const std::string alphabet = "tp gpus()+-*/%<>=!&|andorot0123.e_ ";
    for (int i = 0; i < 20000; ++i) {
        std::string text;
        for (std::size_t n = random() % 24; n > 0; --n) text += alphabet[random() % alphabet.size()];
        try {
            (void)compile(text).value(std::vector<double>{1, 2, 3, 4, 5});
        } catch (const InputError& e) {
            CHECK(std::string_view(e.what()).find('\n') == std::string_view::npos);
        }
    }
}
