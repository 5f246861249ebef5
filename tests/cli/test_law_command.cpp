// SPDX-License-Identifier: Apache-2.0
// moecost law as a user meets it: published values, the same row in every format, refusals.
#include <doctest/doctest.h>

#include <string>

#include "moecost/base/value.h"
#include "program.h"

using namespace moecost;

namespace {

std::vector<Reader> answers(const Document& document) { return Reader(document).tables("answers"); }

Document json_of(const std::string& arguments) {
    const Run run = run_program(std::string("law ").append(arguments).append(" --format json"));
    CAPTURE(run.err);
    REQUIRE(run.status == 0);
    return parse_json(run.out, "stdout");
}

}   // namespace

TEST_CASE("a law gives the loss, the optimum and the equal-loss size that its paper implies") {
    // Ludziejewski et al. 2025, Eq. 6 with the coefficients of Table 3; Table 1: 3.8 B for 8 experts at 1e21 FLOP.
    const Document loss = json_of("ludziejewski2025 --n 1e9 --d 2e10 --experts 8 --equal-to 1");
    CHECK(answers(loss)[0].number("value", positive) == doctest::Approx(2.5087773).epsilon(1e-7));
    CHECK(answers(loss)[1].number("value", positive) == doctest::Approx(1.762437e9).epsilon(1e-6));
    const Document best = json_of("ludziejewski2025 --budget 1e21 --experts 8");
    CHECK(answers(best)[0].number("n", positive) == doctest::Approx(3.8e9).epsilon(0.01));
    const Document tokens = json_of("ludziejewski2025 --n 5e8 --experts 8 --loss 2.50877728");
    CHECK(answers(tokens)[0].number("d", positive) == doctest::Approx(4.6400455e10).epsilon(1e-6));
}

TEST_CASE("served tokens move the optimum of the lifetime as Sardana et al. print it") {
    // 7 B, Chinchilla-optimal, 1e11 served tokens: 6.05 B with the precise coefficients.
    const Document seven = json_of("hoffmann2022 --budget 1.21e22");
    const double loss = answers(seven)[1].number("value", positive);
    const Document life = json_of("hoffmann2022 --loss " + std::to_string(loss) + " --served-tokens 1e11");
    CHECK(answers(life)[0].number("n", positive) < answers(seven)[0].number("n", positive));
}

TEST_CASE("what lies outside the runs is said in times") {
    const Document far = json_of("ludziejewski2025 --n 27e9 --d 8e11 --experts 64");
    CHECK(answers(far)[0].text("outside") == "N 10x, D 10x, E 2.0x");
}

TEST_CASE("a law of leverage answers with its own figure") {
    const Document el = json_of("tian2025 --active 0.031 --granularity 12 --budget 1e22");
    CHECK(answers(el)[0].number("value", positive) == doctest::Approx(7.244898).epsilon(1e-6));
}

TEST_CASE("a dense law with a bridge gives a mixture the loss of the dense model of EL times its compute") {
    // EL = 7.244898 as above: N and D of 1e22 FLOP times its root, 2.691635.
    const std::string bridged = "hoffmann2022+tian2025 --active 0.031 --granularity 12 ";
    const double mixture =
        answers(json_of(bridged + "--n 1e10 --d 1.6666666667e11"))[0].number("value", positive);
    const double dense =
        answers(json_of("hoffmann2022 --n 2.691635e10 --d 4.486058e11"))[0].number("value", positive);
    CHECK(mixture == doctest::Approx(dense).epsilon(1e-6));
    const Document best = json_of(bridged + "--budget 1e22");
    const Document larger = json_of("hoffmann2022 --budget 7.244898e22");
    CHECK(answers(best)[1].number("value", positive) ==
          doctest::Approx(answers(larger)[1].number("value", positive)).epsilon(1e-6));
    CHECK(answers(best)[0].number("n", positive) * 2.691635 ==
          doctest::Approx(answers(larger)[0].number("n", positive)).epsilon(1e-5));
    const Document tokens = json_of(bridged + "--n 1e10 --loss " + std::to_string(mixture));
    CHECK(answers(tokens)[0].number("d", positive) == doctest::Approx(1.6666666667e11).epsilon(1e-3));
}

TEST_CASE("a bridge is refused where it says nothing") {
    for (const char* arguments :
         {"hoffmann2022+tian2025 --n 1e10 --d 1e11", "hoffmann2022+tian2025 --n 1e10 --d 1e11 --experts 16",
          "hoffmann2022+kaplan2020 --n 1e10 --d 1e11", "tian2025+tian2025 --budget 1e21",
          "hoffmann2022+ --n 1e9",
          "hoffmann2022+tian2025 --experts 16 --granularity 4 --loss 2 --n 1e10 --served-tokens 1e12",
          "hoffmann2022+tian2025 --experts 16 --granularity 4 --budget 1e21 --plot"}) {
        CAPTURE(arguments);
        CHECK(run_program(std::string("law ") + arguments).status == 2);
    }
}

TEST_CASE("questions without an answer are infeasible, those that ask nothing are refused") {
    CHECK(run_program("law ludziejewski2025 --n 1e9 --loss 1.2").status == 3);
    CHECK(run_program("law ludziejewski2025").status == 2);
    CHECK(run_program("law nosuchlaw --n 1e9").status == 2);
    CHECK(run_program("law ludziejewski2025 --n abc --d 1e9").status == 2);
}

TEST_CASE("the chart has a valley at the optimum of the budget") {
    const Run run = run_program("law hoffmann2022 --budget 1e22 --plot --quiet");
    CHECK(run.status == 0);
    CHECK(run.out.find('*') != std::string::npos);
    CHECK(run.out.find("tokens by the budget") != std::string::npos);
}

TEST_CASE("a law of the active share takes experts as one of so many, and asks for what nobody says") {
    const Document share = json_of("abnar2025 --n 22e9 --d 36e12 --active 0.0625");
    const Document experts = json_of("abnar2025 --n 22e9 --d 36e12 --experts 16");
    CHECK(answers(share)[0].number("value", positive) == answers(experts)[0].number("value", positive));
    CHECK(run_program("law abnar2025 --n 22e9 --d 36e12").status == 2);
    CHECK(run_program("law zhao2025 --n 22e9 --d 36e12 --experts 16").status == 2);
}
