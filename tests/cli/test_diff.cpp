// SPDX-License-Identifier: Apache-2.0
// moecost diff: two deployments, the inputs that differ, and how much of the difference each explains.
#include <doctest/doctest.h>

#include "moecost/base/data.h"
#include "program.h"

using namespace moecost;
using doctest::Approx;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr Range any{-1e300, 1e300};

/// The entry of `explained` about a figure.
Reader explained(const Document& document, std::string_view figure) {
    for (const Reader& r : Reader(document).tables("explained")) {
        if (r.text("figure") == figure) return r;
    }
    throw InputError({document.file}, figure, "is not explained");
}

double alone(const Reader& figure, std::string_view inputs) {
    for (const Reader& move : figure.tables("moves")) {
        if (move.text("inputs") == inputs) return move.number("alone", any);
    }
    throw InputError({}, inputs, "is no move");
}

}   // namespace

TEST_CASE("half the rent is half the price of a token, and nothing else moves") {
    const Run run = run_program(
        "diff price=4 price=2 --model mixtral-8x7b --gpu h100_sxm --tp 2 --concurrency 64 --format json");
    REQUIRE(run.status == 0);
    const Document d = parse_document(run.out, "diff.json");
    const Reader price = explained(d, "usd_per_mtok_output_all_in");
    const double before =
        Reader(d).table("a").table("estimate").table("cost").number("usd_per_mtok_output_all_in", positive);
    CHECK(price.number("change", any) == Approx(-before / 2).epsilon(1e-9));
    CHECK(alone(price, "price") == Approx(-before / 2).epsilon(1e-9));
    CHECK(price.number("interaction", any) == Approx(0).epsilon(1e-9));
    CHECK(explained(d, "output_tokens_per_s").number("change", any) == 0);
    CHECK(Reader(d).tables("inputs").size() == 1);
}

TEST_CASE("what inputs explain alone and their interaction add up to the change") {
    const Run run = run_program(
        "diff gpu=h100_sxm,tp=4,isl=1000 gpu=b200_sxm,tp=2,isl=3000 --model mixtral-8x7b --rate 4 --format "
        "json");
    REQUIRE(run.status == 0);
    const Document d = parse_document(run.out, "diff.json");
    for (const char* figure : {"usd_per_mtok_output_all_in", "output_tokens_per_s", "ttft_s", "tpot_s"}) {
        const Reader r = explained(d, figure);
        double sum = r.number("interaction", any);
        for (const Reader& move : r.tables("moves")) sum += move.number("alone", any);
        const double change = r.number("change", any);
        CHECK(sum == Approx(change).epsilon(1e-9));
        CHECK(r.tables("moves").size() == 3);
    }
}

TEST_CASE("an answer does not differ from itself, and a stale one says so") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path / "a.json").string();
    REQUIRE(
        run_program("estimate --model mixtral-8x7b --gpu h100_sxm,h200_sxm --tp 2 --format json -o " + file)
            .status == 0);
    const Run same = run_program("diff " + file + " " + file + "#1");
    CHECK(same.status == 0);
    CHECK(contains(same.out, "none"));
    const Run other = run_program("diff " + file + "#1 " + file + "#2");
    CHECK(contains(other.out, "h200_sxm"));
    CHECK_FALSE(contains(other.out, "another version"));
    std::string text = read_file(file);
    const std::size_t at = text.find("\"tpot_s\": ");
    REQUIRE(at != std::string::npos);
    text.insert(at + 10, "9");
    write_file(file, text);
    CHECK(contains(run_program("diff " + file + " " + file + "#2").out, "another version"));
}

TEST_CASE("names, scenario files and commands are sides too") {
    const Run names = run_program("diff h100 h200 --model mixtral-8x7b --tp 2");
    CHECK(names.status == 0);
    CHECK(contains(names.out, "h200"));
    const ScratchFolder scratch;
    const std::string file =
        scratch.write("a.toml", "model = \"mixtral-8x7b\"\ngpu = \"a100_sxm_80\"\ntp = 2\nisl = 2000\n");
    const Run mixed =
        run_program("diff " + file + " 'moecost estimate --model mixtral-8x7b --gpu h100_sxm --tp 2'");
    CHECK(mixed.status == 0);
    CHECK(contains(mixed.out, "Inputs that differ"));
}

TEST_CASE("loads of two kinds are moved as one, and degrees that cannot run alone are joined") {
    const Run loads = run_program("diff rate=2 concurrency=16 --model mixtral-8x7b --gpu h100_sxm --tp 2");
    CHECK(loads.status == 0);
    CHECK(contains(loads.out, "concurrency and rate"));
    const Run layouts = run_program("diff tp=8 tp=1,attention_dp=8,ep=8 --model deepseek-v3 --gpu h200_sxm");
    CHECK(layouts.status == 0);
    CHECK(contains(layouts.out, "tp, ep and attention-dp"));
}

TEST_CASE("one pool against two is one change, and prices compare the whole rent") {
    const std::string one(
        "'moecost estimate --model deepseek-v3 --gpu h200_sxm --gpus 32 --tp 8 --concurrency 256'");
    const std::string two(
        "'moecost estimate --model deepseek-v3 --gpu h200_sxm --prefill-gpus 16 --decode-gpus 16 --tp 8 "
        "--concurrency 256'");
    const Run run = run_program("diff " + one + " " + two + " --format csv");
    CHECK(run.status == 0);
    CHECK(contains(run.out, "usd_per_mtok_output_all_in,prefill-gpus and decode-gpus,"));
    CHECK(contains(run.out, "usd_per_mtok_output_all_in,interaction,0,"));
    const std::string wider(
        "'moecost estimate --model deepseek-v3 --gpu h200_sxm --prefill-gpus 16 --decode-gpus 32 --tp 8 "
        "--concurrency 256'");
    const Run both = run_program("diff " + two + " " + wider);
    CHECK(both.status == 0);
    CHECK(contains(both.out, "decode-gpus"));
}

TEST_CASE("a side that cannot run is told with its reason, a side that is nothing is refused") {
    const Run none = run_program("diff h100 h200 --model deepseek-v3 --tp 1");
    CHECK(none.status == 3);
    CHECK(contains(none.err, "A: infeasible"));
    CHECK(contains(none.out, "gpu"));
    CHECK(run_program("diff h100").status == 2);
    CHECK(run_program("diff h100 nothing --model mixtral-8x7b").status == 2);
    CHECK(run_program("diff h100 gpu=h100,rate --model mixtral-8x7b").status == 2);
    CHECK(run_program("diff h100 h200 --model mixtral-8x7b --figures nothing").status == 2);
}

TEST_CASE("accelerators are compared at prices of one kind, as estimate compares them") {
    const std::string rest = " --model gpt-oss-120b --gpus 8 --concurrency 64 --format json";
    const Run together = run_program("estimate --gpu h100,mi355x" + rest);
    const Run apart = run_program("diff h100 mi355x" + rest);
    REQUIRE(together.status == 0);
    REQUIRE(apart.status == 0);
    const Document pair = parse_json(together.out, "estimate");
    const auto sides = Reader(pair).tables("estimates");
    const Document d = parse_json(apart.out, "diff");
    CHECK(contains(Reader(d).text("prices"), "prices of one kind"));
    for (const Reader& r : Reader(d).tables("figures")) {
        if (r.text("figure") != "usd_per_mtok_output_all_in") continue;
        CHECK(r.number("a", positive) ==
              sides[0].table("cost").number("usd_per_mtok_output_all_in", positive));
        CHECK(r.number("b", positive) ==
              sides[1].table("cost").number("usd_per_mtok_output_all_in", positive));
    }
}
