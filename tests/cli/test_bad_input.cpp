// SPDX-License-Identifier: Apache-2.0
// Whatever is wrong with the input: status 2, one line that says where and what, at most one hint, nothing on stdout.
#include <doctest/doctest.h>

#include <algorithm>

#include "program.h"

namespace {

struct BadInput {
    std::string arguments;
    std::string message;   // part of the first line
    std::string hint;      // part of the second line; empty: whatever
};

const BadInput table[] = {
    {"", "no command is given", "moecost --help"},
    {"estmate", "unknown command 'estmate'", "did you mean 'estimate'?"},
    {"plan", "--rate: no load is given", ""},
    {"--model x estimate", "--model: stands before the command", "moecost COMMAND"},
    {"estimate --modle x", "--modle: unknown option", "did you mean '--model'?"},
    {"estimate --conc 5", "--conc: unknown option", ""},
    {"estimate --gpu h100 --qq", "--qq: unknown option", "--help lists"},
    {"estimate --gpu h100", "--model: no model is given", "moecost list models"},
    {"estimate --family qwen-lik --size 7B --gpu h100", "no family is named 'qwen-lik'",
     "did you mean 'qwen-like'?"},
    {"estimate --family qwen-like --gpu h100", "--family: no size of the member is given", "--size 7B"},
    {"estimate --size 7B --gpu h100", "--size: is a choice of a family, but no --family is given",
     "moecost list families"},
    {"estimate --model mixtral-8x7b --experts 4 --gpu h100", "--experts: is a choice of a family", "--set"},
    {"estimate --model mixtral-8x7b --family qwen-like --size 7B --gpu h100",
     "--family: a model is given too", ""},
    {"estimate --family qwen-like --size 7X --gpu h100", "--size: '7X' is not a number of parameters", ""},
    {"estimate --family qwen-like --size 0 --gpu h100", "--size: '0' is not a number of parameters", ""},
    {"estimate --family qwen-like --size -7B --gpu h100", "--size: '-7B' is not a number of parameters", ""},
    {"estimate --family qwen-like --size nan --gpu h100", "--size: 'nan' is not a number of parameters", ""},
    {"estimate --family qwen-like --size 1e30 --gpu h100", "--size: '1e30' is not a number of parameters",
     ""},
    {"estimate --family qwen-like --size B --gpu h100", "--size: 'B' is not a number of parameters", ""},
    {"estimate --family qwen-like --size 7B --experts 0 --gpu h100", "--experts: '0' is not a whole number",
     ""},
    {"estimate --family qwen-like --size 7B --experts 4 --top-k 8 --gpu h100",
     "--family: qwen-like: a token cannot use more experts than there are: top-k needs 8", ""},
    {"estimate --family yun2024 --size 7B --granularity 4 --gpu h100",
     "--granularity: '4' is no choice of the family yun2024", "one of: 1"},
    {"estimate --family qwen-like --size 100M --granularity 256 --gpu h100",
     "--family: qwen-like: an expert would be narrower than engines shard", ""},
    {"params --family qwen-like", "--family: no size of the member is given", ""},
    {"params mixtral-8x7b --top-k 2", "--top-k: is a choice of a family", ""},
    {"params mixtral-8x7b --toml --family qwen-like --size 7B", "--toml: a model file holds one model", ""},
    {"estimate --model mixtral-8x7b", "--gpu: no accelerator is given", "moecost list gpus"},
    {"estimate --model mixtrl-8x7b --gpu h100", "no model is named 'mixtrl-8x7b'",
     "did you mean 'mixtral-8x7b'?"},
    {"estimate --model mixtral-8x7b --gpu h10", "'h10'", "did you mean"},
    {"estimate --model mixtral-8x7b --gpu h100,", "--gpu: is empty", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --isl ''", "--isl: is empty", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --engine ''", "--engine: is empty", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --concurrency 0", "--concurrency: '0' is not a number in", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --memory-fraction 1.2",
     "--memory-fraction: '1.2' is not a share in", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --all-to-all fast",
     "--all-to-all: 'fast' is not a known value", "low-latency"},
    {"estimate --model mixtral-8x7b --gpu h100,a100 --cluster hgx_h100", "--gpu: ", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --engine vlm", "vlm", "vllm"},
    {"estimate --model mixtral-8x7b --gpu h100 --tp 0", "--tp: '0' is not a whole number in 1..65536", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --tp 2.5", "--tp: '2.5' is not a whole number", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --isl", "'--isl' is missing", "--help"},
    {"estimate --model mixtral-8x7b --gpu h100 --isl -5", "", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --isl nan", "--isl: 'nan' is not a number of tokens", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --isl 1e400", "--isl: '1e400' is not a number of tokens", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --isl 12,0.5", "--isl: '0.5' is not a number of tokens", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --rate 2 --concurrency 8", "two loads are given", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --slo-ttft fast", "--slo-ttft: 'fast' is not a time", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --weights fp7", "--weights: 'fp7' is not a number format",
     "fp8"},
    {"estimate --model mixtral-8x7b --gpu a100_sxm_80 --weights nvfp4x", "--weights: ", "nvfp4"},
    {"estimate --model mixtral-8x7b --gpu h100 --set experts", "--set: 'experts' is not an edit", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --set expert=4", "expert", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --price cheap", "--price: 'cheap'", "give dollars"},
    {"estimate --model mixtral-8x7b --gpu h100 --price -1", "", ""},
    {"estimate --model mixtral-8x7b --gpu h100 --traffic caht", "no traffic is named 'caht'",
     "did you mean 'chat'?"},
    {"estimate --model mixtral-8x7b --gpu h100 --format xml", "--format: 'xml' is not a format",
     "text, json, csv"},
    {"estimate --model mixtral-8x7b --gpu h100 --data-dir /no/such", "--data-dir: '/no/such' is not a folder",
     ""},
    {"estimate --model no/such/config.json --gpu h100", "no/such/config.json: no such file", ""},
    {"estimate --model /tmp --gpu h100", "", ""},
    {"estimate --scenario none.toml", "none.toml: no such file", ""},
    {"estimate --scenario data", "data: is a folder, not a file", ""},
    {"estimate --scenario data/bad_key.toml", "data/bad_key.toml:4:14: key 'concurency': unknown key",
     "did you mean 'concurrency'?"},
    {"estimate --scenario data/bad_value.toml",
     "data/bad_value.toml:4:6: key 'tp': 'two' is not a whole number", ""},
    {"estimate --scenario data/bad_syntax.toml", "data/bad_syntax.toml:3:", ""},
    {"estimate mixtral-8x7b", "mixtral-8x7b: is not an option", ""},
    {"params", "no model is given", "moecost list models"},
    {"params mixtral-8x7b --kv bf15", "--kv: 'bf15' is not a number format", "bf16"},
    {"params mixtral-8x7b --set top_k=9", "9", ""},
    {"params mixtral-8x7b --set =9", "--set: '=9' is not an edit", ""},
    {"calibrate", "--kernels: no folder is given", "moecost calibrate --kernels"},
    {"calibrate --kernels no/such", "no/such: no such folder", ""},
    {"calibrate --kernels data", "data: holds no kernel timing table", "gemm.csv"},
    {"calibrate --kernels data --profile h200", "--profile: 'h200' is no file", ".toml"},
    {"calibrate data", "data: is not expected", "--kernels"},
    {"list", "list needs the name of a list", "models, families, gpus"},
    {"list modles", "'modles' is not a list of moecost", "did you mean 'models'?"},
    {"list gpus h100", "h100: is one name too many", ""},
    {"list prices h10", "'h10'", ""},
    {"fit", "one CSV of training runs is needed", ""},
    {"fit none.csv", "--law: no form is given", "chinchilla"},
    {"fit none.csv --law chinchila", "--law: 'chinchila' is no form", "did you mean 'chinchilla'?"},
    {"fit none.csv --law chinchilla", "none.csv: no such file", ""},
    {"fit none.csv --law chinchilla --huber 0", "--huber: '0' is not a positive number", ""},
    {"fit none.csv --law chinchilla --bootstrap x", "--bootstrap: 'x' is not a whole number", ""},
    {"fit none.csv --law chinchilla --size big", "--size: 'big' is not what N counts", "active"},
    {"import config.json", "hf, cmd or bench is needed", ""},
    {"import hf none.json", "none.json: no such file", ""},
    {"import hf data/scenario.toml", "is not a Hugging Face config.json", ""},
    {"import hf data/config.json --format json", "--format: a model file is TOML alone", ""},
    {"import hf data/config.json --quantisation none.json", "none.json: no such file", ""},
    {"validate none.csv", "none.csv: no such file", ""},
    {"validate data/scenario.toml", "data/scenario.toml:", ""},
    {"validate --only color=red", "--only: 'color=red' is not KEY=VALUE", ""},
    {"validate --only model=foo", "--only: no row has model=foo", "one of: "},
    {"validate --only gpu=h200-sxm,foo", "--only: no row has gpu=foo", ""},
    {"list models --mechanism foo", "--mechanism: 'foo' is not a mechanism of the library",
     "one of: moe, dense, MHA"},
    {"list models --licence foo", "--licence: 'foo' is not a licence of the library", "one of: "},
    {"list models --since yesterday", "--since: 'yesterday' is not a date", "2026-01"},
    {"list models --since 2026-13", "--since: '2026-13' is not a date", ""},
    {"list models --since 2026-1", "--since: '2026-1' is not a date", ""},
    {"completion csh", "completion is written for one shell", "bash"},
};

}   // namespace

TEST_CASE("a model and accelerators named without their options are given back with them") {
    const auto hinted = [](const char* arguments, const char* line) {
        const Run run = run_program(arguments);
        CAPTURE(run.err);
        CHECK(run.status == 2);
        CHECK(run.err.find(line) != std::string::npos);
    };
    hinted("estimate mixtral-8x7b h100", "moecost estimate --model mixtral-8x7b --gpu h100");
    hinted("plan deepseek-r1 8xH200", "moecost plan --model deepseek-r1 --gpu H200 --max-gpus 8");
    hinted("launch nosuchmodel h200", "moecost launch --help");
    hinted("design h200", "moecost design --gpu h200");
}

TEST_CASE("wrong input is answered by status 2, one line and a hint") {
    for (const BadInput& bad : table) {
        CAPTURE(bad.arguments);
        const Run run = run_program(bad.arguments);
        CAPTURE(run.err);
        CHECK(run.status == 2);
        CHECK(run.out.empty());
        CHECK(run.err.starts_with("moecost: "));
        const auto lines = std::count(run.err.begin(), run.err.end(), '\n');
        CHECK((lines == 1 || lines == 2));
        const std::size_t end = run.err.find('\n');
        CHECK(run.err.substr(0, end).find(bad.message) != std::string::npos);
        if (lines == 2) CHECK(run.err.substr(end + 1).starts_with("hint: "));
        CHECK(run.err.find(bad.hint) != std::string::npos);
    }
}

TEST_CASE("a machine that fails is status 1") {
    const std::string estimate("estimate --model mixtral-8x7b --gpu h100 --tp 2 ");
    const Run full = run_program("list gpus >/dev/full");
    CHECK(full.status == 1);
    CHECK(full.err == "moecost: standard output: cannot write\n");
    const Run output =
        run_program(std::string(estimate).append("--output /no/such/folder/x.json --format json"));
    CHECK(output.status == 1);
    CHECK(output.out.empty());
    CHECK(output.err.starts_with("moecost: /no/such/folder/x.json: cannot write"));
}
