// SPDX-License-Identifier: Apache-2.0
// moecost plan as a user meets it: the answer, its price basis, its exit status, and the command that reproduces it.
#include <doctest/doctest.h>

#include "moecost/base/data.h"
#include "program.h"

using namespace moecost;
using doctest::Approx;

namespace {

constexpr const char* small =
    "plan --model mixtral-8x7b --gpu h100,h200 --instance-gpus 2,4 --rate 20 --isl 2000 --osl 300 "
    "--slo-ttft p95:500ms --slo-tpot 30ms ";

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Run plan_run(const std::string& more) { return run_program(std::string(small).append(more)); }

}   // namespace

TEST_CASE("a plan answers first, names its prices and can be reproduced by estimate") {
    const Run run = plan_run("--format json");
    REQUIRE(run.status == 0);
    const Document document = parse_document(run.out, "plan.json");
    const Reader r(document);
    CHECK(r.text("schema") == "moecost.plan/1");
    CHECK(r.text("price_basis") == "neocloud_on_demand");
    const Reader answer = r.table("answer");
    const Reader estimate = answer.table("estimate");
    const std::string command = estimate.text("command");
    REQUIRE(command.starts_with("moecost estimate "));
    CHECK(contains(command, "--slo-ttft p95:0.5"));
    const Run again = run_program(command.substr(8).append(" --format json"));
    REQUIRE(again.status == 0);
    const Document second = parse_document(again.out, "estimate.json");
    const Reader same = Reader(second).tables("estimates").front();
    for (const char* key : {"usd_per_hour", "usd_per_mtok_output"})
        CHECK(same.table("cost").number(key, {0, 1e9}) == estimate.table("cost").number(key, {0, 1e9}));
    CHECK(same.table("serving").number("ttft_of_objective_s", {0, 1e9}) ==
          estimate.table("serving").number("ttft_of_objective_s", {0, 1e9}));
}

TEST_CASE("accelerators are compared at prices of one kind where all have one, else with a warning") {
    const Run one = run_program(
        "plan --model mixtral-8x7b --gpu h200,gb300_nvl72 --instance-gpus 2 --rate 5 --isl 500 --osl 200");
    REQUIRE(one.status == 0);
    CHECK(contains(one.out, "prices: neocloud reserved"));
    const Run mixed = run_program(
        "plan --model mixtral-8x7b --gpu l4,mi355x --instance-gpus 1,2,4,8 --rate 1 --isl 500 --osl 200");
    CHECK(contains(mixed.out, "PRICES ARE NOT OF ONE KIND"));
    const Run own = plan_run("--price 3");
    CHECK(contains(own.out, "as given, the same for all"));
}

TEST_CASE("an accelerator without calibration is marked and sized as a slower one") {
    const Run run = run_program(
        "plan --model mixtral-8x7b --gpu h200,mi300x --instance-gpus 1,2,4 --rate 20 --isl 2000 --osl 300 "
        "--slo-tpot 40ms");
    REQUIRE(run.status == 0);
    CHECK(contains(run.out, "mi300x*"));
    CHECK(contains(run.out, "* not calibrated: sized and ranked 2.27 times slower"));
}

TEST_CASE("what no deployment within the budget meets ends with status 3 and the nearest") {
    const Run few = plan_run("--rate 400 --max-gpus 2");
    CHECK(few.status == 3);
    CHECK(contains(few.out, "Nothing meets the objectives"));
    CHECK(contains(few.out, "GPUs beyond the 2"));
    CHECK(contains(few.err, "the nearest is"));
    const Run slow = run_program("plan --model mixtral-8x7b --gpu h100 --rate 1 --slo-tpot 10us");
    CHECK(slow.status == 3);
    CHECK(contains(slow.out, "a lone request takes"));
    const Run large = run_program("plan --model deepseek-v3 --gpu l4 --instance-gpus 1 --rate 1");
    CHECK(large.status == 3);
}

TEST_CASE("wrong input of a plan ends with status 2 and says what is allowed") {
    for (const char* more :
         {"", "--rate 0", "--rate 5 --objective speed", "--rate 5 --slo-ttft p95", "--rate 5 --max-gpus 0",
          "--rate 5 --gpus 16", "--rate 5 --concurrency 3", "--day 1,2,3", "--rate 5 --objective latency",
          "--rate 5 --api-price-in 1", "--rate 5 --weights fp9"}) {
        CAPTURE(more);
        const Run run = run_program(std::string("plan --model mixtral-8x7b --gpu h100 ").append(more));
        CHECK(run.status == 2);
        CHECK(run.err.starts_with("moecost: "));
        CHECK(run.out.empty());
    }
}

TEST_CASE("a day is sized for its largest hour, and hour by hour for each") {
    // 23 hours of a quarter of the peak: the rent hour by hour lies between a quarter and all of the fixed one.
    std::string day = "400";
    for (int i = 0; i < 23; ++i) day.append(",100");
    const Run run =
        run_program(std::string("plan --model mixtral-8x7b --gpu h100 --instance-gpus 2 --isl 2000 --osl 300 "
                                "--slo-tpot 40ms --format json --api-price-in 0.5 --api-price-out 1.5 --day ")
                        .append(day));
    REQUIRE(run.status == 0);
    const Document document = parse_document(run.out, "plan.json");
    const Reader r(document);
    const Reader d = r.table("day");
    const double requests = (400 + 23 * 100) * 3600.0;
    CHECK(d.number("input_tokens_per_day", {0, 1e15}) == Approx(requests * 2000));
    CHECK(d.number("api_usd_per_day", {0, 1e15}) == Approx(requests * (2000 * 0.5 + 300 * 1.5) / 1e6));
    const double fixed = d.number("fixed_usd_per_day", {0, 1e15});
    const double scaled = d.number("scaled_usd_per_day", {0, 1e15});
    CHECK(scaled < fixed);
    CHECK(scaled > fixed / 4);
    CHECK(fixed ==
          Approx(24 * r.table("answer").table("estimate").table("cost").number("usd_per_hour", {0, 1e15})));
}

TEST_CASE("rejected candidates and the frontier are files of CSV") {
    const ScratchFolder scratch;
    const std::string rejected = (scratch.path / "rejected.csv").string();
    const std::string frontier = (scratch.path / "frontier.csv").string();
    const Run run =
        plan_run(std::string("--quiet --rejected ").append(rejected).append(" --frontier ").append(frontier));
    REQUIRE(run.status == 0);
    CHECK(contains(read_file(rejected), "all_to_all,reason,detail\n"));
    CHECK(contains(read_file(rejected), "engine rule: "));
    CHECK(read_file(frontier).starts_with("gpu,engine,weights,kv,chunk,"));
}
