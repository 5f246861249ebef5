// SPDX-License-Identifier: Apache-2.0
// Layouts that engines launch or refuse: engine_rules_examples.csv, each row from a log, a thread or a line of source
// that its note or its rule names.
#include <doctest/doctest.h>

#include <string>

#include "moecost/base/csv.h"
#include "moecost/base/read_file.h"
#include "moecost/model/library.h"
#include "moecost/ops/launchable.h"

using namespace moecost;

namespace {

/// One row of the table as a deployment.
class Example {
  public:
    Example(const CsvTable& table, std::size_t row) : table_(table), row_(row) {
        const int query = whole("query_heads");
        const int kv = whole("kv_heads");
        Mixer mixer = GroupedAttention{.query_heads = query, .kv_heads = kv};
        if (kv == 0) mixer = LatentAttention{.heads = query};
        architecture.hidden = whole("hidden");
        architecture.layers = whole("layers");
        architecture.mixers = {{mixer, architecture.layers}};
        if (whole("dense_width") > 0)
            architecture.ffns.push_back({DenseFfn{.width = whole("dense_width")}, 1});
        if (whole("experts") > 0) {
            architecture.ffns.push_back({MoeFfn{.experts = whole("experts"),
                                                .top_k = whole("top_k"),
                                                .width = whole("expert_width"),
                                                .shared_width = whole("shared_width")},
                                         1});
        }
        precision.attention = format("attention");
        precision.dense_ffn = format("dense_ffn");
        precision.shared_experts = format("shared_experts");
        precision.routed_experts = format("routed_experts");
        layout = {
            .tp = whole("tp"), .pp = whole("pp"), .ep = whole("ep"), .attention_dp = whole("attention_dp")};
        while (name_of(layout.exchange) != text("exchange"))
            layout.exchange = static_cast<ExpertExchange>(static_cast<int>(layout.exchange) + 1);
        gpu.generation = text("generation");
        settings = {static_cast<double>(whole("redundant_experts")),
                    static_cast<double>(whole("draft_tokens"))};
    }
    [[nodiscard]] std::string text(std::string_view column) const {
        return std::string(table_.text(row_, table_.column(column)));
    }

    Architecture architecture;
    Precision precision;
    Layout layout;
    Accelerator gpu;
    LaunchSettings settings;

  private:
    [[nodiscard]] int whole(std::string_view column) const {
        return static_cast<int>(table_.number(row_, table_.column(column)).value());
    }
    [[nodiscard]] DType format(std::string_view column) const { return dtype_named(text(column)).value(); }

    const CsvTable& table_;
    std::size_t row_;
};

std::string broken_rule(const char* engine, const char* model, const Layout& layout, const char* gpu) {
    const DataStore data;
    const Architecture a = load_model(data, model);
    const EngineRules rules = load_engine_rules(data, engine);
    const auto problem = launch_problem(rules, a, a.precision, layout, load_accelerator(data, gpu), {});
    return problem ? std::string(problem->name()) : "launches";
}

}   // namespace

TEST_CASE(
    "engines launch and refuse what their logs and sources say, with the rule, its reason and its fix") {
    const DataStore data;
    const std::string path = MOECOST_TEST_DATA "/hardware/engine_rules_examples.csv";
    const CsvTable table(read_file(path), path);
    REQUIRE(table.rows() > 100);
    for (std::size_t i = 0; i < table.rows(); ++i) {
        const Example e(table, i);
        CAPTURE(i);
        CAPTURE(e.text("engine"));
        CAPTURE(e.text("model"));
        const EngineRules rules = load_engine_rules(data, e.text("engine"));
        if (e.text("rule") == "layout") {   // our own arithmetic refuses it, whatever the engine
            const auto problem = layout_problem(e.architecture, e.layout);
            REQUIRE(problem);
            CHECK(problem->reason == e.text("reason"));
            continue;
        }
        const auto problem = launch_problem(rules, e.architecture, e.precision, e.layout, e.gpu, e.settings);
        CHECK((problem ? "refused" : "launches") == e.text("expected"));
        if (!problem) continue;
        CHECK(problem->name() == e.text("rule"));
        CHECK(problem->reason() == e.text("reason"));
        CHECK(problem->fix() == e.text("fix"));
        CHECK(infeasible_of(*problem).detail == e.text("reason"));
    }
}

TEST_CASE("models of the library by the threads of users") {
    // QwenLM/Qwen3 issue 1485: 1536 / 8 = 192; with expert parallelism experts stay whole.
    CHECK(broken_rule("vllm", "qwen3-235b-a22b-fp8", {.tp = 8}, "h100") == "block_experts");
    CHECK(broken_rule("vllm", "qwen3-235b-a22b-fp8", {.tp = 8, .ep = 8}, "h100") == "launches");
    CHECK(broken_rule("vllm", "qwen3-235b-a22b-fp8", {.tp = 4}, "h100") == "launches");
    CHECK(broken_rule("vllm", "qwen3-235b-a22b", {.tp = 8}, "h100") == "launches");   // bf16 has no blocks
    CHECK(broken_rule("vllm", "deepseek-v3", {.tp = 8, .ep = 4}, "h200") == "ep_all_or_none");
    CHECK(broken_rule("sglang", "deepseek-v3", {.tp = 8, .ep = 4}, "h200") == "launches");
    CHECK(broken_rule("ideal", "deepseek-v3", {.tp = 8, .ep = 4}, "h200") == "launches");
}

TEST_CASE("of several groups of layers the one that breaks a rule is told") {
    const DataStore data;
    const EngineRules rules = load_engine_rules(data, "vllm");
    Architecture a = load_model(data, "deepseek-v3");   // dense width 18432, experts 2048
    const auto problem =
        launch_problem(rules, a, a.precision, {.tp = 32, .ep = 32}, load_accelerator(data, "h200"), {});
    REQUIRE(problem);
    CHECK(problem->reason() ==
          "dense layers in fp8-block are cut in blocks of 128: width 18432 over tp 32 is no multiple of it");
}

TEST_CASE("an accelerator without a generation breaks no rule about it") {
    const DataStore data;
    const EngineRules rules = load_engine_rules(data, "trtllm");
    const Architecture a = load_model(data, "mixtral-8x7b");
    Accelerator unknown;
    CHECK_FALSE(launch_problem(rules, a, a.precision, {.tp = 8}, unknown, {}));
    unknown.generation = "cdna3";
    CHECK(launch_problem(rules, a, a.precision, {.tp = 8}, unknown, {})->name() == "nvidia");
}

namespace {

std::string broken_apart(const char* engine, const char* model, LaunchRole role, const Layout& own,
                         const Layout& partner) {
    const DataStore data;
    const Architecture a = load_model(data, model);
    const EngineRules rules = load_engine_rules(data, engine);
    const auto problem =
        launch_problem(rules, a, a.precision, own, load_accelerator(data, "h200"), {0, 0, role, &partner});
    return problem ? std::string(problem->name()) : "launches";
}

}   // namespace

TEST_CASE("what engines demand of two pools that hand over caches") {
    using enum LaunchRole;
    // vLLM issues 40674 and 52913: no pipeline stages on either side of NixlConnector; alone it takes them.
    CHECK(broken_apart("vllm", "deepseek-v3", prefill, {.tp = 4, .pp = 2}, {.tp = 8}) ==
          "transfer_no_pipeline");
    CHECK(broken_apart("vllm", "deepseek-v3", decode, {.tp = 4, .pp = 2}, {.tp = 8}) ==
          "transfer_no_pipeline");
    CHECK(broken_apart("vllm", "deepseek-v3", both, {.tp = 4, .pp = 2}, {.tp = 4, .pp = 2}) == "launches");
    CHECK(broken_apart("vllm", "deepseek-v3", prefill, {.tp = 4}, {.tp = 8}) == "launches");
    // Its table of compatibility: recurrent states want equal tensor parallelism.
    CHECK(broken_apart("vllm", "qwen3-next-80b-a3b", prefill, {.tp = 4}, {.tp = 2}) ==
          "transfer_recurrent_tp");
    CHECK(broken_apart("vllm", "qwen3-next-80b-a3b", decode, {.tp = 2}, {.tp = 2}) == "launches");
    // SGLang issue 38552: gpt-oss-120b with prefill TP1 and decode TP4; DeepSeek (latent) is not concerned.
    CHECK(broken_apart("sglang", "gpt-oss-120b", prefill, {.tp = 1}, {.tp = 4}) == "transfer_windowed_tp");
    CHECK(broken_apart("sglang", "gpt-oss-120b", decode, {.tp = 4}, {.tp = 4}) == "launches");
    CHECK(broken_apart("sglang", "deepseek-v3", prefill, {.tp = 4}, {.tp = 8}) == "launches");
    // 'Decode pp size should be equal to prefill pp size or 1'; PP8TP8 in prefill with TP4 in decode runs (issue 11857).
    CHECK(broken_apart("sglang", "deepseek-v3", prefill, {.tp = 8, .pp = 8}, {.tp = 4}) == "launches");
    CHECK(broken_apart("sglang", "deepseek-v3", decode, {.tp = 4}, {.tp = 8, .pp = 8}) == "launches");
    CHECK(broken_apart("sglang", "deepseek-v3", decode, {.tp = 4, .pp = 2}, {.tp = 8, .pp = 8}) ==
          "transfer_pipeline");
    CHECK(broken_apart("sglang", "deepseek-v3", decode, {.tp = 4, .pp = 2}, {.tp = 8, .pp = 2}) ==
          "launches");
    // TensorRT-LLM: TP and PP of the servers may differ.
    CHECK(broken_apart("trtllm", "deepseek-v3", decode, {.tp = 4, .pp = 2}, {.tp = 8}) == "launches");
}

TEST_CASE("a rule about a pool names the option of that pool") {
    const DataStore data;
    const Architecture a = load_model(data, "deepseek-v3");
    const EngineRules rules = load_engine_rules(data, "vllm");
    const Layout other{.tp = 8};
    const auto problem = launch_problem(rules, a, a.precision, {.tp = 4, .pp = 2},
                                        load_accelerator(data, "h200"), {0, 0, LaunchRole::prefill, &other});
    REQUIRE(problem);
    CHECK(problem->fix() == "--prefill-pp 1");
    CHECK(problem->reason() ==
          "NixlConnector hands caches over between workers of one pipeline stage each, the prefill worker "
          "has 2");
}
