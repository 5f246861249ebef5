// SPDX-License-Identifier: Apache-2.0
// Public launch commands read back: samples/commands.csv was derived from an independent reading of the same commands.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "moecost/base/csv.h"
#include "moecost/base/format.h"
#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"
#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/launch/server.h"
#include "moecost/launch/sources.h"

using namespace moecost;

namespace {

const DataStore data;
const std::string samples = std::string(MOECOST_TEST_DATA) + "/launch/samples/";

std::string text_of_file(const std::string& path) {
    std::ifstream in(path);
    REQUIRE_MESSAGE(in, path);
    std::ostringstream s;
    s << in.rdbuf();
    return s.str();
}

CommandReading reading_of(const std::string& command) {
    const auto engines = launchable_engines(data);
    auto found = find_commands(engines, command, "");
    FoundCommand& f = found.front();
    const std::string settings = settings_file_of(*f.at.rules, f.words);
    if (settings.starts_with("trtllm_"))
        f.settings = parse_yaml(text_of_file(samples + settings), settings).front();
    return read_server(*f.at.rules, f.words, f.at, f.settings ? &*f.settings : nullptr);
}

std::string other(const CommandReading& r, const std::string& name) {
    for (const auto& [key, value] : r.others) {
        if (key == name) return value;
    }
    return {};
}

std::string input(const CommandReading& r, const std::string& key) {
    const auto texts = texts_of(r.description, *input_named(key));
    return texts.empty() ? std::string() : texts.front();
}

std::string read_as(const CommandReading& r, const std::string& column) {
    if (column == "checkpoint") return r.checkpoint;
    if (column == "settings_file") return r.settings_file;
    return input_named(column) != nullptr ? input(r, column) : other(r, column);
}

std::map<std::string, std::string> sample_commands() {
    std::map<std::string, std::string> commands;
    std::istringstream in(text_of_file(samples + "commands.txt"));
    for (std::string line; std::getline(in, line);) {
        const std::size_t tab = line.find('\t');
        if (tab != std::string::npos) commands[line.substr(0, tab)] = line.substr(tab + 1);
    }
    return commands;
}

std::string failure(const std::string& command) {
    try {
        (void)reading_of(command);
    } catch (const InputError& e) {
        return e.what();
    }
    return {};
}

}   // namespace

TEST_CASE("public launch commands read as an independent reader reads them") {
    const auto commands = sample_commands();
    const CsvTable expected(text_of_file(samples + "commands.csv"), "commands.csv");
    REQUIRE(expected.rows() == 16);
    const std::vector<std::string> columns{"checkpoint",   "tp",
                                           "pp",           "ep",
                                           "attention_dp", "max_sequences",
                                           "chunk",        "memory_fraction",
                                           "draft_tokens", "max_model_len",
                                           "block_tokens", "prefix_caching",
                                           "graph_batch",  "role",
                                           "port",         "expert_kernels",
                                           "transfer",     "settings_file"};
    for (std::size_t row = 0; row < expected.rows(); ++row) {
        const std::string name(expected.text(row, expected.column("name")));
        const CommandReading r = reading_of(commands.at(name));
        for (const std::string& column : columns) {
            const std::string want(expected.text(row, expected.column(column)));
            CHECK_MESSAGE(read_as(r, column) == want,
                          name << " " << column << ": " << read_as(r, column) << " for " << want);
        }
    }
}

TEST_CASE("flags nobody knows are listed, every one of them") {
    const auto commands = sample_commands();
    const CsvTable expected(text_of_file(samples + "commands.csv"), "commands.csv");
    for (std::size_t row = 0; row < expected.rows(); ++row) {
        const std::string name(expected.text(row, expected.column("name")));
        const CommandReading r = reading_of(commands.at(name));
        std::istringstream words{std::string(expected.text(row, expected.column("unknown")))};
        for (std::string flag; words >> flag;) {
            const bool listed = std::any_of(r.unknown.begin(), r.unknown.end(), [&](const std::string& u) {
                return u == flag || u.starts_with(flag + " ");
            });
            CHECK_MESSAGE(listed, name << " " << flag);
        }
    }
}

TEST_CASE("values that do not fit name their flag") {
    CHECK(failure("vllm serve m -tp eight").find("-tp: 'eight' is not a number") != std::string::npos);
    CHECK(failure("vllm serve m --gpu-memory-utilization 1.5").find("--gpu-memory-utilization") !=
          std::string::npos);
    CHECK(failure("vllm serve m --max-num-seqs").find("--max-num-seqs") != std::string::npos);
    CHECK(failure("vllm serve m --kv-cache-dtype fp7").find("--kv-cache-dtype: 'fp7'") != std::string::npos);
    CHECK(failure("sglang serve --model m --tp 8 --dp 3 --enable-dp-attention")
              .find("multiple of attention_dp") != std::string::npos);
    CHECK(failure("python3 train.py").find("no server") != std::string::npos);
    CHECK(failure("vllm serve 'm").find("not closed") != std::string::npos);
}

TEST_CASE("SGLang without attention data parallelism counts whole replicas") {
    const CommandReading r = reading_of("sglang serve --model m --tp 4 --dp 2");
    CHECK(r.description.tp == 4);
    CHECK(r.description.attention_dp == 1);
    CHECK(r.description.replicas == 2);
}

TEST_CASE("numbers with k and K, as the engines read them") {
    CHECK(other(reading_of("vllm serve m --max-model-len 130k"), "max_model_len") == "130000");
    CHECK(other(reading_of("vllm serve m --max-model-len 128K"), "max_model_len") == "131072");
}

TEST_CASE("scripts fill in their variables and carry settings files") {
    const auto engines = launchable_engines(data);
    const std::string script =
        "#!/bin/sh\nTP=4\nexport MODEL=openai/gpt-oss-120b\ncat > s.yaml <<'EOF'\nmax_batch_size: "
        "32\nkv_cache_config:\n"
        "  dtype: fp8\nEOF\ntrtllm-serve $MODEL \\\n  --tp_size ${TP} --ep_size ${EP:-2} --config s.yaml "
        "2>&1 | tee log\n";
    const auto found = find_commands(engines, script, "run.sh");
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].settings);
    CommandReading r = read_server(*found[0].at.rules, found[0].words, found[0].at, &*found[0].settings);
    CHECK(r.description.tp == 4);
    CHECK(r.description.ep == 2);
    CHECK(r.description.max_sequences == 32);
    CHECK(r.description.kv == "fp8");
    CHECK(resolve_model(data, r));
    CHECK(r.description.model == "gpt-oss-120b");
}

TEST_CASE("manifests are read by command, by arguments after an image, and with replicas") {
    const auto engines = launchable_engines(data);
    const std::string manifest =
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 3\n  template:\n    spec:\n      "
        "containers:\n"
        "        - name: vllm\n          image: vllm/vllm-openai:v0.25.0\n          args:   # model first\n"
        "            - \"Qwen/Qwen3-235B-A22B-FP8\"\n            - \"--tensor-parallel-size=4\"\n"
        "            - --enable-expert-parallel\n";
    const auto found = find_commands(engines, manifest, "d.yaml");
    REQUIRE(found.size() == 1);
    CHECK(found[0].replicas == 3);
    const CommandReading r = read_server(*found[0].at.rules, found[0].words, found[0].at, nullptr);
    CHECK(r.checkpoint == "Qwen/Qwen3-235B-A22B-FP8");
    CHECK(r.description.ep == 4);
    const auto compose = find_commands(
        engines, "services:\n  a:\n    command: >-\n      sglang serve --model-path m\n      --tp 2\n",
        "compose.yml");
    CHECK(read_server(*compose[0].at.rules, compose[0].words, compose[0].at, nullptr).description.tp == 2);
}

TEST_CASE("whole numbers of a command line are written in digits") {
    Description d;
    d.model = "deepseek-v3";
    d.gpu = "h200_sxm";
    d.tp = 8;
    d.chunk = 1e6;
    const Expected<Scenario> s = describe(DataStore{}, d);
    REQUIRE(s);
    LaunchChoices c;
    c.checkpoint = "deepseek-ai/DeepSeek-V3";
    c.max_model_len = 100000;
    const Expected<Server> server = server_of(*s, s->pool(), c);
    REQUIRE(server);
    for (const std::string& word : server->words) CHECK(word.find("e+") == std::string::npos);
}

namespace {

CommandReading resolved(const std::string& command, const std::string& model = "") {
    CommandReading r = reading_of(command);
    r.description.model = model;
    REQUIRE(resolve_model(data, r));
    return r;
}

std::string weights_of(const std::string& words) {
    return resolved("vllm serve mistralai/Mixtral-8x7B-Instruct-v0.1 -tp 2 " + words).description.weights;
}

}   // namespace

TEST_CASE("a word of quantisation beside a release in 16 bit is the format that its tool writes") {
    CHECK(weights_of("").empty());
    for (const char* word :
         {"awq", "awq_marlin", "gptq", "gptq_marlin"})   // AutoAWQ, AutoGPTQ: groups of 128
        CHECK(weights_of(std::string("--quantization ").append(word)) == "int4-zp-g128");
    CHECK(weights_of("-q bitsandbytes") == "nf4");
    CHECK(weights_of("--quantization fp8") == "fp8");
    CHECK(weights_of("--quantization modelopt_fp4") == "nvfp4");
    const CommandReading sglang = resolved(
        "python3 -m sglang.launch_server --model-path mistralai/Mixtral-8x7B-Instruct-v0.1 --tp 2 "
        "--quantization w8a8_int8");
    CHECK(sglang.description.weights == "int8");
}

TEST_CASE(
    "a quantisation without a format of its own is told, and one that a release has stays the release's") {
    const CommandReading told =
        resolved("vllm serve mistralai/Mixtral-8x7B-Instruct-v0.1 --quantization compressed-tensors");
    CHECK(told.description.weights.empty());
    REQUIRE(told.warnings.size() == 1);
    CHECK(told.warnings[0].find("--weights FORMAT") != std::string::npos);
    const CommandReading own = resolved("vllm serve openai/gpt-oss-120b --quantization mxfp4");
    CHECK(own.description.weights.empty());
    CHECK(own.warnings.empty());
    // a quantisation of another kind than the release's is another checkpoint
    CHECK(resolved("vllm serve x/DeepSeek-R1-AWQ -tp 8 --quantization awq", "deepseek-r1")
              .description.weights == "int4-zp-g128");
}

TEST_CASE("a container whose entry point is the server is a server command") {
    const CommandReading r = reading_of(
        "docker run --runtime nvidia --gpus all -v ~/.cache/huggingface:/root/.cache/huggingface "
        "--env \"HF_TOKEN=$HF_TOKEN\" -p 8000:8000 --ipc=host vllm/vllm-openai:v0.11.0 --model "
        "openai/gpt-oss-120b "
        "--tensor-parallel-size 4 --dtype half");
    CHECK(r.engine == "vllm");
    CHECK(r.checkpoint == "openai/gpt-oss-120b");
    CHECK(input(r, "tp") == "4");
    CHECK(other(r, "dtype") == "half");
    CHECK(r.unknown.empty());
    REQUIRE(!r.before.empty());   // nothing of the command is dropped
    CHECK(r.before.front() == "docker");
    CHECK(r.before.back() == "vllm/vllm-openai:v0.11.0");
    const CommandReading sglang = reading_of(
        "sudo docker run --gpus all -p 30000:30000 docker.io/lmsysorg/sglang:latest python3 -m "
        "sglang.launch_server "
        "--model-path openai/gpt-oss-120b --tp 2");
    CHECK(sglang.engine == "sglang");
    CHECK(input(sglang, "tp") == "2");
    const CommandReading trt = reading_of(
        "podman run --rm -it --gpus all nvcr.io/nvidia/tensorrt-llm/release:1.0.0 trtllm-serve "
        "openai/gpt-oss-120b "
        "--tp_size 2");
    CHECK(trt.engine == "trtllm");
    CHECK(input(trt, "tp") == "2");
    CHECK_THROWS_AS(reading_of("docker run ubuntu:24.04 --model openai/gpt-oss-120b"), InputError);
}
