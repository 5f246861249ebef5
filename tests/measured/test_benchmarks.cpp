// SPDX-License-Identifier: Apache-2.0
// Results of load generators as points; every expected figure is hand arithmetic on the invented texts below.
#include <doctest/doctest.h>

#include <string>

#include "moecost/base/error.h"
#include "moecost/measured/benchmarks.h"

using namespace moecost;

namespace {

MeasuredPoint on_eight_gpus() {
    MeasuredPoint p;
    p.gpu = "h200_sxm";
    p.tp = 8;
    p.attention_dp = 1;
    return p;
}

const std::string vllm =
    R"({"date": "20260801-120000", "backend": "vllm", "model_id": "org/m", "num_prompts": 10, "request_rate": "inf",
 "max_concurrency": 4, "duration": 2.0, "completed": 10, "failed": 0, "total_input_tokens": 10240,
 "total_output_tokens": 2000, "output_throughput": 1000.0, "total_token_throughput": 6120.0, "mean_ttft_ms": 100.0,
 "mean_tpot_ms": 10.0, "p99_ttft_ms": 140.0})";

std::string failure(const std::string& text, const MeasuredPoint& known) {
    try {
        (void)read_benchmark(text, "r.json", known);
    } catch (const InputError& e) {
        return e.what();
    }
    return {};
}

std::string without(std::string text, const std::string& part) {
    text.erase(text.find(part), part.size());
    return text;
}

}   // namespace

TEST_CASE("vllm bench serve: means of the run per GPU") {
    const auto points = read_benchmark(vllm, "dir/run.json", on_eight_gpus());
    REQUIRE(points.size() == 1);
    const MeasuredPoint& p = points[0];
    CHECK(p.id == "run");
    CHECK(p.date == "2026-08-01");
    CHECK(p.scenario == "closed_loop");
    CHECK(p.concurrency == 4);
    CHECK(p.isl == 1024);
    CHECK(p.osl == 200);
    CHECK(p.output_per_gpu == 125);
    CHECK(p.total_per_gpu == 765);
    CHECK(p.ttft_ms == 100);
    CHECK(p.tpot_ms == 10);
}

TEST_CASE("sglang.bench_serving: one object a line, bare Infinity, sizes of the server") {
    const std::string line =
        R"({"backend": "sglang", "request_rate": Infinity, "max_concurrency": 16, "server_info": {"model_path": "org/m",
 "tp_size": 8, "dp_size": 8, "enable_dp_attention": true, "ep_size": 8}, "completed": 4, "total_input_tokens": 400,
 "total_output_tokens": 40, "output_throughput": 80.0, "total_throughput": 880.0, "mean_e2e_latency_ms": 900.0,
 "mean_ttft_ms": 50.0, "mean_tpot_ms": 5.0})";
    std::string flat = line;
    while (flat.find('\n') != std::string::npos) flat.erase(flat.find('\n'), 1);
    const auto points = read_benchmark(flat + "\n" + flat + "\n", "s.jsonl", {});
    REQUIRE(points.size() == 2);
    CHECK(points[1].id == "s-2");
    CHECK(points[0].engine == "sglang");
    CHECK(points[0].tp == 1);
    CHECK(points[0].attention_dp == 8);
    CHECK(points[0].output_per_gpu == 10);
    CHECK(points[0].e2e_ms == 900);
}

TEST_CASE("InferenceX: seconds, throughput per GPU, attention data parallelism by word") {
    const std::string text =
        R"([{"hw": "h200", "conc": 4, "model": "org/m", "framework": "dynamo-trt", "disagg": false, "isl": 1024,
 "osl": 1024, "tp": 8, "pp": 1, "ep": 8, "dp_attention": "true", "tput_per_gpu": 280.0, "output_tput_per_gpu": 38.0,
 "input_tput_per_gpu": 242.0, "mean_ttft": 0.1, "mean_tpot": 0.01, "mean_e2el": 1.6}])";
    const MeasuredPoint p = read_benchmark(text, "a.json", {}).at(0);
    CHECK(p.engine == "trtllm");
    CHECK(p.tp == 1);
    CHECK(p.attention_dp == 8);
    CHECK(p.output_per_gpu == 38);
    CHECK(p.ttft_ms == doctest::Approx(100));
    CHECK(p.spread_lengths);
}

TEST_CASE("AIPerf: averages with their units, in JSON and in CSV") {
    const std::string text =
        R"({"request_throughput": {"unit": "requests/sec", "avg": 2.0}, "request_latency": {"unit": "ms", "avg": 1600.0},
 "time_to_first_token": {"unit": "ms", "avg": 100.0}, "inter_token_latency": {"unit": "ms", "avg": 10.0},
 "output_token_throughput": {"unit": "tokens/sec", "avg": 400.0}, "output_sequence_length": {"unit": "tokens", "avg": 200.0},
 "input_sequence_length": {"unit": "tokens", "avg": 1000.0}, "input_config": {"endpoint": {"model_names": ["org/m"]},
 "loadgen": {"concurrency": 4}}})";
    const MeasuredPoint p = read_benchmark(text, "a.json", on_eight_gpus()).at(0);
    CHECK(p.concurrency == 4);
    CHECK(p.model == "org/m");
    CHECK(p.output_per_gpu == 50);
    CHECK(failure(without(text, "\"time_to_first_token\": {\"unit\": \"ms\", \"avg\": 100.0}, "),
                  on_eight_gpus())
              .find("time_to_first_token") != std::string::npos);
    MeasuredPoint known = on_eight_gpus();
    known.concurrency = 4;
    const std::string csv =
        "Metric,avg,min\nInput Sequence Length (tokens),1000.00,1\nOutput Sequence Length (tokens),200.00,1\n"
        "Inter Token Latency (ms),10.00,1\nTime to First Token (ms),100.00,1\nRequest Latency "
        "(ms),1600.00,1\n\n"
        "Metric,Value\nOutput Token Throughput (tokens/sec),400.00\n";
    CHECK(read_benchmark(csv, "a.csv", known).at(0).output_per_gpu == 50);
}

TEST_CASE("GuideLLM: successful requests, latency in seconds") {
    const auto mean = [](const std::string& name, const std::string& value) {
        return "\"" + name + "\": {\"successful\": {\"mean\": " + value + "}}, ";
    };
    const std::string text =
        "{\"metadata\": {\"version\": 2}, \"benchmarks\": [{\"config\": {\"strategy\": {\"type_\": "
        "\"concurrent\", "
        "\"streams\": 4}}, \"metrics\": {" +
        mean("requests_per_second", "2.0") + mean("prompt_token_count", "1000") +
        mean("output_token_count", "200") + mean("time_to_first_token_ms", "100") +
        mean("inter_token_latency_ms", "10") + mean("request_latency", "1.6") +
        "\"request_totals\": {\"successful\": 8}}}]}";
    const MeasuredPoint p = read_benchmark(text, "g.json", on_eight_gpus()).at(0);
    CHECK(p.concurrency == 4);
    CHECK(p.output_per_gpu == 50);
    CHECK(p.e2e_ms == 1600);
}

TEST_CASE("missing keys and missing GPUs are named") {
    CHECK(failure(without(vllm, "\"mean_tpot_ms\": 10.0, "), on_eight_gpus()).find("mean_tpot_ms") !=
          std::string::npos);
    CHECK(failure(vllm, {}).find("how many GPUs") != std::string::npos);
    CHECK(failure("{\"a\": 1}", {}).find("no benchmark result") != std::string::npos);
}

TEST_CASE("points written as a table read as they were") {
    const auto points = read_benchmark(vllm, "run.json", on_eight_gpus());
    const auto again = read_points(CsvTable(points_csv(points), "t.csv"));
    REQUIRE(again.size() == 1);
    CHECK(again[0].output_per_gpu == points[0].output_per_gpu);
    CHECK(again[0].concurrency == points[0].concurrency);
    CHECK(again[0].tp == 8);
}

namespace {

std::string replaced(std::string text, const std::string& part, const std::string& by) {
    return text.replace(text.find(part), part.size(), by);
}

std::string engine_of_backend(const std::string& backend) {
    return read_benchmark(replaced(vllm, "\"backend\": \"vllm\"", "\"backend\": \"" + backend + "\""),
                          "r.json", on_eight_gpus())
        .at(0)
        .engine;
}

// Older releases of sglang.bench_serving: no total, no sizes of the server.
const std::string old_sglang =
    R"({"backend": "sglang", "request_rate": Infinity, "max_concurrency": 16, "completed": 4, "total_input_tokens": 400,
 "total_output_tokens": 40, "input_throughput": 800.0, "output_throughput": 80.0, "mean_e2e_latency_ms": 900.0,
 "mean_ttft_ms": 50.0, "mean_tpot_ms": 5.0})";

const std::string aiperf =
    R"({"request_latency": {"unit": "ms", "avg": 1600.0}, "request_count": {"avg": 100},
 "time_to_first_token": {"unit": "ms", "avg": 100.0}, "inter_token_latency": {"unit": "ms", "avg": 10.0},
 "output_token_throughput": {"avg": 400.0}, "output_sequence_length": {"avg": 200.0},
 "input_sequence_length": {"avg": 1000.0}, "input_config": {"concurrency": 4, CONFIG}})";

MeasuredPoint aiperf_of(const std::string& config) {
    return read_benchmark(replaced(aiperf, "CONFIG", config), "a.json", on_eight_gpus()).at(0);
}

}   // namespace

TEST_CASE("the engine is the one that a file names, under every spelling, and never a guess") {
    CHECK(engine_of_backend("vllm") == "vllm");
    for (const char* name : {"sglang", "sglang-oai", "sglang-native", "sglang-oai-chat"})
        CHECK(engine_of_backend(name) == "sglang");
    for (const char* name : {"tensorrt-llm", "trtllm", "trt"}) CHECK(engine_of_backend(name) == "trtllm");
    CHECK(engine_of_backend("tgi") == "tgi");
    CHECK(engine_of_backend("lmdeploy") == "lmdeploy");
    for (const char* name : {"openai", "openai-chat"}) CHECK(engine_of_backend(name).empty());
    CHECK(read_benchmark(without(vllm, "\"backend\": \"vllm\", "), "r.json", on_eight_gpus())
              .at(0)
              .engine.empty());
    CHECK(read_benchmark(replaced(old_sglang, "\"sglang\"", "\"vllm\""), "r.json", on_eight_gpus())
              .at(0)
              .engine == "vllm");
}

TEST_CASE("another engine than the file's wins and is told") {
    MeasuredPoint known = on_eight_gpus();
    known.engine = "trtllm";
    std::vector<std::string> warnings;
    CHECK(read_benchmark(vllm, "r.json", known, &warnings).at(0).engine == "trtllm");
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0] == "r: --engine trtllm is given, the file says vllm: the former is taken");
}

TEST_CASE("genai-perf and AIPerf: backend and model wherever a version keeps them") {
    CHECK(aiperf_of(R"("model": ["org/a"], "backend": "tensorrtllm")").engine == "trtllm");
    CHECK(aiperf_of(R"("model": ["org/a"], "backend": "vllm", "service_kind": "triton")").engine == "vllm");
    // the backend is that of Triton, and stays at its default where another service answered
    CHECK(
        aiperf_of(R"("model": "org/a", "backend": "tensorrtllm", "service_kind": "openai")").engine.empty());
    CHECK(aiperf_of(R"("endpoint": {"type": "chat"})").engine.empty());
    CHECK(aiperf_of(R"("model": ["org/a"])").model == "org/a");
    CHECK(aiperf_of(R"("model_names": ["org/b"])").model == "org/b");
    CHECK(aiperf_of(R"("model": "org/c")").model == "org/c");
    CHECK(aiperf_of(R"("endpoint": {"model_names": ["org/d"]})").model == "org/d");
}

TEST_CASE("a run of which more than 5 % of the requests failed is suspect, whatever the tool") {
    const auto suspect = [](const std::string& errors) {
        return read_benchmark(replaced(replaced(aiperf, "CONFIG", "\"model\": \"m\""), "\"request_count\"",
                                       errors + "\"request_count\""),
                              "a.json", on_eight_gpus())
            .at(0)
            .suspect;
    };
    CHECK(!suspect(""));
    CHECK(!suspect(R"("error_request_count": {"avg": 5}, )"));
    CHECK(suspect(R"("error_request_count": {"avg": 6}, )"));
    CHECK(suspect(R"("error_summary": [{"count": 4}, {"count": 2}], )"));
    CHECK(suspect(R"("was_cancelled": true, )"));
    CHECK(read_benchmark(replaced(vllm, "\"failed\": 0", "\"failed\": 1"), "r.json", on_eight_gpus())
              .at(0)
              .suspect);
}

TEST_CASE("without a total, tokens of prompts and answers are added") {
    CHECK(read_benchmark(old_sglang, "s.json", on_eight_gpus()).at(0).total_per_gpu == 110);
    const std::string counts =
        without(old_sglang, "\"input_throughput\": 800.0, ");   // ten times as many tokens
    CHECK(read_benchmark(counts, "s.json", on_eight_gpus()).at(0).total_per_gpu == 110);
}

TEST_CASE("what contradicts itself, or what a file says, is refused") {
    MeasuredPoint known = on_eight_gpus();
    known.gpus = 12;
    CHECK(failure(vllm, known).find("12 GPUs are no multiple of the 8") != std::string::npos);
    known.gpus = 16;   // two instances
    CHECK(failure(vllm, known).empty());
    known = on_eight_gpus();
    known.concurrency = 32;
    CHECK(failure(vllm, known).find("--concurrency 32 is given, the file says 4") != std::string::npos);
    known.concurrency = 4;
    CHECK(failure(vllm, known).empty());
    known = on_eight_gpus();
    known.rate = 2;
    CHECK(failure(vllm, known).find("--rate is given") != std::string::npos);
    CHECK(failure(replaced(vllm, "\"request_rate\": \"inf\"", "\"request_rate\": 3"), known)
              .find("--rate 2 is given, the file says 3") != std::string::npos);
    CHECK(failure(replaced(vllm, "6120.0", "900.0"), on_eight_gpus()).find("are more than the 900") !=
          std::string::npos);
}
