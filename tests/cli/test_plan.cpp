// SPDX-License-Identifier: Apache-2.0
// moecost plan as a user meets it: the answer, its price basis, its exit status, and the command that reproduces it.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

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
    // The slow end of the interval that estimate prints for it.
    const Run alone = run_program(
        "estimate --model mixtral-8x7b --gpu mi300x --tp 2 --isl 2000 --osl 300 --rate 1 --format json");
    REQUIRE(alone.status == 0);
    CHECK(contains(run.out, "* nobody timed these kernels: sized and ranked at the slow end"));
    CHECK(contains(run.out, "mi300x 1."));
}

TEST_CASE("formats whose kernels nobody timed are sized as slower ones and say so") {
    const std::string question(
        "plan --model mixtral-8x7b --gpu h100 --instance-gpus 1,2 --rate 12 --isl 1000 --osl 200 --pools "
        "one ");
    const Run borrowed = run_program(question + "--weights q4_k_m");
    REQUIRE(borrowed.status == 0);
    CHECK(contains(borrowed.out, "h100_sxm*"));
    CHECK(contains(borrowed.out, "h100_sxm with q4_k_m"));
    CHECK(!contains(run_program(question + "--weights fp8").out, "h100_sxm*"));
    // 3.4 times the bytes of q4_k_m fit one GPU as fp8 alone, and what was timed wins what was not.
    CHECK(contains(run_program(question + "--weights fp8,q4_k_m").out, "formats               fp8,"));
}

namespace {

/// The same question with some options replaced; the hints of a plan are such options.
std::string asked_again(std::string question, const std::string& options) {
    std::istringstream words(options);
    for (std::string word; words >> word;) {
        const std::size_t at = word.starts_with("--") ? question.find(word + " ") : std::string::npos;
        if (at == std::string::npos) continue;
        const std::size_t value = question.find(' ', at) + 1;
        question.erase(at, std::min(question.find(' ', value), question.size() - 1) + 1 - at);
    }
    return question.append(options).append(" ");
}

}   // namespace

TEST_CASE(
    "a question without an answer names the nearest deployment, its shortfall and options that have one") {
    struct Case {
        const char *question, *shortfall, *key;
    };
    for (const Case& c : {
             Case{"--gpu h100 --rate 400 --slo-tpot 30ms --max-gpus 2 ", "short by", "gpus"},
             Case{"--gpu h100 --rate 20 --slo-tpot 30ms --max-usd-per-hour 5 ", "short by", "usd_per_hour"},
             Case{"--gpu h100 --rate 20 --slo-ttft p95:10ms ", "times the 10.0 ms allowed", "ttft_s"},
             Case{"--gpu h100 --rate 20 --slo-tpot p99:1ms ", "times the 1.00 ms allowed", "tpot_s"},
             Case{"--gpu h100 --rate 1 --slo-tpot 10us --max-gpus 8 ", "times the 10.0 us allowed", "tpot_s"},
             Case{"--gpu h100 --concurrency 3000 --slo-tpot 20ms --max-gpus 4 ", "the budget carries",
                  "gpus"},
             Case{"--gpu h100 --rate 20 --slo-ttft p95:300ms --objective energy --max-gpus 1 ", "short by",
                  "gpus"},
             Case{"--gpu h100,mi300x --rate 50 --slo-tpot p99:2ms --chance 90% ", "short by", "tpot_s"},
         }) {
        const std::string question =
            std::string("plan --model mixtral-8x7b --instance-gpus 1,2,4,8 --isl 1000 --osl 200 --quiet ") +
            c.question;
        CAPTURE(question);
        const Run run = run_program(question);
        CHECK(run.status == 3);
        CHECK(contains(run.out, "the nearest:"));
        CHECK(contains(run.out, c.shortfall));
        CHECK(contains(run.err, "the nearest is "));
        const std::string json = run_program(question + "--format json").out;
        const Document document = parse_document(json, "plan.json");
        const Reader r(document);
        CHECK_FALSE(r.flag("feasible"));
        CHECK(r.table("shortfall").number(c.key, {0, 1e9}) > 0);
        const std::string hint = r.text("hint");
        REQUIRE(contains(run.err, "hint: "));
        for (std::size_t at = 0; at < hint.size();) {
            const std::size_t end = std::min(hint.find(", or ", at), hint.size());
            const std::string again = asked_again(question, hint.substr(at, end - at));
            CHECK_MESSAGE(run_program(again).status == 0, again);
            at = end + 5;
        }
    }
}

TEST_CASE("a budget below one instance names the smallest with its price") {
    const std::string question("plan --model deepseek-v3 --gpu h200 --rate 20 --isl 1000 --osl 200 --quiet ");
    for (const char* budget : {"--max-gpus 4", "--max-usd-per-hour 3"}) {
        const Run run = run_program(question + budget);
        CHECK(run.status == 3);
        CHECK(contains(run.out,
                       "smallest instance     8 x h200_sxm = 1 x ("));   // 671 GB in fp8 over 141 GB each
        CHECK(contains(run.out, "$36.72 per hour"));                     // 8 x $4.59
    }
}

TEST_CASE("where no deployment runs, the reason and what would let one run stand there") {
    const Run large = run_program("plan --model deepseek-v3 --gpu l4 --instance-gpus 1 --rate 1 --quiet");
    CHECK(large.status == 3);
    CHECK(contains(large.err, "the weights do not fit"));
    const Run few = run_program(
        "plan --model deepseek-r1 --gpu h100 --instance-gpus 1,2 --rate 1 --isl 500 --osl 100 --quiet");
    CHECK(contains(few.err, "hint: --instance-gpus 16 has an answer"));
    const Run fixed =
        run_program("plan --model deepseek-r1 --gpu h100 --tp 2 --pp 1 --attention-dp 1 --rate 1 --quiet");
    CHECK(contains(fixed.err, "hint: leaving out --tp, --pp, --attention-dp lets one run"));
    const Run priceless =
        run_program("plan --model mixtral-8x7b --gpu rubin --rate 5 --isl 500 --osl 100 --quiet");
    CHECK(priceless.status == 3);
    CHECK(contains(priceless.out, "No price of rubin is known; by the number of GPUs:"));
    CHECK(contains(priceless.err, "hint: --price rubin=USD states one, or --objective gpus"));
    const Run enormous = run_program(
        "plan --model mixtral-8x7b --gpu h100 --instance-gpus 2 --rate 1e7 --isl 500 --osl 100 --quiet");
    CHECK(contains(enormous.err, "it takes more than the 65,536 GPUs that are searched"));
    CHECK(contains(enormous.err, "hint: --rate "));
}

TEST_CASE("an engine that does not run on an accelerator is refused as such") {
    for (const char* pair :
         {"--gpu trainium2 --engine sglang", "--gpu mi300x --engine trtllm", "--gpu tpu_v6e --engine trtllm",
          "--gpu gaudi3 --engine trtllm", "--gpu v100 --engine sglang", "--gpu v100 --engine trtllm"}) {
        CAPTURE(pair);
        const std::string model("--model llama-3.1-8b ");
        const Run one = run_program("estimate " + model + pair);
        CHECK(one.status == 3);
        CHECK(contains(one.err, "the engine does not run on this accelerator"));
        CHECK(run_program("plan --rate 1 " + model + pair).status == 3);
    }
    CHECK(run_program("estimate --model llama-3.1-8b --gpu trainium2 --engine vllm").status == 0);
    CHECK(run_program("estimate --model llama-3.1-8b --gpu mi300x --engine sglang").status == 0);
}

TEST_CASE("the chance rests on the interval that estimate prints, with what lies beyond the fitted range") {
    const std::string question(
        "plan --model mixtral-8x7b --gpu h100 --instance-gpus 2 --tp 2 --rate 2 --isl 2000 --osl 200 --pools "
        "one "
        "--slo-tpot 40ms --format json ");
    for (const char* formats : {"", "--weights q4_k_m "}) {
        const Document document = parse_document(run_program(question + formats).out, "plan.json");
        const Reader answer = Reader(document).table("answer");
        const std::vector<double> range =
            answer.table("estimate").table("intervals").numbers("output_tokens_per_s", positive);
        REQUIRE(range.size() == 2);
        // P(ln y <= ln withstands) of a normal whose 10 % and 90 % quantiles are these, 2.5631 standard deviations apart.
        const double sd = std::log(range[1] / range[0]) / 2.5631031311;
        const double chance =
            0.5 * std::erfc(-std::log(answer.number("withstands_slower", positive)) / sd / std::sqrt(2.0));
        CHECK(answer.number("chance_to_meet", fraction) == Approx(chance).epsilon(0.002));
    }
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

TEST_CASE("two pools that cost less than the answer stand in the first lines") {
    const Run run = run_program(
        "plan --model mixtral-8x7b --gpu h100,h200,mi300x --rate 20 --isl 2000 --osl 300 "
        "--slo-ttft p95:500ms --slo-tpot 30ms");
    REQUIRE(run.status == 0);
    const bool cheaper = contains(run.out, "less than the one pool above");
    CHECK(cheaper == contains(run.out, "cheaper, prefill and decode apart (below)"));
}
