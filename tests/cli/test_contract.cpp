// SPDX-License-Identifier: Apache-2.0
// The contract of the program: schemas, streams, exit statuses, files, determinism.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "moecost/base/format.h"
#include "moecost/base/value.h"
#include "program.h"

using namespace moecost;

namespace {

const std::string mixtral("estimate --model mixtral-8x7b --gpu h100_sxm --tp 2 --isl 1024 --osl 256 ");

Document json_of(const std::string& arguments) {
    const Run run = run_program(std::string(arguments).append(" --format json"));
    CAPTURE(run.err);
    REQUIRE(run.status == 0);
    return parse_json(run.out, "stdout");
}

/// The one answer of a document.
Reader only_estimate(const Document& document) {
    const auto estimates = Reader(document).tables("estimates");
    REQUIRE(estimates.size() == 1);
    return estimates.front();
}

std::size_t longest_line(const std::string& text) {
    std::istringstream in(text);
    std::size_t longest = 0;
    for (std::string line; std::getline(in, line);) longest = std::max(longest, line.size());
    return longest;
}

}   // namespace

TEST_CASE("an estimate in JSON carries schema, inputs and every figure") {
    const Document document = json_of(mixtral + "--concurrency 32");
    CHECK(Reader(document).text("schema") == "moecost.estimate/2");
    const Reader r = only_estimate(document);
    for (const char* key : {"inputs", "model", "formats", "price", "deployment", "serving", "memory", "cost",
                            "intervals", "steps", "trust"})
        CHECK(r.has(key));
    CHECK(r.table("inputs").text("model") == "mixtral-8x7b");
    CHECK(r.table("inputs").number("tp", positive) == 2);
    CHECK(r.table("inputs").text("expert_weights") == "bf16");
    CHECK(r.table("inputs").number("concurrency", positive) == 32);
    CHECK_FALSE(r.table("inputs").has("rate"));
    CHECK(r.table("price").text("date").size() == 10);
    const Reader serving = r.table("serving");
    const double output = serving.number("output_tokens_per_s", positive);
    CHECK(serving.number("output_tokens_per_s_per_gpu", positive) == doctest::Approx(output / 2));
    CHECK(serving.number("tokens_per_s_per_user", positive) * serving.number("tpot_s", positive) ==
          doctest::Approx(1));
    CHECK(serving.number("requests_per_s", positive) * 256 == doctest::Approx(output));
    const double e2e = serving.number("ttft_s", positive) + 255 * serving.number("tpot_s", positive);
    CHECK(serving.number("e2e_s", positive) == doctest::Approx(e2e));
    CHECK(serving.number("running", positive) == 32);
    CHECK(serving.number("max_concurrency", positive) > 32);
    CHECK(r.table("cost").number("usd_per_mtok_output", positive) > 0);
    CHECK(r.table("trust").text("provenance") != "");
}

TEST_CASE("the command of a JSON answer gives the same answer again") {
    const Document one = json_of(
        mixtral + "--rate 2 --cached 25% --slo-ttft 2s --set experts=4 --draft-tokens 1 --acceptance 0.8");
    const std::string command = only_estimate(one).text("command");
    REQUIRE(command.starts_with("moecost "));
    const Document two = json_of(command.substr(8));
    CHECK(only_estimate(two).text("command") == command);
    CHECK(only_estimate(one).table("serving").number("ttft_s", positive) ==
          only_estimate(two).table("serving").number("ttft_s", positive));
}

TEST_CASE("a load is that of the whole deployment, split evenly over its instances") {
    const Document one = json_of("estimate --model llama-3.1-8b --gpu h100 --concurrency 32");
    const Document four = json_of("estimate --model llama-3.1-8b --gpu h100 --replicas 4 --concurrency 128");
    const auto figure = [](const Document& d, const char* group, const char* key) {
        return only_estimate(d).table(group).number(key, positive);
    };
    CHECK(figure(four, "serving", "tpot_s") == figure(one, "serving", "tpot_s"));
    CHECK(figure(four, "serving", "output_tokens_per_s") ==
          doctest::Approx(4 * figure(one, "serving", "output_tokens_per_s")));
    CHECK(figure(four, "serving", "running") == doctest::Approx(128));
    CHECK(figure(four, "serving", "max_concurrency") ==
          doctest::Approx(4 * figure(one, "serving", "max_concurrency")));
    CHECK(figure(four, "deployment", "gpus") == 4);
    CHECK(figure(four, "cost", "usd_per_hour") == doctest::Approx(4 * figure(one, "cost", "usd_per_hour")));
    CHECK(figure(four, "cost", "usd_per_month") ==
          doctest::Approx(730 * figure(four, "cost", "usd_per_hour")));
    CHECK(figure(four, "cost", "usd_per_mtok_output") ==
          doctest::Approx(figure(one, "cost", "usd_per_mtok_output")));
}

TEST_CASE("GPUs beyond one instance are replicas, and GPUs without a layout the widest instances of a node") {
    const auto layout = [](const std::string& arguments) {
        const Document d = json_of("estimate --model deepseek-v3 --gpu h200 " + arguments);
        const Reader r = only_estimate(d);
        return std::pair(r.table("inputs").number("tp", positive),
                         r.table("deployment").number("instances", positive));
    };
    CHECK(layout("--gpus 16 --tp 8") == std::pair(8.0, 2.0));
    CHECK(layout("--gpus 16") == std::pair(8.0, 2.0));
    CHECK(layout("--gpus 24") == std::pair(8.0, 3.0));
    CHECK(layout("--gpus 16 --replicas 1") == std::pair(16.0, 1.0));
    const Run odd = run_program("estimate --model deepseek-v3 --gpu h200 --gpus 12 --tp 8");
    CHECK(odd.status == 3);
    CHECK(odd.err.find("hint: --gpus 8 or --gpus 16 would run") != std::string::npos);
}

TEST_CASE("a rate beyond the capacity names the instances that carry it") {
    const Run run =
        run_program("estimate --model deepseek-v3 --gpu h200 --tp 8 --isl 3000 --osl 800 --rate 20");
    CHECK(run.status == 3);
    const std::size_t at = run.err.find("hint: --replicas ");
    REQUIRE(at != std::string::npos);
    const std::string replicas = run.err.substr(at + 17, run.err.find(' ', at + 17) - at - 17);
    const std::string more(
        "estimate --model deepseek-v3 --gpu h200 --tp 8 --isl 3000 --osl 800 --rate 20 --replicas ");
    CHECK(run_program(more + replicas).status == 0);
    CHECK(run_program(more + std::to_string(std::stoi(replicas) - 1)).status == 3);
}

TEST_CASE("a missed objective is status 3 after the answer, met ones are 0") {
    const Run missed = run_program(mixtral + "--concurrency 32 --slo-tpot 1ms");
    CHECK(missed.status == 3);
    CHECK(missed.out.find("missed by") != std::string::npos);
    CHECK(missed.err.find("objective missed") != std::string::npos);
    CHECK(run_program(mixtral + "--concurrency 32 --slo-tpot 10s").status == 0);
}

TEST_CASE(
    "an impossible accelerator in a comparison is a column that says why, and its price may be unknown") {
    const Run run = run_program("estimate --model deepseek-v3 --gpu h200,a100 --tp 8 --weights fp8-block");
    CHECK(run.status == 0);
    CHECK(run.out.find("infeasible: deepseek-v3 on 8 x a100") != std::string::npos);
    const Document unpriced = json_of("estimate --model mixtral-8x7b --gpu h20 --tp 2");
    CHECK(only_estimate(unpriced).table("serving").number("output_tokens_per_s", positive) > 0);
    CHECK_FALSE(only_estimate(unpriced).table("cost").has("usd_per_mtok_output"));
}

TEST_CASE("values joined by commas are compared") {
    const Document document = json_of(mixtral + "--concurrency 1,2,4 --kv bf16,fp8");
    const auto estimates = Reader(document).tables("estimates");
    REQUIRE(estimates.size() == 6);
    CHECK(estimates[1].table("inputs").number("concurrency", positive) == 1);
    CHECK(estimates[1].table("inputs").text("kv") == "fp8");
    CHECK(estimates[5].table("inputs").number("concurrency", positive) == 4);
}

TEST_CASE("the words of engines are the same inputs") {
    const Run ours = run_program(mixtral + "--concurrency 32 --chunk 4096 --memory-fraction 0.8 --kv fp8");
    const Run theirs = run_program(
        "estimate --model mixtral-8x7b --gpu h100_sxm --tensor-parallel-size 2 --input-len 1024 "
        "--output-tokens 256 "
        "--max-concurrency 32 --max-num-batched-tokens 4096 --gpu-memory-utilization 80% --kv-cache-dtype "
        "fp8 "
        "--engine vLLM");
    CHECK(ours.status == 0);
    CHECK(ours.out == theirs.out);
}

TEST_CASE("the rent is what input and output tokens pay together") {
    const Document document = json_of(mixtral + "--concurrency 32 --price 2.5");
    const Reader r = only_estimate(document);
    const Reader cost = r.table("cost");
    const Reader serving = r.table("serving");
    const double paid =
        cost.number("usd_per_mtok_output", positive) * serving.number("output_tokens_per_s", positive) +
        cost.number("usd_per_mtok_input", positive) * serving.number("input_tokens_per_s", positive);
    CHECK(paid / 1e6 * 3600 == doctest::Approx(2 * 2.5));
}

TEST_CASE("classes of a step add up to the step, and no step beats its roofline") {
    const Document document = json_of(mixtral + "--concurrency 32");
    for (const char* which : {"decode", "prefill"}) {
        const Reader step = only_estimate(document).table("steps").table(which);
        const Reader classes = step.table("by_class");
        double sum = 0;
        for (const std::string& key : classes.keys()) sum += classes.number(key, non_negative);
        const double total = step.number("total_s", positive);
        CHECK(sum == doctest::Approx(total));
        CHECK(step.number("roofline_s", positive) <= total);
        bool experts = false;
        for (const Reader& op : step.tables("operations")) {
            if (op.has("distinct_experts")) experts = op.number("distinct_experts", {0, 8}) > 0;
        }
        CHECK(experts);
    }
}

TEST_CASE("several accelerators give one document") {
    const Document document = json_of("estimate --model mixtral-8x7b --gpu a100_sxm_80,h100_sxm --tp 2");
    const Reader r(document);
    CHECK(r.text("schema") == "moecost.estimate/2");
    const auto estimates = r.tables("estimates");
    REQUIRE(estimates.size() == 2);
    CHECK(estimates[0].table("inputs").text("gpu") == "a100_sxm_80");
    CHECK(estimates[1].table("serving").number("output_tokens_per_s", positive) >
          estimates[0].table("serving").number("output_tokens_per_s", positive));
}

TEST_CASE("CSV has one row for each accelerator, empty where it cannot run") {
    const Run run =
        run_program("estimate --model mixtral-8x7b --gpu a100_sxm_40,h100_sxm --tp 2 --format csv --quiet");
    CHECK(run.status == 0);
    CHECK(run.err.empty());
    const CsvTable table(run.out, "stdout");
    REQUIRE(table.rows() == 2);
    const std::size_t output = table.column("output_tokens_per_s");
    const std::size_t why = table.column("infeasible");
    CHECK_FALSE(table.number(0, output));
    CHECK(table.text(0, why).find("the weights do not fit") != std::string_view::npos);
    CHECK(table.number(1, output).value_or(0) > 0);
    CHECK(table.text(1, why).empty());
}

TEST_CASE("what cannot run is status 3, with the shortfall and a way out") {
    const Run run = run_program("estimate --model mixtral-8x7b --gpu a100_sxm_40 --tp 2");
    CHECK(run.status == 3);
    CHECK(run.out.empty());
    CHECK(
        run.err.starts_with("moecost: infeasible: mixtral-8x7b on 2 x a100_sxm_40: the weights do not fit"));
    CHECK(run.err.find("short by") != std::string::npos);
    CHECK(run.err.find("\nhint: --tp 4 would run\n") != std::string::npos);
    const Run rate = run_program(mixtral + "--rate 1000");
    CHECK(rate.status == 3);
    CHECK(rate.out.empty());
}

TEST_CASE("flags override the scenario file") {
    const Document plain = json_of("estimate --scenario data/scenario.toml --gpu h100");
    CHECK(only_estimate(plain).table("inputs").number("concurrency", positive) == 32);
    CHECK(only_estimate(plain).table("inputs").table("set").text("top_k") == "1");
    CHECK(only_estimate(plain).table("inputs").number("price", positive) == 2.5);
    const Document changed =
        json_of("estimate --scenario data/scenario.toml --gpu b200 --rate 2 --tp 1 --osl 100");
    const Reader inputs = only_estimate(changed).table("inputs");
    CHECK(inputs.number("rate", positive) == 2);
    CHECK_FALSE(inputs.has("concurrency"));
    CHECK(inputs.number("osl", positive) == 100);
    CHECK(inputs.number("isl", positive) == 1024);
    CHECK(inputs.text("gpu") == "b200_sxm");
}

TEST_CASE("an answer goes to a file whole, and stdout stays empty") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path / "answer.json").string();
    const Run run = run_program(mixtral + "--format json -o '" + file + "'");
    CHECK(run.status == 0);
    CHECK(run.out.empty());
    const Document document = parse_json(read_file(file), file);
    CHECK(Reader(document).text("schema") == "moecost.estimate/2");
    CHECK_FALSE(std::filesystem::exists(file + ".part"));
}

TEST_CASE("the same input gives the same bytes, in any locale") {
    const Run one = run_program(mixtral + "--verbose");
    const Run two = run_program(mixtral + "--verbose", "LC_ALL=de_DE.UTF-8");
    CHECK(one.status == 0);
    CHECK(one.out == two.out);
    CHECK(one.out.find('\x1b') == std::string::npos);
}

TEST_CASE("text fits 100 columns and has no trailing blanks") {
    for (const std::string arguments :
         {"--help", "estimate --help", "params --help", "list --help", "import --help", "list models",
          "list gpus", "fit --help",
          "params mixtral-8x7b deepseek-v3 kimi-k2 qwen3-next-80b-a3b gpt-oss-120b",
          "estimate --model mixtral-8x7b --gpu a100,h100,h200,b200,gb200 --tp 2 --verbose",
          "estimate --model deepseek-v4-pro --gpu b300 --tp 8 --verbose"}) {
        CAPTURE(arguments);
        const Run run = run_program(arguments);
        CHECK(run.status == 0);
        CHECK(longest_line(run.out) <= 100);
        CHECK(run.out.find(" \n") == std::string::npos);
    }
}

TEST_CASE("a model imported from its config counts like the config itself") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path / "tiny.toml").string();
    const Run run = run_program("import hf data/config.json --name tiny -o '" + file + "'");
    REQUIRE(run.status == 0);
    const Document ours = json_of("params '" + file + "'");
    const Document theirs = json_of("params data/config.json");
    CHECK(Reader(ours).number("total", positive) == Reader(theirs).number("total", positive));
    CHECK(Reader(ours).text("model") == "tiny");
    CHECK(run_program("estimate --model '" + file + "' --gpu h100").status == 0);
}

TEST_CASE("a data folder overrides what is built in") {
    const ScratchFolder scratch;
    scratch.write(
        "workloads/traffic/ours.toml",
        "name = \"ours\"\ninput_tokens = 300\noutput_tokens = 30\nsource = \"log\"\ndate = \"2026-01\"\n");
    const std::string folder = scratch.path.string();
    const Document document = json_of(mixtral + "--traffic ours --isl 400 --data-dir '" + folder + "'");
    const Reader inputs = only_estimate(document).table("inputs");
    CHECK(inputs.text("traffic") == "ours");
    CHECK(inputs.number("isl", positive) == 400);
}

TEST_CASE("predictions are compared with the published rows they are asked for") {
    const ScratchFolder scratch;
    const std::string rows = (scratch.path / "rows.csv").string();
    const Document document = json_of("validate --only engine=vllm --only max_gpus=2 --rows '" + rows + "'");
    const Reader r(document);
    CHECK(r.text("schema") == "moecost.validate/1");
    const double predicted = r.number("predicted", positive);
    CHECK(static_cast<double>(CsvTable(read_file(rows), rows).rows()) == predicted);
}

TEST_CASE(
    "a fitted law is written as TOML, read back by name of its file, and the same on any number of threads") {
    const ScratchFolder scratch;
    std::string csv("params,D,loss,kind\n");
    for (double n = 1e8; n < 1e10; n *= 2) {
        for (double d = 1e9; d < 1e11; d *= 2) {
            csv.append(shortest(n)).append(",").append(shortest(d)).append(",");
            csv.append(shortest(1.8 + 480 * std::pow(n, -0.35) + 2100 * std::pow(d, -0.37)))
                .append(",good\n");
        }
    }
    const std::string runs = scratch.write("runs.csv", csv.append("1e9,1e10,9,bad\n"));
    const std::string law = (scratch.path / "ours.toml").string();
    const std::string arguments =
        "fit '" + runs + "' --law chinchilla --column N=params --only kind=good --bootstrap 30 ";
    const Run run = run_program(arguments + "-o '" + law + "'");
    REQUIRE(run.status == 0);
    CHECK(run.err.find("RMSLE") != std::string::npos);
    const Document written = parse_toml(read_file(law), law);
    CHECK(Reader(written).table("coefficients").number("alpha", positive) ==
          doctest::Approx(0.35).epsilon(1e-3));
    const Document json = json_of(arguments + "--threads 1");
    CHECK(Reader(json).text("schema") == "moecost.fit/2");
    CHECK(Reader(json).number("rank", positive) == 5);
    CHECK(run_program(arguments + "--threads 1").out == run_program(arguments + "--threads 3").out);
}

TEST_CASE(
    "provenance does not flip on a hundredth of the load, and the answer tells the share beyond the fitted "
    "range") {
    const std::string question("estimate --model deepseek-v3 --gpu h200 --tp 8 --engine sglang ");
    for (const char* load :
         {"--isl 1000 --osl 1000 --concurrency ", "--isl 4000 --osl 1000 --concurrency "}) {
        std::vector<std::string> found;
        for (const char* size : {"63.36", "64", "64.64", "126.7", "128", "129.3"}) {
            const Document d = json_of(question + load + size);
            found.push_back(only_estimate(d).table("trust").text("provenance"));
        }
        for (const std::string& p : found) CHECK(p == "calibrated");
    }
    const Run text = run_program(question + "--isl 1000 --osl 1000 --concurrency 64");
    CHECK(text.out.find("beyond the fitted range") != std::string::npos);
    CHECK(text.out.find("of the decode step") != std::string::npos);
}
