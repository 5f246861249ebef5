// SPDX-License-Identifier: Apache-2.0
// Rules files of the engines as read. Formats: engine_format_examples.csv, each row from a document or thread that its
// note names; the rest by the documents that the files quote.
#include <doctest/doctest.h>

#include <string>

#include "../base/input_error.h"
#include "moecost/base/csv.h"
#include "moecost/base/read_file.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/engine_rules.h"

using namespace moecost;

namespace {

std::string word_of(Compute c) {
    constexpr std::string_view words[] = {"by_tables", "native", "weight_only", "refused"};
    return std::string(words[static_cast<std::size_t>(c)]);
}

CsvTable table_of(const std::string& name) {
    const std::string path = std::string(MOECOST_TEST_DATA "/hardware/").append(name);
    return {read_file(path), path};
}

FormatRole role_of(const std::string& word) {
    return word == "cache"     ? FormatRole::cache
           : word == "experts" ? FormatRole::experts
                               : FormatRole::weights;
}

/// A rules file of two lines of each kind, with `extra` behind it.
std::string small(const std::string& extra) {
    return "schema = 1\nengine = \"x\"\nname = \"X\"\nversions = \"1\"\ndate = \"2026\"\nsource = \"s\"\n"
           "[numbers]\nworld = [\"tp\"]\n" +
           extra +
           "[[format]]\nrole = \"weights\"\nformats = [\"bf16\"]\ngenerations = [\"any\"]\ncompute = "
           "\"native\"\n"
           "kernel = \"k\"\nsource = \"s\"\n"
           "[defaults]\nsource = \"s\"\nbatching = \"chunked_prefill\"\nmemory_basis = \"total\"\n"
           "[memory]\nfraction_of = \"total\"\ncovers = [\"cache\"]\ngraphs = \"none\"\nformula = \"f\"\n"
           "version = \"1.0\"\nsource = \"s\"\n";
}

std::string failure(const std::string& extra) {
    return message_of([&] { (void)engine_rules_from_toml(parse_toml(small(extra), "x.toml")); });
}

}   // namespace

TEST_CASE("formats run as the documents of each engine say") {
    const DataStore data;
    const CsvTable table = table_of("engine_format_examples.csv");
    REQUIRE(table.rows() > 40);
    for (std::size_t i = 0; i < table.rows(); ++i) {
        const auto cell = [&](std::string_view column) {
            return std::string(table.text(i, table.column(column)));
        };
        CAPTURE(i);
        CAPTURE(cell("note"));
        const EngineRules rules = load_engine_rules(data, cell("engine"));
        const CacheKind kind = cell("mixer") == "latent" ? CacheKind::latent : CacheKind::grouped;
        const DType format = dtype_named(cell("format")).value();
        const Compute c = how_computed(rules, role_of(cell("role")), format, cell("generation"), kind);
        CHECK(word_of(c) == cell("expected"));
        const FormatSupport all = format_support(rules, cell("generation"));
        const Compute same = cell("role") == "cache"     ? all.cache(format, kind)
                             : cell("role") == "experts" ? all.experts(format)
                                                         : all.weights(format);
        CHECK(same == c);
    }
}

TEST_CASE("an unknown generation leaves formats to the tables") {
    const EngineRules rules = load_engine_rules(DataStore(), "vllm");
    CHECK(format_support(rules, "") == FormatSupport{});
    CHECK(generation_code(rules, "") == unknown_generation);
    CHECK(generation_code(rules, "npu") == -1);
}

TEST_CASE("every accelerator of the catalogue has a generation, its relative's where it states none") {
    const DataStore data;
    for (const std::string& id : data.names("hwmodels/accelerators")) {
        CAPTURE(id);
        CHECK_FALSE(load_accelerator(data, id).generation.empty());
    }
    Accelerator own;
    own.relative = "b200_sxm";
    CHECK(generation_of(data, own) == "blackwell");
    own.relative = "nothing";
    CHECK(generation_of(data, own).empty());
}

TEST_CASE("defaults of the rules are those of every calibrated profile") {
    const DataStore data;
    for (const std::string& name : data.names(profile_folder)) {
        CAPTURE(name);
        const Profile p = profile_from_toml(data.open(profile_folder, name, "profile"), {});
        const EngineRules rules = load_engine_rules(data, p.engine);
        const std::string generation =
            p.accelerator == any_accelerator ? "" : load_accelerator(data, p.accelerator).generation;
        const EngineSettings d = default_settings(rules, generation);
        CHECK(d.batching == p.defaults.batching);
        CHECK(d.memory_basis == p.defaults.memory_basis);
        CHECK(d.chunk_tokens == p.defaults.chunk_tokens);
        CHECK(d.max_sequences == p.defaults.max_sequences);
        CHECK(d.memory_fraction == p.defaults.memory_fraction);
        CHECK(d.reserve == p.defaults.reserve);
        CHECK(d.output_reserve == p.defaults.output_reserve);
        CHECK(d.admission_steps == p.defaults.admission_steps);
        CHECK(d.acceptance == p.defaults.acceptance);
    }
}

TEST_CASE("the cache is fp8 on Blackwell, and under TensorRT-LLM with per-tensor fp8 weights") {
    const DataStore data;
    const auto cache = [&](const char* engine, const char* generation, DType attention) {
        TermValues weights{};
        weights[static_cast<std::size_t>(RuleTerm::attention)] = static_cast<double>(attention);
        return default_cache(load_engine_rules(data, engine), generation, weights);
    };
    CHECK(cache("vllm", "hopper", DType::fp8) == DType::bf16);
    CHECK(cache("vllm", "blackwell", DType::bf16) == DType::fp8);
    CHECK(cache("sglang", "cdna4", DType::bf16) == DType::fp8);
    CHECK(cache("trtllm", "hopper", DType::fp8) == DType::fp8);
    CHECK(cache("trtllm", "hopper", DType::fp8_block) == DType::bf16);
    CHECK(cache("ideal", "blackwell", DType::fp8) == DType::bf16);
}

TEST_CASE("TensorRT-LLM compiled models in its early releases, and so does the harness of MLPerf 5.1") {
    const EngineRules rules = load_engine_rules(DataStore(), "trtllm");
    for (const char* release : {"0.14.0", "0.17", "TensorRT 10.11"}) CHECK(rules.compiles(release));
    // Tables name containers of Dynamo by its own releases: 0.8.1 runs TensorRT-LLM 1.2.
    for (const char* release : {"", "0.8.1.post1", "1.0", "1.2.0rc6", "10.0"})
        CHECK(!rules.compiles(release));
    CHECK(!load_engine_rules(DataStore(), "vllm").compiles("0.6"));
}

TEST_CASE("flags are found by our input and by the engine's word") {
    const DataStore data;
    const EngineRules sglang = load_engine_rules(data, "sglang");
    const auto tp = flags_of(sglang, "tp");
    REQUIRE(tp.size() == 1);
    CHECK(tp[0]->flag == "--tp-size");
    CHECK(tp[0]->value == std::vector<std::string>{"tp", "attention_dp"});   // the world of a stage
    CHECK(flags_named(sglang, "--tp").at(0) == tp[0]);
    const EngineRules vllm = load_engine_rules(data, "vllm");
    CHECK(flags_named(vllm, "--tensor_parallel_size").at(0)->input == "tp");   // '_' is '-'
    CHECK(flags_named(vllm, "--enable-expert-parallel").at(0)->is_switch());
    CHECK(flags_named(vllm, "--no-such-flag").empty());
    CHECK(flags_named(load_engine_rules(data, "trtllm"), "enable_attention_dp").at(0)->input ==
          "attention_dp");
    CHECK(vllm.program.port == 8000);
    CHECK(vllm.program.command == std::vector<std::string>{"vllm", "serve", "{model}"});
}

TEST_CASE("a mistake in a rules file names its line and key") {
    CHECK(failure("") == "no InputError");
    const std::string rule = "[[launch]]\nrule = \"r\"\nreason = \"{tp}\"\nfix = \"f\"\nsource = \"s\"\n";
    CHECK(failure(rule + "check = [{ of = \"tp\", is = [\"1\"] }]\n") == "no InputError");
    CHECK(failure(rule).find("launch[0].check': a rule checks something") != std::string::npos);
    CHECK(failure(rule + "check = [{ of = \"tq\", is = [\"1\"] }]\n")
              .find("x.toml:14:17: key 'launch[0].check[0].of': 'tq' is no quantity") != std::string::npos);
    CHECK(failure(rule + "check = [{ of = \"tp\" }]\n").find("one relation") != std::string::npos);
    CHECK(failure(rule + "check = [{ of = \"exchange\", is = [\"deepep\"] }]\n").find("'deepep'") !=
          std::string::npos);
    CHECK(failure("[[launch]]\nrule = \"r\"\nreason = \"{width}\"\nfix = \"f\"\nsource = \"s\"\n"
                  "check = [{ of = \"tp\", is = [\"1\"] }]\n")
              .find("'width' is no quantity") != std::string::npos);
    CHECK(failure("[program]\ncommand = [\"x\"]\nconfig = []\nimage = \"i\"\nport = 0\nhealth = \"/\"\n")
              .find("program.port': 0 is not in 1..65535") != std::string::npos);
    CHECK(failure("[[flag]]\ninput = \"tp\"\nflag = \"--tp\"\nvalue = [\"tp\"]\ntemplate = \"1\"\n")
              .find("more than one of value") != std::string::npos);
    CHECK(failure("[extra]\n").find("extra': unknown key") != std::string::npos);
}

TEST_CASE("an engine that is not there is named with the nearest") {
    CHECK(message_of([] { (void)load_engine_rules(DataStore(), "vlm"); }).find("no engine is named 'vlm'") !=
          std::string::npos);
    CHECK(engine_rules_if_any(DataStore(), "mine").launch.empty());
}

TEST_CASE("TensorRT-LLM reads neither GGUF nor bitsandbytes; vLLM does") {
    const auto weights = [](std::string_view engine, DType format) {
        return format_support(load_engine_rules(DataStore(), engine), "hopper").weights(format);
    };
    for (const DType format : {DType::q4_k_m, DType::iq1_s, DType::nf4}) {
        CHECK(weights("trtllm", format) == Compute::refused);
        CHECK(weights("vllm", format) == Compute::weight_only);
    }
    CHECK(weights("trtllm", DType::int4_zp_g128) == Compute::weight_only);
}
