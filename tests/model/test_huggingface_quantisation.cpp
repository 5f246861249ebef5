// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fixtures.h"
#include "moecost/model/huggingface/huggingface.h"
#include "moecost/model/huggingface/patterns.h"

namespace moecost {
namespace {

using test::imported;
using test::model;

constexpr const char* base = R"("model_type":"qwen3_moe","hidden_size":256,"num_hidden_layers":4,
"num_attention_heads":8,"num_key_value_heads":2,"vocab_size":1000,"num_experts":8,"num_experts_per_tok":2,
"moe_intermediate_size":64,"intermediate_size":512,"first_k_dense_replace":1,"n_shared_experts":1)";

Architecture with(const std::string& quantisation) {
    std::string s("{");
    return import_huggingface(parse_json(
        s.append(base).append(",\"quantization_config\":").append(quantisation).append("}"), "config.json"));
}

bool matches(std::string_view pattern, std::string_view name) { return ModulePattern(pattern).matches(name); }

TEST_CASE("FP8 blocks cover every linear layer, tables stay in bf16") {
    const Precision p = with(R"({"quant_method":"fp8","weight_block_size":[128,128]})").precision;
    CHECK(p == Precision{}.with_weights(DType::fp8_block));
    CHECK(with(R"({"quant_method":"fp8"})").precision == Precision{}.with_weights(DType::fp8));
}

TEST_CASE("mxfp4 converts routed experts only") {
    Precision expected;
    expected.routed_experts = DType::mxfp4;
    CHECK(with(R"({"quant_method":"mxfp4"})").precision == expected);
    CHECK(model("gpt-oss-120b").precision == expected);
}

TEST_CASE("compressed tensors name their format by bits, type and group") {
    const auto group = [](const std::string& weights) {
        std::string s(
            R"({"quant_method":"compressed-tensors","config_groups":{"group_0":{"targets":["Linear"],"weights":)");
        return with(s.append(weights).append("}},\"ignore\":[\"lm_head\"]}")).precision.routed_experts;
    };
    CHECK(group(R"({"num_bits":4,"type":"int","group_size":32})") == DType::int4);
    CHECK(group(R"({"num_bits":8,"type":"int"})") == DType::int8);
    CHECK(group(R"({"num_bits":8,"type":"float","strategy":"channel"})") == DType::fp8);
    CHECK(group(R"({"num_bits":8,"type":"float","strategy":"block"})") == DType::fp8_block);
    CHECK(group(R"({"num_bits":4,"type":"float","group_size":16})") == DType::nvfp4);
    CHECK(group(R"({"num_bits":4,"type":"float","group_size":32})") == DType::mxfp4);
}

TEST_CASE("expressions of an ignore list leave whole components in bf16") {
    Precision expected;
    expected.routed_experts = DType::int4;
    CHECK(imported("kimi-k2.5").precision == expected);
    expected.routed_experts = DType::mxfp4;
    CHECK(imported("kimi-k3").precision == expected);
}

TEST_CASE("a list that names every layer leaves a component out, one layer does not") {
    const auto ignoring = [](const std::string& list) {
        std::string s(R"({"quant_method":"modelopt","quant_algo":"NVFP4","exclude_modules":[)");
        return with(s.append(list).append("]}")).precision;
    };
    const Precision all = ignoring(
        R"("model.layers.0.self_attn*","model.layers.1.self_attn*",
           "model.layers.2.self_attn*","model.layers.3.self_attn*")");
    CHECK(all.attention == DType::bf16);
    CHECK(all.routed_experts == DType::nvfp4);
    CHECK(ignoring(R"("model.layers.0.self_attn*")").attention == DType::nvfp4);
    CHECK(ignoring(R"("model.layers.*.self_attn")").attention == DType::bf16);
    CHECK(ignoring(R"("model.layers.0.mlp.gate_proj")").dense_ffn == DType::bf16);   // its only dense layer
    CHECK(ignoring(R"("gate","lm_head")").dense_ffn == DType::nvfp4);   // the router, not gate_proj
    CHECK(ignoring(R"("*.shared_experts.*")").shared_experts == DType::bf16);
}

TEST_CASE("the file beside a configuration decides, cache format included") {
    const Precision p = imported("deepseek-v3.1-nvfp4").precision;
    CHECK(p.attention == DType::bf16);   // q_a, q_b, kv_a and kv_b are excluded in every layer
    CHECK(p.output_projection == DType::nvfp4);
    CHECK(p.routed_experts == DType::nvfp4);
    CHECK(p.kv_cache == DType::fp8);
    const Precision nemotron = imported("nemotron-3-super-120b-a12b-fp8").precision;
    CHECK(nemotron.routed_experts == DType::fp8);
    CHECK(nemotron.kv_cache == DType::fp8);
}

TEST_CASE("mixed precision takes the format each component names") {
    const Precision p = with(R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","quantized_layers":{
        "model.layers.1.mlp.experts.0.gate_proj":{"quant_algo":"NVFP4"},
        "model.layers.1.mlp.experts.1.gate_proj":{"quant_algo":"NVFP4"},
        "model.layers.2.mlp.experts.0.gate_proj":{"quant_algo":"NVFP4"},
        "model.layers.3.mlp.experts.0.gate_proj":{"quant_algo":"NVFP4"},
        "model.layers.0.self_attn.q_proj":{"quant_algo":"FP8"},
        "model.layers.1.self_attn.q_proj":{"quant_algo":"FP8"},
        "model.layers.2.self_attn.q_proj":{"quant_algo":"FP8"},
        "model.layers.0.self_attn.o_proj":{"quant_algo":"FP8"},
        "model.layers.1.self_attn.o_proj":{"quant_algo":"FP8"},
        "model.layers.2.self_attn.o_proj":{"quant_algo":"FP8"}}})")
                            .precision;
    CHECK(p.routed_experts == DType::nvfp4);
    CHECK(p.attention == DType::fp8);
    CHECK(!p.output_projection);
    CHECK(p.shared_experts == DType::bf16);
}

TEST_CASE("an unknown method is noted") {
    const Architecture a = with(R"({"quant_method":"hocus"})");
    CHECK(a.precision == Precision{});
    REQUIRE(!a.notes.empty());
    CHECK(a.notes.back().find("'hocus'") != std::string::npos);
}

TEST_CASE("module patterns") {
    CHECK(matches("mlp.gate", "model.layers.0.mlp.gate"));
    CHECK(!matches("mlp.gate", "model.layers.0.mlp.gate_proj"));
    CHECK(matches("self_attn", "model.layers.0.self_attn.q_proj"));
    CHECK(matches("model.layers.*.self_attn", "model.layers.0.self_attn.q_proj"));
    CHECK(matches("model.layers.#*", "model.layers.#.mlp"));
    CHECK(!matches("model.layers.*.mlp", "model.layers.0.self_attn.q_proj"));
    CHECK(matches("re:.*self_attn.*", "model.layers.0.self_attn.q_proj"));
    CHECK(matches("re:.*mlp\\.(gate|up|gate_up|down)_proj.*", "model.layers.0.mlp.gate_up_proj"));
    CHECK(!matches("re:.*mlp\\.(gate|up|gate_up|down)_proj.*", "model.layers.0.mlp.experts.0.gate_proj"));
    CHECK(matches("re:model\\.layers\\.\\d+\\.mlp\\.gate$", "model.layers.12.mlp.gate"));
    CHECK(!matches("re:model\\.layers\\.\\d+\\.mlp\\.gate$", "model.layers.12.mlp.gate_proj"));
    CHECK(matches("re:^model\\.layers\\.[0-2]\\..*", "model.layers.1.mlp"));
    CHECK(!matches("re:^model\\.layers\\.[^0-2]\\..*", "model.layers.1.mlp"));
    CHECK(matches("re:a(b|c(d|e))?f", "acef"));
    CHECK(matches("re:a(b|c(d|e))?f", "af"));
    CHECK(matches("re:ab+c", "abbbc"));
    CHECK(!matches("re:ab+c", "ac"));
    CHECK(!matches("re:(a|b)*c", "abc"));   // a repeated group is not known here: matches nothing
    CHECK(!matches("re:self_attn", "model.self_attn"));   // from the start of the name
    CHECK(!matches("", "model"));
    CHECK(!matches("re:[", "["));
    CHECK(!matches("re:\\", "x"));
}

TEST_CASE("a hostile expression is answered at once") {
    std::string nested("re:");
    for (int i = 0; i < 40; ++i) nested.append("(a|b)");
    CHECK(!matches(nested, std::string(60, 'a')));
    CHECK(!matches("re:" + std::string(200, 'a') + std::string(200, '*'), std::string(60, 'a')));
    std::string stars("re:");
    for (int i = 0; i < 200; ++i) stars.append("a*");
    CHECK(!matches(stars + "b", std::string(70, 'a')));
    CHECK(!matches(std::string(100'000, '*') + "b", std::string(70, 'a')));
}

}   // namespace
}   // namespace moecost
