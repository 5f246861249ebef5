// SPDX-License-Identifier: Apache-2.0
// What was once taken in silence, or answered beside the question: each is refused, named or said in the first lines.
#include <doctest/doctest.h>

#include <string>

#include "moecost/base/value.h"
#include "program.h"

using namespace moecost;

namespace {

const std::string mixtral("estimate --model mixtral-8x7b --gpu h100 --tp 2 ");

Document json_of(const std::string& arguments) {
    const Run run = run_program(arguments + " --format json --quiet");
    CAPTURE(run.err);
    REQUIRE(run.status == 0);
    return parse_json(run.out, "stdout");
}

bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

}   // namespace

TEST_CASE("what can not be meant is refused") {
    CHECK(run_program("law hoffmann2022 --budget 1e23 --unique-tokens 1e10").status == 2);
    CHECK(run_program("law hoffmann2022 --loss 2.2 --served-tokens 1e12 --unique-tokens 1e9").status == 2);
    CHECK(
        run_program("design --budget 1e21 --equal-to 1 --train-gpu a100_sxm_80 --train-format fp8").status ==
        2);
    // Five turns of 1,024 tokens of answer: the mean prompt holds two answers at least.
    CHECK(run_program(mixtral + "--turns 5 --isl 2048 --osl 1024").status == 3);
    CHECK(run_program(mixtral + "--turns 5 --isl 2100 --osl 1024").status == 0);
}

TEST_CASE("an answer in JSON repeats what was asked, and its command how it was answered") {
    const Document edited = json_of(mixtral + "--set experts=4 --set top_k=1");
    const Reader inputs = Reader(edited).tables("estimates")[0].table("inputs");
    CHECK(inputs.table("set").text("experts") == "4");
    CHECK(!inputs.table("ignore_key").has("experts"));
    const Document simulated = json_of(mixtral + "--rate 1 --simulate --requests 500 --seed 7");
    CHECK(
        says(Reader(simulated).tables("estimates")[0].text("command"), "--simulate --requests 500 --seed 7"));
}

TEST_CASE("what an engine takes out again counts against its capacity") {
    // The event simulation serves 5.7 requests/s of 1,024 tokens in and out on two H100, where memory alone would carry 6.5.
    const Run over = run_program(mixtral + "--rate 6.2 --quiet");
    CHECK(over.status == 3);
    CHECK(says(over.out + over.err, "the offered load exceeds the capacity"));
    CHECK(!says(run_program(mixtral + "--rate 4 --simulate --quiet").out, "overloaded"));
}

TEST_CASE("a plan says in its first lines which prices it compares and what it leaves out") {
    const std::string asked(
        "plan --model deepseek-r1 --rate 20 --isl 3000 --osl 800 --slo-tpot 40ms --quiet --gpu ");
    CHECK(says(run_program(asked + "b200,mi355x --pools one").out,
               "prices: neocloud reserved (rented for years)"));
    CHECK(!says(run_program(asked + "b200 --pools one").out, "rented for years"));
    // Two pools are sized for a demanded chance as one is.
    const Run chance = run_program(asked + "b200 --chance 60%");
    CHECK(says(chance.out, "chance to meet: "));
    CHECK(says(chance.out, "(60 % demanded)"));
}

TEST_CASE("an accelerator whose servers were measured with the model is not sized as one that nobody knows") {
    const Run run = run_program(
        "plan --model deepseek-r1 --rate 5 --isl 1000 --osl 1000 --slo-tpot 50ms --gpu mi355x --engine "
        "sglang "
        "--pools one --quiet");
    CHECK(run.status == 0);
    CHECK(!says(run.out, "mi355x*"));
}

TEST_CASE("a repository that is named is the checkpoint that launch serves") {
    for (const char* name : {"openai/gpt-oss-20b", "deepseek-ai/DeepSeek-R1-0528", "zai-org/GLM-4.6"}) {
        CAPTURE(name);
        const Run run = run_program(std::string("launch --gpu h200 --gpus 8 --model ").append(name));
        CHECK(run.status == 0);
        CHECK(run.out.find(std::string("vllm serve ").append(name)) != std::string::npos);
    }
}

TEST_CASE("the load that launch prints has the lengths that the answer has") {
    const std::string rest =
        "launch --model deepseek-r1 --gpu h200 --tp 8 --concurrency 64 --isl 3600 --osl 450";
    const Run spread = run_program(rest + " --engine sglang");
    CHECK(spread.out.find("--random-input-len 4000 --random-output-len 500 --random-range-ratio 0.8") !=
          std::string::npos);
    const Run equal = run_program(rest + " --engine sglang --equal-lengths");
    CHECK(equal.out.find("--random-input-len 3600 --random-output-len 450 --random-range-ratio 1") !=
          std::string::npos);
    CHECK(run_program(rest + " --engine vllm").out.find("--random-range-ratio 0.111") != std::string::npos);
}

TEST_CASE("a release that nothing is known of says so, and an objective of seconds a token too") {
    const Run run =
        run_program("estimate --model deepseek-r1 --gpu h200 --tp 8 --release nosuch --slo-tpot 50");
    CHECK(run.out.find("release nosuch was not measured here") != std::string::npos);
    CHECK(run.out.find("taken in seconds: 50ms is milliseconds") != std::string::npos);
}

TEST_CASE("sequences that do not run at once are refused with how many do") {
    const Run run = run_program("estimate --model gpt-oss-120b --gpu h100 --decode-only 5000");
    CHECK(run.status == 3);
    CHECK(says(run.err, "more sequences than run at once"));
    CHECK(says(run.err, "5000"));
}

TEST_CASE("columns that differ in load, engine or model do not stand under the heading of one of them") {
    const std::string asked("estimate --gpu h100 --quiet --model qwen3-30b-a3b");
    const Run loads = run_program(asked + " --concurrency 4,8");
    CHECK(says(loads.out, "each column its own load"));
    CHECK(!says(loads.out, "4 requests in flight"));
    const Run engines = run_program(asked + " --engine vllm,sglang --concurrency 8");
    CHECK(says(engines.out, "each column its own engine"));
    CHECK(says(engines.out, "8 requests in flight"));
    CHECK(says(run_program(asked + ",gpt-oss-120b --concurrency 8").out, "each column its own model"));
}

TEST_CASE("a trace through two pools is served whole, not one part in as many as there are decode workers") {
    const Run run = run_program(
        "estimate --model qwen3-30b-a3b --gpu h100 --prefill-gpus 2 --decode-gpus 2 "
        "--tp 1 --trace data/trace.csv --quiet");
    CHECK(run.status == 0);
    CHECK(says(run.out, "simulated: 60 requests;"));
}
