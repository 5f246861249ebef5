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
          "--concurrency 3 --api-price-in 1", "--rate 5 --weights fp9"}) {
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

TEST_CASE("a demanded chance is reached, and costs no less than the prediction alone") {
    const Document plain = parse_document(plan_run("--format json").out, "plan.json");
    const Run run = plan_run("--chance 90% --format json");
    REQUIRE(run.status == 0);
    const Document demanded = parse_document(run.out, "plan.json");
    const Reader a = Reader(demanded).table("answer");
    CHECK(a.number("chance_to_meet", fraction) >= 0.9);
    CHECK(Reader(plain).table("answer").number("chance_to_meet", fraction) < 0.9);
    const auto rent = [](const Document& d) {
        return Reader(d).table("answer").table("estimate").table("cost").number("usd_per_hour", positive);
    };
    CHECK(rent(demanded) >= rent(plain));
    CHECK(contains(plan_run("--chance 90%").out, "(90 % demanded)"));
    CHECK(plan_run("--chance 2").status == 2);
    // Two pools are sized for it as one is.
    const Run apart = plan_run("--chance 90% --pools two --format json");
    REQUIRE(apart.status == 0);
    CHECK(Reader(parse_document(apart.out, "plan.json"))
              .table("two_pools")
              .number("chance_to_meet", fraction) >= 0.9);
    CHECK(!contains(plan_run("").out, "are not searched"));
}

TEST_CASE("times of rivals say what they are of") { CHECK(contains(plan_run("").out, "p95 TTFT")); }

TEST_CASE("a day comes from a file of numbers or a trace, and an API is compared at a rate too") {
    const ScratchFolder scratch;
    const std::string numbers = (scratch.path / "day.txt").string();
    std::string day;
    for (int h = 0; h < 24; ++h) day.append(std::to_string(1 + h % 3)).append("\n");
    write_file(numbers, day);
    const std::string model = "plan --model mixtral-8x7b --gpu h100 --instance-gpus 2 --isl 500 --osl 200 ";
    const Run file = run_program(model + "--day " + numbers);
    CHECK(file.status == 0);
    CHECK(contains(file.out, "hour by hour"));
    // Two requests a minute for a day.
    std::string trace = "timestamp,input_length,output_length\n";
    for (int s = 0; s < 86400; s += 60) {
        for (int i = 0; i < 2; ++i) trace.append(std::to_string(s)).append(",500,200\n");
    }
    const std::string traced = (scratch.path / "trace.csv").string();
    write_file(traced, trace);
    const Run from_trace = run_program(model + "--format json --day " + traced);
    REQUIRE(from_trace.status == 0);
    const Document d = parse_document(from_trace.out, "plan.json");
    // 2 requests a minute of 500 prompt tokens: 1,440,000 a day
    CHECK(Reader(d).table("day").number("input_tokens_per_day", positive) == Approx(1.44e6).epsilon(2e-3));
    write_file(traced, "timestamp,input_length,output_length\n0,500,200\n3600,500,200\n");
    CHECK(run_program(model + "--day " + traced).status == 2);
    const Run api = run_program(model + "--rate 2 --api-price-in 0.2 --api-price-out 0.6");
    CHECK(api.status == 0);
    CHECK(contains(api.out, "breaks even at"));
}

TEST_CASE("a plan can end with the commands that start it") {
    const Run run = plan_run("--launch");
    CHECK(run.status == 0);
    CHECK(contains(run.out, "vllm serve mistralai/Mixtral-8x7B"));
    CHECK(contains(run.out, "vllm bench serve"));
    CHECK(contains(plan_run("--launch --as kubernetes").out, "kind: Deployment"));
}
