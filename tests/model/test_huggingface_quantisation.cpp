// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fixtures.h"
#include "moecost/model/counts.h"
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
    CHECK(ignoring(R"("model.layers.0.mlp.*_proj")").dense_ffn == DType::bf16);   // its only dense layer
    CHECK(ignoring(R"("gate","lm_head")").dense_ffn == DType::nvfp4);             // the router, not gate_proj
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
        "model.layers.1.mlp.experts":{"quant_algo":"NVFP4"},
        "model.layers.2.mlp.experts":{"quant_algo":"NVFP4"},
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

std::string error_with(const std::string& quantisation) {
    try {
        static_cast<void>(with(quantisation));
    } catch (const InputError& e) {
        return std::string(e.what()).append("; ").append(e.hint());
    }
    return "no error";
}

TEST_CASE("a quantisation that is not understood asks for the format, it is never bf16") {
    for (const char* text :
         {R"({"quant_method":"hocus"})", R"({"quant_method":"aqlm","nbits_per_codebook":16})",
          R"({"bits":4})", R"({"quant_method":"gptq","bits":5,"group_size":128})",
          R"({"quant_method":"bitsandbytes"})", R"({"quant_method":"torchao","quant_type":"autoquant"})",
          R"({"quant_algo":"HOCUS"})",
          R"({"quant_method":"hqq","quant_config":{"weight_quant_params":{"nbits":3,"group_size":64}}})"}) {
        CAPTURE(text);
        CHECK(error_with(text).find("--weights FORMAT") != std::string::npos);
    }
    std::string s("{");
    const Document document = parse_json(
        s.append(base).append(R"(,"quantization_config":{"quant_method":"hocus"}})"), "config.json");
    const Architecture stated = import_huggingface(document, nullptr, {.weights_stated = true});
    REQUIRE(!stated.notes.empty());
    CHECK(stated.notes.back().find("'hocus'") != std::string::npos);
}

TEST_CASE("each tool says its format in its own way") {
    const auto format = [](const std::string& text) { return with(text).precision.dense_ffn; };
    CHECK(format(R"({"quant_method":"awq","bits":4,"group_size":64,"zero_point":true})") ==
          DType::int4_zp_g64);
    CHECK(format(R"({"quant_method":"gptq","bits":4,"group_size":128,"sym":true})") == DType::int4_zp_g128);
    CHECK(format(R"({"quant_method":"gptq","bits":8,"group_size":-1})") == DType::int8);
    CHECK(format(R"({"quant_method":"gptq","bits":3,"group_size":128})") == DType::int3_g128);
    CHECK(format(R"({"quant_method":"bitsandbytes","load_in_4bit":true})") == DType::nf4);
    CHECK(format(R"({"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_use_double_quant":true})") ==
          DType::nf4_double);
    CHECK(format(R"({"quant_method":"bitsandbytes","load_in_8bit":true})") == DType::int8);
    CHECK(
        format(
            R"({"quant_method":"torchao","quant_type":"int4_weight_only","quant_type_kwargs":{"group_size":64}})") ==
        DType::int4_g64);
    CHECK(
        format(
            R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp4","group_size":32}}})") ==
        DType::mxfp4);
    CHECK(format(R"({"quant_method":"eetq"})") == DType::int8);
    // scale and zero point of 16 bit each per 64 weights take as much as one scale per 32
    CHECK(
        format(
            R"({"quant_method":"hqq","quant_config":{"weight_quant_params":{"nbits":4,"group_size":64}}})") ==
        DType::int4);
    const Precision w4a8 =
        with(R"({"quant_method":"w4afp8","group_size":128,"weight_block_size":[128,128]})").precision;
    CHECK(w4a8.routed_experts == DType::int4_g128);
    CHECK(w4a8.attention == DType::fp8_block);
}

TEST_CASE("the key of 2024, and a cache format as text") {
    std::string s("{");
    const std::string groups =
        R"({"quant_method":"compressed-tensors","ignore":["lm_head"],"kv_cache_scheme":"fp8","config_groups":)"
        R"({"g":{"targets":["Linear"],"weights":{"num_bits":8,"type":"float","strategy":"channel"}}}})";
    const Document document = parse_json(
        s.append(base).append(",\"compression_config\":").append(groups).append("}"), "config.json");
    const Precision p = import_huggingface(document).precision;
    CHECK(p.dense_ffn == DType::fp8);
    CHECK(p.head == DType::bf16);
    CHECK(p.kv_cache == DType::fp8);
}

/// Bytes of the release beyond those without overrides.
double beyond(const std::string& plain, const std::string& overridden) {
    const auto bytes = [](const Architecture& a) { return weight_bytes(a, a.precision).total().value(); };
    return bytes(with(overridden)) - bytes(with(plain));
}

TEST_CASE("modules with a format of their own change the bytes, not the format of the component") {
    // down_proj of the one dense layer, 256 x 512: int4 with zero points per 128 to 16 bit
    const double down = 256 * 512 * (2 - 0.5 - 2.5 / 128);
    const std::string plain = R"({"quant_method":"gptq","bits":4,"group_size":128)";
    CHECK(beyond(plain + "}", plain + R"(,"dynamic":{"-:.*layers\\.0\\.mlp\\.down_proj":{}}})") ==
          doctest::Approx(down));
    const std::string rounded = R"({"quant_method":"auto-round","bits":4,"group_size":128)";
    CHECK(
        beyond(rounded + "}", rounded + R"(,"extra_config":{"model.layers.0.mlp.down_proj":{"bits":16}}})") ==
        doctest::Approx(down));
    // two of four layers of q_proj, 256 x 256 each, in 8 bit (one scale per output)
    CHECK(beyond(rounded + "}", rounded + R"(,"extra_config":{
              "model.layers.0.self_attn.q_proj":{"bits":8,"group_size":-1},
              "model.layers.1.self_attn.q_proj":{"bits":8,"group_size":-1}}})") ==
          doctest::Approx(2 * 256 * 256 * (1 - 0.5 - 2.5 / 128)));
}

/// compressed-tensors of 4 bits in groups of 32, with this list of what is left out.
std::string four_bits(const std::string& ignored) {
    std::string s(R"({"quant_method":"compressed-tensors","config_groups":{"g":{"targets":["Linear"],)"
                  R"("weights":{"num_bits":4,"type":"int","group_size":32}}},"ignore":["lm_head")");
    return s.append(ignored).append("]}");
}

std::string expert_names(int layer, int first, int end) {
    std::string s;
    for (int e = first; e < end; ++e)
        for (const char* part : {"gate_proj", "up_proj", "down_proj"})
            s.append(",\"model.layers.")
                .append(std::to_string(layer))
                .append(".mlp.experts.")
                .append(std::to_string(e))
                .append(".")
                .append(part)
                .append("\"");
    return s;
}

// An expert holds three matrices of 256 x 64; in bf16 it takes 2 bytes an element in place of 4 bits and 2/32 bytes.
constexpr double expert_beyond = 3 * 256 * 64 * (2 - 0.5 - 2.0 / 32);

TEST_CASE("experts that a list names one by one count as such, however they are named") {
    const auto check = [](const std::string& ignored, double experts) {
        CAPTURE(ignored);
        CHECK(beyond(four_bits(""), four_bits(ignored)) == doctest::Approx(experts * expert_beyond));
        const Architecture a = with(four_bits(ignored));
        CHECK(a.precision.routed_experts == (experts > 12 ? DType::bf16 : DType::int4));
        CHECK(a.precision.attention == DType::int4);
        REQUIRE(!a.warnings.empty());   // of 24 experts some are in another format: never silently
        CHECK(a.warnings.back().find("routed experts: ") == 0);
    };
    check(expert_names(1, 0, 2), 2);
    check(expert_names(1, 0, 1) + expert_names(2, 0, 1) + expert_names(3, 0, 1), 3);
    check(expert_names(1, 0, 8), 8);
    check(expert_names(1, 0, 8) + expert_names(2, 0, 4), 12);
    check(expert_names(1, 0, 8) + expert_names(2, 0, 8), 16);
    check(",\"model.layers.*.mlp.experts.0.*\"", 3);
    check(",\"mlp.experts.0\",\"mlp.experts.5\"", 6);
    check(",\"model.layers.2.mlp.experts\"", 8);
    check(R"(,"re:.*experts\\.0\\..*")", 3);
    check(R"(,"re:.*layers\\.[12]\\.mlp\\.experts\\.[0-3]\\..*")", 8);
    check(R"(,"re:.*layers\\.3\\.mlp\\.experts.*")", 8);
}

TEST_CASE("a warning says which share of a component is in another format") {
    const Architecture a = with(four_bits(expert_names(1, 0, 6)));   // 6 of 24
    REQUIRE(a.warnings.size() == 1);
    CHECK(a.warnings[0] ==
          "routed experts: 25.0 % of the weights in bf16, the rest in int4: memory counts each, "
          "time takes all as the rest");
}

TEST_CASE("layers of towers and of drafting modules are not those of the decoder") {
    std::string names;
    for (int layer = 0; layer < 4; ++layer)
        for (const char* tower : {"vision_tower.encoder", "mtp"})
            names.append(",\"")
                .append(tower)
                .append(".layers.")
                .append(std::to_string(layer))
                .append(".self_attn.q_proj\"");
    CHECK(with(four_bits(names)).precision == with(four_bits("")).precision);
    CHECK(beyond(four_bits(""), four_bits(names)) == 0);
}

TEST_CASE("kinds of layers whose modules go by one name share what a list names") {
    // Two layers with windows and two without; two layers of the four are left out.
    const auto windows = [](const std::string& quantisation) {
        std::string s("{");
        return import_huggingface(parse_json(
            s.append(base)
                .append(R"(,"sliding_window":16,"layer_types":["sliding_attention","full_attention",)"
                        R"("sliding_attention","full_attention"],"quantization_config":)")
                .append(quantisation)
                .append("}"),
            "config.json"));
    };
    const Architecture a =
        windows(four_bits(R"(,"model.layers.0.self_attn.q_proj","model.layers.1.self_attn.q_proj")"));
    const Architecture plain = windows(four_bits(""));
    CHECK(a.precision == plain.precision);
    const double more =
        weight_bytes(a, a.precision).total().value() - weight_bytes(plain, plain.precision).total().value();
    CHECK(more == doctest::Approx(2 * 256 * 256 * (2 - 0.5 - 2.0 / 32)));
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
