// SPDX-License-Identifier: Apache-2.0
// moecost design as a user meets it: schema, a deployment that estimate reproduces, threads, and what it refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "moecost/base/value.h"
#include "program.h"

using namespace moecost;

namespace {

const std::string small(
    "design --budget 1e22 --equal-to 1 --gpu h100_sxm,b200_sxm --gpus 1,2 --experts 1,8 --sizes 0.5B..8B "
    "--size-points 4 --concurrency 32,256 --isl 2000 --osl 500 --weights fp8 ");

Document json_of(const std::string& arguments) {
    const Run run = run_program(std::string(arguments).append(" --format json --quiet"));
    CAPTURE(run.err);
    REQUIRE(run.status == 0);
    CHECK(run.err.empty());
    return parse_json(run.out, "stdout");
}

struct Refusal {
    std::string arguments;
    int status;
    std::string message;
};

const Refusal refusals[] = {
    {"", 2, "--max-loss: no loss is asked for"},
    {"--max-loss 2", 2, "--budget: without a training budget the smallest model"},
    {"--equal-to 1", 2, "--budget: the loss-optimal model of so many experts needs a training budget"},
    {"--objective loss", 2, "--budget: without a training budget the loss has no least value"},
    {"--objective lifetime --max-loss 2", 2, "--served-tokens: the lifetime needs the tokens"},
    {"--objective cheap --max-loss 2", 2, "--objective: 'cheap' is not one of them"},
    {"--budget 1e22 --equal-to 1 --max-loss 2", 2, "--equal-to: two losses are asked for"},
    {"--budget 1e22 --max-loss 2 --target-loss 2", 2, "--target-loss: is --max-loss by another name"},
    {"--budget abc --equal-to 1", 2, "--budget: 'abc' is not a number"},
    {"--budget 0 --equal-to 1", 2, "--budget: '0' is not a number"},
    {"--budget 1e22 --equal-to 0", 2, "--equal-to: '0' is not a number in 1.."},
    {"--budget 1e22 --equal-to 1 --experts 0,1", 2, "--experts: '0' is not a number in 1.."},
    {"--budget 1e22 --equal-to 1 --experts 8..2", 2, "--experts: '2' is not a number in 8.."},
    {"--budget 1e22 --equal-to 1 --experts 1.5", 2, "--experts: '1.5' is not a whole number"},
    {"--budget 1e22 --equal-to 1 --granularity 8", 2, "--granularity: would be free in loss"},
    {"--budget 1e22 --equal-to 1 --top-k 2", 2, "--top-k: would be free in loss"},
    {"--budget 1e22 --equal-to 1 --shared-experts 1", 2, "--shared-experts: would be free in loss"},
    {"--budget 1e22 --equal-to 1 --granularity 8 --bridge tian2025", 2,
     "--granularity: the family has no such members"},
    {"--budget 1e22 --equal-to 1 --bridge hoffmann2022", 2, "--law: the bridge is no efficiency leverage"},
    {"--budget 1e22 --equal-to 1 --law clark2022", 2, "--law: the law does not hold training tokens"},
    {"--budget 1e22 --equal-to 1 --law hoffmann2022 --experts 1,8", 2, "--experts: would be free in loss"},
    {"--budget 1e22 --equal-to 1 --law krajewski2024 --family qwen-like", 2,
     "--equal-to: the law holds for E = 64"},
    {"--budget 1e22 --equal-to 1 --law hofmann2022", 2, "no loss law is named 'hofmann2022'"},
    {"--budget 1e22 --equal-to 1 --family joint", 2, "no family is named 'joint'"},
    {"--budget 1e22 --equal-to 1 --sizes 8B..1B", 2, "--sizes: '8B..1B' goes down"},
    {"--budget 1e22 --equal-to 1 --sizes x", 2, "--sizes: 'x' is not a number of parameters"},
    {"--budget 1e22 --equal-to 1 --gpu h10", 2, "'h10'"},
    {"--budget 1e22 --equal-to 1 --gpu h100 --cluster hgx_h100", 2,
     "--gpu: --cluster names the machine already"},
    {"--budget 1e22 --equal-to 1 --concurrency 8 --offline", 2, "--concurrency: another load is given"},
    {"--budget 1e22 --equal-to 1 --prefill-only", 2, "--cost-of: nothing is output"},
    {"--budget 1e22 --equal-to 1 --cost-of input", 2, "--cost-of: 'input' is not one of them"},
    {"--budget 1e22 --equal-to 1 --train-mfu 2", 2, "--train-mfu: '2' is not a number"},
    {"--budget 1e22 --equal-to 1 --threads 0", 2, "--threads: '0' is not a number in 1..1024"},
    {"--budget 1e22 --equal-to 1 --model mixtral-8x7b", 2, "--model: unknown option"},
    {"--budget 1e22 --equal-to 1 extra", 2, "extra: is not an option"},
    {"--budget 1e6 --equal-to 1 --sizes 1B --experts 1 --gpu h100 --gpus 1", 3,
     "less than one token per parameter"},
    {"--budget 1e22 --max-loss 1.3 --sizes 1B --experts 1 --gpu h100 --gpus 1", 3,
     "no model reaches the loss"},
    {"--budget 2e20 --max-loss 2.3 --sizes 4B --experts 1 --gpu h100 --gpus 1", 3,
     "within the training budget"},
    {"--budget 1e22 --max-loss 2.3 --sizes 4B --experts 1 --gpu h100 --gpus 1 --max-cost 1e-6", 3,
     "no model can be served at this price"},
    {"--budget 1e22 --max-loss 2.3 --sizes 4B --experts 1 --gpu h100 --gpus 1 --slo-tpot 1us", 3,
     "no deployment of any model meets the objective"},
    {"--budget 1e24 --max-loss 2.3 --sizes 100B --experts 1 --gpu h100 --gpus 1", 3,
     "the weights do not fit"},
};

}   // namespace

TEST_CASE("a design in JSON carries schema, inputs, winner, frontier, what binds, and what was evaluated") {
    const Document document = json_of(small);
    const Reader r(document);
    CHECK(r.text("schema") == "moecost.design/1");
    for (const char* key : {"inputs", "winner", "base", "by_experts", "by_accelerator", "frontier",
                            "evaluated", "binding", "edges", "notes"})
        CHECK(r.has(key));
    CHECK(r.table("certainty").number("samples", positive) == 200);
    CHECK(r.tables("iso_loss").size() > 3);
    CHECK(r.table("dense_at_20").number("experts", positive) == 1);
    CHECK(r.table("inputs").text("law") == "ludziejewski2025");
    CHECK(r.table("evaluated").number("points", positive) > 100);
    CHECK(r.tables("frontier").size() > 3);
    CHECK(r.tables("by_experts").size() == 2);
    for (const Reader& b : r.tables("binding")) CHECK(b.number("gain", fraction) >= 0);
    const Reader w = r.table("winner");
    CHECK(w.number("loss", positive) <= r.number("max_loss", positive));
    CHECK(w.number("training_flop", positive) <= 1e22 * (1 + 1e-9));
}

TEST_CASE("the line that a design gives reproduces throughput and price") {
    const Document document = json_of(small);
    for (const Reader& p : Reader(document).tables("by_experts")) {
        const std::string line = p.text("estimate");
        REQUIRE(line.starts_with("moecost estimate "));
        const Document estimate = json_of(line.substr(8));
        const Reader e = Reader(estimate).tables("estimates").front();
        const double output = e.table("serving").number("output_tokens_per_s", positive);
        CHECK(output == p.number("output_tokens_per_s", positive));
        CHECK(e.table("serving").number("tpot_s", positive) == p.number("tpot_s", positive));
        const Reader inputs = e.table("inputs");
        const double rent = inputs.number("price", positive) * p.table("layout").number("gpus", positive);
        CHECK(rent / (3600 * output) * 1e6 ==
              doctest::Approx(p.number("usd_per_mtok", positive)).epsilon(1e-12));
    }
}

TEST_CASE("a loss of quantisation buys the same model as a target lower by it") {
    const std::string question(
        "design --budget 3e21 --gpu h100_sxm --gpus 1,2 --experts 1,8 --sizes 0.5B..8B --size-points 6 "
        "--weights fp8 ");
    const Document lower = json_of(question + "--target-loss 2.25");
    const Document quantised = json_of(question + "--target-loss 2.3 --quantisation-loss 0.05");
    const Document free = json_of(question + "--target-loss 2.3");
    const Reader a = Reader(lower).table("winner");
    const Reader b = Reader(quantised).table("winner");
    CHECK(b.number("size", positive) == a.number("size", positive));
    CHECK(b.number("tokens", positive) == doctest::Approx(a.number("tokens", positive)).epsilon(1e-9));
    CHECK(b.number("loss", positive) == doctest::Approx(2.3).epsilon(1e-12));
    CHECK(b.number("usd_per_mtok", positive) > Reader(free).table("winner").number("usd_per_mtok", positive));
}

TEST_CASE("the cache has one format on every accelerator, and bounds on tokens hold without being asked") {
    const Document document = json_of(
        "design --budget 1e22 --equal-to 1 --gpu h100_sxm,b200_sxm --gpus 1,2 --experts 1,8 "
        "--sizes 0.5B..8B --size-points 4 --refine 1");
    const Reader r(document);
    CHECK(r.table("inputs").text("kv") == "bf16");
    CHECK(r.table("inputs").number("max_tokens", positive) == 3e13);
    CHECK(r.table("inputs").number("max_tokens_per_parameter", positive) ==
          400);   // the Joint MoE law's own limit
    for (const Reader& p : r.tables("by_accelerator"))
        CHECK(p.text("estimate").find("--kv bf16") != std::string::npos);
    const Document free = json_of(
        "design --budget 1e22 --equal-to 1 --gpu h100_sxm --gpus 1 --experts 1,8 --sizes 0.5B..8B "
        "--size-points 4 --refine 1 --max-tokens unlimited --max-tokens-per-parameter unlimited");
    CHECK_FALSE(Reader(free).table("inputs").has("max_tokens"));
}

TEST_CASE("several laws in one run: each law's winner, and the safest design") {
    const Document document = json_of(
        "design --budget 1e21 --equal-to 1 --laws ludziejewski2025,besiroglu2024 --gpu b200_sxm --gpus 1,2 "
        "--experts "
        "1,8,32 --size-points 6 --refine 1 --bootstrap 10");
    const Reader r(document);
    CHECK(r.text("schema") == "moecost.design-laws/1");
    CHECK(r.tables("designs").size() == 3);
    for (const Reader& d : r.tables("designs")) CHECK(d.tables("under").size() == 2);
}

TEST_CASE("a design does not depend on the number of threads") {
    for (const char* format : {" --format json", " --format csv --all", ""}) {
        const std::string arguments = std::string(small).append(format);
        CHECK(run_program(arguments + " --threads 1").out == run_program(arguments + " --threads 3").out);
    }
}

TEST_CASE("what a design can not answer is refused by name, or infeasible with the shortfall") {
    for (const Refusal& refusal : refusals) {
        const Run run = run_program(std::string("design ").append(refusal.arguments));
        CAPTURE(refusal.arguments);
        CAPTURE(run.err);
        CHECK(run.status == refusal.status);
        CHECK(run.out.empty());
        CHECK(run.err.find(refusal.message) != std::string::npos);
    }
}

TEST_CASE("E beyond the runs of the law is extrapolated") {
    const Document document = json_of(
        "design --budget 1e20 --equal-to 1 --gpu h100_sxm --gpus 1 --experts 1,64 --sizes 0.1B,0.3B "
        "--concurrency 64");
    for (const Reader& p : Reader(document).tables("by_experts")) {
        const bool beyond = p.text("extrapolated").find('E') != std::string::npos;
        CHECK(beyond == (p.number("experts", positive) == 64));
    }
}

TEST_CASE("a design fits the page") {
    for (const char* goal :
         {"--equal-to 1", "--objective loss --max-cost 1", "--max-loss 2.2 --served-tokens 1e13"}) {
        std::string arguments(small);
        arguments.replace(arguments.find("--equal-to 1"), 12, goal);
        const Run run = run_program(arguments);
        CAPTURE(run.err);
        REQUIRE(run.status == 0);
        std::size_t column = 0;
        std::size_t longest = 0;
        for (const char c : run.out) {
            column = c == '\n' ? 0 : column + 1;
            longest = std::max(longest, column);
        }
        CHECK(longest <= 100);
    }
}

TEST_CASE("what memory refuses in bf16 is answered with the format that would fit") {
    const Run run = run_program("design --budget 1e23 --equal-to 1 --gpu h100_sxm --gpus 1 --quiet");
    CHECK(run.status == 3);
    CHECK(run.err.find("--weights fp8: $") != std::string::npos);
    const Run narrow =
        run_program("design --budget 1e23 --equal-to 1 --gpu h100_sxm --gpus 1 --quiet --weights fp8");
    CHECK(narrow.status == 0);
    CHECK(run_program("design --max-loss 1.3 --served-tokens 1e12").err.find("--weights") ==
          std::string::npos);
}

TEST_CASE("an accelerator that nobody calibrated is named in the first lines") {
    const std::string question("design --budget 1e22 --equal-to 1 --quiet --gpu ");
    const std::string borrowed = run_program(question + "mi300x,h100_sxm").out;
    CHECK(borrowed.find("not calibrated: mi300x (speed of ") < borrowed.find("model "));
    CHECK(run_program(question + "h100_sxm").out.find("not calibrated") == std::string::npos);
}

TEST_CASE("designs compare accelerators at rents of one kind, training included") {
    // MI355X is known reserved alone: three-year rents of both, not the $3.99 on demand of H100 beside them.
    const Run run = run_program("design --budget 1e22 --equal-to 1 --gpu h100,mi355x");
    REQUIRE(run.status == 0);
    CHECK(run.out.find("prices of one kind, neocloud_reserved") != std::string::npos);
    CHECK(run.out.find("on demand") == std::string::npos);
    CHECK(run.out.find("--price neocloud_reserved") != std::string::npos);
}

TEST_CASE("an accelerator without a price is refused, not designed for at nothing a token") {
    const Run run = run_program("design --budget 1e22 --equal-to 1 --gpu h100,rubin");
    CHECK(run.status == 2);
    CHECK(run.err.find("--price: no price of rubin is known") != std::string::npos);
    CHECK(run.err.find("--price rubin=USD") != std::string::npos);
}

TEST_CASE("a price that the search reaches is not refused as out of reach") {
    const std::string question(
        "design --budget 1e22 --equal-to 1 --gpu h100_sxm --experts 1,8,32 --format json");
    const Run free = run_program(question);
    REQUIRE(free.status == 0);
    const Document answer = parse_json(free.out, "stdout");
    const double least = Reader(answer).table("winner").number("usd_per_mtok", positive);
    const Run held = run_program(question + " --max-cost " + std::to_string(least * 1.001));
    CHECK(held.status == 0);
}
