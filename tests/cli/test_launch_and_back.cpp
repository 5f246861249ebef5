// SPDX-License-Identifier: Apache-2.0
// From a plan to commands and back, as a person types it: nothing given is dropped, what cannot be written is told.
#include <doctest/doctest.h>

#include <string>

#include "moecost/base/file.h"
#include "moecost/base/value.h"
#include "program.h"

using namespace moecost;

namespace {

bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

const std::string apart(
    "--model deepseek-v3 --gpu h200 --prefill-gpus 16 --decode-gpus 24 --tp 1 --attention-dp 8 --ep 8 "
    "--decode-redundant-experts 8 --rate 4 --isl 3000 --osl 800 ");

}   // namespace

TEST_CASE("two pools come back from their script with workers, copies and all") {
    for (const std::string engine : {"vllm", "sglang", "trtllm"}) {
        const ScratchFolder scratch;
        const std::string script = (scratch.path / "pools.sh").string();
        CAPTURE(engine);
        REQUIRE(run_program("launch " + apart + "--engine " + engine + " --output " + script).status == 0);
        const Run read = run_program("import cmd " + script + " --gpu h200");
        REQUIRE(read.status == 0);
        CHECK(read.err == "");
        CHECK(says(read.out, "prefill_replicas = 2"));
        CHECK(says(read.out, "decode_replicas = 3"));
        CHECK(says(read.out, "decode_redundant_experts = 8"));
        const std::string scenario = (scratch.path / "s.toml").string();
        write_file(scenario, read.out);
        const Run first =
            run_program("estimate " + apart + "--engine " + engine + " --kv bf16 --format csv --quiet");
        const Run again = run_program("estimate --scenario " + scenario +
                                      " --rate 4 --isl 3000 --osl 800 --kv bf16 --format csv --quiet");
        REQUIRE(first.status == 0);
        CHECK_MESSAGE(first.out == again.out, read.out);
    }
}

TEST_CASE("what no word of an engine says is told, and what one says is written") {
    const std::string turns(
        "launch --model deepseek-v3 --gpu h200 --tp 8 --turns 4 --isl 6000 --osl 500 --host-cache-gb 100 ");
    CHECK(says(run_program(turns + "--engine sglang").out, "--hicache-size 100"));
    CHECK(says(run_program(turns + "--engine trtllm").out, "host_cache_size: 100000000000"));
    CHECK(says(run_program(turns + "--engine vllm").out,
               "--kv-offloading-size 745.058"));   // 8 x 100 GB in GiB
    const Run skewed =
        run_program("launch --model deepseek-v3 --gpu h200 --tp 8 --expert-skew 2 --reserve-gb 6");
    CHECK(says(skewed.out, "said by no word of the server or the benchmark: --reserve-gb 6 --expert-skew 2"));
}

TEST_CASE("two pools are started with the router in front of them, and the benchmark asks it") {
    const auto launched = [](const std::string& engine) {
        return run_program("launch " + apart + "--engine " + engine).out;
    };
    const std::string vllm = launched("vllm");
    CHECK(says(vllm, "vllm-router --vllm-pd-disaggregation"));
    CHECK(says(vllm, "--prefill http://PREFILL_2:8000"));
    CHECK(says(vllm, "--intra-node-data-parallel-size 8"));
    CHECK(says(vllm, "pip install vllm-router"));
    CHECK(says(vllm, "--base-url http://localhost:9000"));
    const std::string sglang = launched("sglang");
    CHECK(says(sglang, "python3 -m sglang_router.launch_router"));
    CHECK(says(sglang, "--pd-disaggregation"));
    CHECK(says(sglang, "--prefill http://PREFILL_1:30000 8998"));
    const std::string trtllm = launched("trtllm");
    CHECK(says(trtllm, "trtllm-serve disaggregated -c moecost-settings-router.yaml"));
    CHECK(says(trtllm, "context_servers:"));
    CHECK(says(trtllm, "- \"PREFILL_2:8000\""));
}

TEST_CASE("one engine's words of two pools: what its documentation asks for besides") {
    const Run trtllm = run_program("launch " + apart + "--engine trtllm");
    CHECK(says(trtllm.out, "cache_transceiver_config:"));
    CHECK(says(trtllm.out, "disable_overlap_scheduler: true"));
    const Run mixed = run_program(
        "launch --model deepseek-v3 --prefill-gpu h200 --decode-gpu b200 --tp 8 --prefill-gpus 8 "
        "--decode-gpus 8 --kv fp8 --rate 1");
    CHECK(says(mixed.out, "enforce_handshake_compat"));
    CHECK(!says(run_program("launch " + apart + "--engine vllm").out, "enforce_handshake_compat"));
    const Run objects = run_program("launch " + apart + "--engine vllm --as kubernetes");
    CHECK(objects.status == 0);
    CHECK(says(objects.out, "name: deepseek-v3-prefill"));
    CHECK(says(objects.out, "name: deepseek-v3-decode"));
}

TEST_CASE("a plan for two pools under vLLM has no pipeline stages, and its commands run through the rules") {
    const Run plan = run_program(
        "plan --model deepseek-r1 --gpu h200 --pools two --rate 20 --isl 3000 --osl 800 --slo-ttft p95:2s "
        "--slo-tpot 40ms --format json --quiet");
    REQUIRE(plan.status == 0);
    CHECK(!says(plan.out, "-pp "));
    const Run refused = run_program(
        "estimate --model deepseek-r1 --gpu h200 --prefill-gpus 16 --decode-gpus 8 --tp 8 --prefill-pp 2");
    CHECK(refused.status == 3);
    CHECK(says(refused.err, "NixlConnector"));
    CHECK(says(refused.err, "hint: --prefill-pp 1 would run"));
}

TEST_CASE("a price may be given to one accelerator") {
    const Run one =
        run_program("estimate --model mixtral-8x7b --gpu h20_96 --tp 2 --price h20_96=1.5 --quiet");
    CHECK(one.status == 0);
    CHECK(says(one.out, "$1.50"));
    const Run plan =
        run_program("plan --model mixtral-8x7b --gpu h20_96,h200 --price h20_96=1.5 --rate 1 --pools one");
    CHECK(plan.status == 0);
    CHECK(!says(plan.out, "not compared by cost"));
    CHECK(run_program("estimate --model mixtral-8x7b --gpu h200 --tp 2 --price h2oo=1.5").status == 2);
    CHECK(run_program("estimate --model mixtral-8x7b --gpu h200 --tp 2 --price h200=free").status == 2);
    CHECK(run_program("estimate --model mixtral-8x7b --gpu h200 --tp 2 --price h200=-3").status == 2);
}

TEST_CASE("why a column has no answer is told, however quiet") {
    const Run run = run_program("estimate --model deepseek-v3 --gpu h200,h100 --tp 8 --quiet");
    CHECK(run.status == 0);
    CHECK(says(run.err, "8 x h100_sxm: the weights do not fit"));
}

TEST_CASE("a report is made of results alone") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path / "x.json").string();
    for (const char* text :
         {"{\"a\":1}", "{\n\"a\":1}", "[1,2]", "{\"schema\":\"moecost.launch/1\"}", "a,b\n1,2\n"}) {
        write_file(file, text);
        const Run run = run_program("report --data " + file);
        CAPTURE(text);
        CHECK(run.status == 2);
        CHECK(run.out == "");
    }
    write_file(file, "tp,output_tokens_per_s\n1,2\n");
    CHECK(run_program("report --data " + file).status == 0);
}

TEST_CASE("families that are compared are named once") {
    const Run run = run_program("design --families qwen-next-like --family qwen-next-like --budget 1e21");
    CHECK(run.status == 2);
    CHECK(says(run.err, "--families names every family"));
}

TEST_CASE("objectives of percentiles make an axis") {
    const ScratchFolder scratch;
    const std::string grid = (scratch.path / "grid.toml").string();
    write_file(
        grid,
        "columns = [\"slo_ttft\", \"slo_met\", \"ttft_s\"]\n[scenario]\nmodel = \"mixtral-8x7b\"\ngpu = "
        "\"h100_sxm\"\ntp = 2\nrate = 1\n[[axis]]\nkey = \"slo_ttft\"\nvalues = [\"p99:1ms\", \"p95:10s\", "
        "\"10s\", \"1ms\"]\n");
    const Run run = run_program("sweep " + grid + " --quiet");
    CHECK_MESSAGE(run.status == 0, run.err);
    CHECK(says(run.out, "p99:1ms,"));
    CHECK(says(run.out, "p95:10s,"));
}

TEST_CASE("prices of input and output are not compared between one pool and two") {
    const std::string one("'moecost estimate --model deepseek-v3 --gpu h200 --gpus 16 --tp 8 --rate 2' ");
    const std::string two(
        "'moecost estimate --model deepseek-v3 --gpu h200 --prefill-gpus 8 --decode-gpus 8 --tp 8 --rate "
        "2' ");
    const Run mixed = run_program("diff " + one + two);
    REQUIRE(mixed.status == 0);
    CHECK(!says(mixed.out, "  usd_per_mtok_input "));
    CHECK(says(mixed.out, "usd_per_mtok_output_all_in"));
    CHECK(says(mixed.out, "one pool splits its rent"));
}

TEST_CASE("mistakes in the options of launch are told, also where a question is being filled in") {
    const std::string mixtral("launch --model mixtral-8x7b --gpu h100 --tp 2 ");
    for (const char* wrong : {"--as foo", "--port abc", "--port 99999", "--max-model-len abc",
                              "--max-model-len 100", "--draft-tokens 2 --acceptance 0.7"}) {
        CAPTURE(wrong);
        const Run run = run_program(mixtral + wrong);
        CHECK(run.status == 2);
        CHECK(run.err.starts_with("moecost: --"));
    }
}
