// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "fixtures.h"
#include "moecost/model/counts.h"
#include "moecost/model/huggingface/huggingface.h"

namespace moecost {
namespace {

using test::fixture;
using test::imported;
using test::model;
Architecture import(const std::string& json) { return import_huggingface(parse_json(json, "config.json")); }

std::string error_of(const std::string& json) {
    try {
        static_cast<void>(import(json));
    } catch (const InputError& e) {
        return e.what();
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A dense model with the given keys put in front (a later key of the base is left out when repeated there).
std::string llama(const std::string& extra) {
    std::string s("{");
    s.append(extra);
    for (const auto& [key, value] : {std::pair<const char*, const char*>{"model_type", "\"llama\""},
                                     {"hidden_size", "256"},
                                     {"num_hidden_layers", "4"},
                                     {"num_attention_heads", "8"},
                                     {"num_key_value_heads", "2"},
                                     {"intermediate_size", "512"},
                                     {"vocab_size", "1000"},
                                     {"max_position_embeddings", "4096"}}) {
        std::string quoted("\"");
        quoted.append(key).append("\"");
        if (contains(extra, quoted + ":")) continue;
        s.append(s.size() > 1 ? "," : "").append(quoted).append(":").append(value);
    }
    return s.append("}");
}

std::string moe(const std::string& extra) {
    std::string s(extra);
    for (const char* line :
         {"\"num_experts\":8", "\"num_experts_per_tok\":2", "\"moe_intermediate_size\":64"}) {
        const std::string text(line);
        if (contains(extra, text.substr(0, text.find(':') + 1))) continue;
        s.append(s.empty() ? "" : ",").append(text);
    }
    return llama(s);
}

const GroupedAttention& grouped(const Architecture& a, std::size_t i = 0) {
    return std::get<GroupedAttention>(a.mixers.at(i).kind);
}
const MoeFfn& experts(const Architecture& a, std::size_t i = 0) {
    return std::get<MoeFfn>(a.ffns.at(i).kind);
}

TEST_CASE("re-typed configurations import as the models of the library") {
    int imports = 0;
    for (const auto& entry : std::filesystem::directory_iterator(fixture("configs"))) {
        const std::string stem = entry.path().stem().string();
        if (stem.ends_with(".hf_quant_config")) continue;
        CAPTURE(stem);
        Architecture expected = model(stem);
        expected.source = expected.licence = expected.released = std::string();   // no config.json tells
        Architecture found = imported(stem);
        expected.towers.clear();   // the fixtures hold no vision keys
        std::erase_if(expected.notes, [](const std::string& n) { return n.starts_with("vision tower "); });
        CHECK(found == expected);
        ++imports;
    }
    CHECK(imports >= 25);
}

TEST_CASE("a configuration is told from a model file of our own") {
    CHECK(is_huggingface_config(parse_json(R"({"model_type": "llama"})", "x.json")));
    CHECK(
        !is_huggingface_config(parse_toml("name = 'x'\nhidden = 3\n[[mixer]]\nkind = 'grouped'", "x.toml")));
}

TEST_CASE("head_dim need not be hidden over heads") {
    CHECK(grouped(import(llama(""))).qk_dim == 32);
    CHECK(grouped(import(llama("\"head_dim\":128"))).qk_dim == 128);
    CHECK(contains(error_of(llama("\"hidden_size\":250")), "key 'head_dim': missing"));
}

TEST_CASE("null equals absent") {
    const std::string json =
        llama("\"num_key_value_heads\":null,\"sliding_window\":null,\"num_experts\":null");
    CHECK(grouped(import(json)).kv_heads == 8);
    CHECK(std::holds_alternative<DenseFfn>(import(json).ffns.front().kind));
}

TEST_CASE("a sliding window counts only where it is used") {
    CHECK(grouped(import(llama("\"sliding_window\":512,\"model_type\":\"mistral\""))).window == 512);
    CHECK(grouped(import(llama("\"sliding_window\":512,\"use_sliding_window\":false"))).window == 0);
    CHECK(grouped(import(llama("\"sliding_window\":8192"))).window == 0);   // beyond the context
    const Architecture qwen =
        import(llama("\"sliding_window\":512,\"use_sliding_window\":true,\"max_window_layers\":3,\"model_"
                     "type\":\"qwen2\""));
    CHECK(qwen.mixers.at(0).count == 3);
    CHECK(grouped(qwen, 1).window == 512);
}

TEST_CASE("windowed families alternate by pattern") {
    const Architecture by_key = import(llama("\"sliding_window\":512,\"sliding_window_pattern\":4"));
    REQUIRE(by_key.mixers.size() == 2);
    CHECK(by_key.mixers[0].count == 3);
    CHECK(grouped(by_key, 1).window == 0);
    const Architecture gemma2 = import(llama("\"sliding_window\":512,\"model_type\":\"gemma2\""));
    CHECK(gemma2.mixers[0].count == 2);
    const Architecture gemma3 =
        import(llama("\"sliding_window\":512,\"model_type\":\"gemma3_text\",\"num_hidden_layers\":12"));
    CHECK(gemma3.mixers[0].count == 10);   // five windowed, one full
}

TEST_CASE("layer types are taken literally and may be longer than the model") {
    const Architecture a =
        import(llama("\"sliding_window\":128,\"layer_types\":[\"sliding_attention\",\"full_attention\","
                     "\"sliding_attention\","
                     "\"sliding_attention\",\"full_attention\"]"));
    REQUIRE(a.mixers.size() == 2);
    CHECK(grouped(a, 0).window == 128);
    CHECK(a.mixers[0].count == 3);
    CHECK(contains(error_of(llama("\"layer_types\":[\"full_attention\"]")),
                   "has 1 entries, the model 4 layers"));
    CHECK(contains(error_of(llama("\"layer_types\":[\"a\",\"b\",\"c\",\"d\"]")), "unknown layer type 'a'"));
}

TEST_CASE("layers with experts follow the first rule that applies") {
    const auto moe_layers = [](const Architecture& a) {
        int sum = 0;
        for (const FfnGroup& g : a.ffns) sum += std::holds_alternative<MoeFfn>(g.kind) ? g.count : 0;
        return sum;
    };
    CHECK(moe_layers(import(moe(""))) == 4);
    CHECK(moe_layers(import(moe("\"first_k_dense_replace\":3"))) == 1);
    CHECK(moe_layers(import(moe("\"moe_layer_freq\":2"))) == 2);
    CHECK(moe_layers(import(moe("\"moe_layer_freq\":[0,1,1,1]"))) == 3);
    CHECK(moe_layers(import(moe("\"decoder_sparse_step\":2"))) == 2);
    CHECK(moe_layers(import(moe("\"decoder_sparse_step\":1,\"mlp_only_layers\":[0,3]"))) == 2);
    CHECK(moe_layers(import(moe("\"mlp_layer_types\":[\"dense\",\"sparse\",\"sparse\",\"sparse\"]"))) == 3);
    CHECK(moe_layers(import(moe("\"moe_layers_enum\":\"1,3\""))) == 2);
    CHECK(moe_layers(import(moe("\"interleave_moe_layer_step\":2"))) == 2);
    CHECK(moe_layers(import(moe("\"expert_layer_period\":4,\"expert_layer_offset\":1"))) == 1);
    CHECK(moe_layers(import(moe("\"moe_layer_start_index\":1,\"moe_layer_end_index\":2"))) == 2);
    CHECK(contains(error_of(moe("\"moe_layers_enum\":\"1,9\"")), "key 'moe_layers_enum'"));
    CHECK(contains(error_of(moe("\"moe_layer_freq\":[0,1]")), "has 2 entries, the model 4 layers"));
}

TEST_CASE("shared experts are a number of them or a width, by family") {
    CHECK(experts(import(moe(""))).shared_width == 0);
    CHECK(experts(import(moe("\"n_shared_experts\":2"))).shared_width == 128);
    CHECK(experts(import(moe("\"shared_expert_intermediate_size\":96"))).shared_width == 96);
    CHECK(experts(import(moe("\"shared_expert_intermediate_size\":96"))).shared_gate);
    CHECK(!experts(import(moe("\"shared_expert_intermediate_size\":0"))).shared_gate);
}

TEST_CASE("group-limited routing restricts experts and adds no parameters") {
    const Architecture a = import(moe("\"n_group\":4,\"topk_group\":2"));
    CHECK(experts(a).expert_groups == 4);
    CHECK(experts(a).groups_used == 2);
    CHECK(count(a).total == count(import(moe(""))).total);
}

TEST_CASE("models outside the library import with their published exact counts") {
    const auto total = [](const std::string& extra) { return count(import(llama(extra))).total; };
    CHECK(total(R"("model_type":"mistral","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,
        "num_key_value_heads":8,"intermediate_size":14336,"vocab_size":32000,"sliding_window":4096)") ==
          7'241'732'096);
    CHECK(total(R"("model_type":"gemma2","hidden_size":3584,"num_hidden_layers":42,"num_attention_heads":16,
        "num_key_value_heads":8,"head_dim":256,"intermediate_size":14336,"vocab_size":256000)") ==
          9'241'705'984);
    CHECK(total(R"("model_type":"olmo2","hidden_size":4096,"num_hidden_layers":32,"num_attention_heads":32,
        "num_key_value_heads":32,"intermediate_size":11008,"vocab_size":100352)") == 7'298'617'344);
    CHECK(total(R"("model_type":"qwen2","hidden_size":8192,"num_hidden_layers":80,"num_attention_heads":64,
        "num_key_value_heads":8,"intermediate_size":29568,"vocab_size":152064)") == 72'706'203'648);
}

TEST_CASE("an unknown family is read by its keys, and that is told") {
    const Architecture a = import(moe("\"model_type\":\"something_new\""));
    CHECK(experts(a).experts == 8);
    CHECK(a.notes.empty());
    CHECK(a.warnings.size() == 1);
}

TEST_CASE("a key that nothing reads is an error when it says a size, else a warning") {
    const std::string error = error_of(moe("\"gadget_rank\":64"));
    CHECK(contains(error, "key 'gadget_rank': states a part of the model that is not known here"));
    CHECK(contains(error_of(llama("\"num_gadgets\":4")), "'num_gadgets'"));
    CHECK(contains(error_of(llama("\"use_gadget\":true")), "'use_gadget'"));
    CHECK(contains(error_of(llama("\"gadgets\":[0,0,1,1]")), "'gadgets'"));   // an entry per layer
    for (const char* harmless : {"\"use_gadget\":false", "\"gadget_rank\":0", "\"gadget_rank\":null",
                                 "\"num_gadgets\":[]", "\"rope_theta\":1e4", "\"hidden_dropout\":0.1"}) {
        CAPTURE(harmless);
        CHECK(error_of(llama(harmless)) == "no error");
        CHECK(import(llama(harmless)).warnings.empty());
    }
    const Architecture warned = import(llama("\"colour\":\"red\""));
    REQUIRE(warned.warnings.size() == 1);
    CHECK(contains(warned.warnings.front(), "'colour'"));
    ImportOptions options;
    options.ignored_keys = {"gadget_rank"};
    const Document document = parse_json(llama("\"gadget_rank\":64"), "config.json");
    CHECK(import_huggingface(document, nullptr, options).warnings.empty());
}

TEST_CASE("keys are accounted for in nested tables as well") {
    const std::string nested =
        std::string("{\"text_config\":").append(llama("\"gadget_rank\":64")).append("}");
    CHECK(contains(error_of(nested), "key 'text_config.gadget_rank'"));
    CHECK(contains(
        error_of(llama("\"linear_attn_config\":{\"kda_layers\":[1],"
                       "\"num_heads\":8,\"head_dim\":32,\"short_conv_kernel_size\":4,\"gadget_rank\":3}")),
        "linear_attn_config.gadget_rank"));
}

TEST_CASE("a parallel block has one norm, an ungated feed-forward two matrices and its biases") {
    const auto total = [](const std::string& extra) { return count(import(llama(extra))).total; };
    const double base = total("");   // h 256, f 512, 4 layers, V 1000
    CHECK(total("\"model_type\":\"cohere\",\"tie_word_embeddings\":false") == base - 4 * 256);
    CHECK(total("\"hidden_act\":\"relu2\"") == base - 4 * 256 * 512);
    CHECK(total("\"mlp_bias\":true") == base + 4 * (2 * 512 + 256));
    // gpt_neox: biases of q, k, v, o, FFN, LayerNorms
    const double qkvo = 256 + 2 * 64 + 256;
    CHECK(total("\"model_type\":\"gpt_neox\"") == base - 4 * 256 * 512 + 4 * (qkvo + 512 + 256) + 9 * 256);
}

TEST_CASE("spellings of other houses are read") {
    const Architecture gpt2 =
        import(R"({"model_type":"gpt2","n_embd":256,"n_layer":4,"n_head":8,"n_positions":128,
        "vocab_size":1000})");
    CHECK(gpt2.hidden == 256);
    CHECK(std::get<DenseFfn>(gpt2.ffns.front().kind).width == 1024);
    REQUIRE(gpt2.tables.size() == 1);
    CHECK(gpt2.tables.front().rows == 128);
    const Architecture params = import(R"({"dim":256,"n_layers":4,"n_heads":8,"n_kv_heads":2,"head_dim":32,
        "hidden_dim":512,"vocab_size":1000,"norm_eps":1e-5,"rope_theta":1e6})");
    CHECK(count(params).total == count(import(llama(""))).total);
}

TEST_CASE("families with tensors this program does not describe are refused") {
    CHECK(contains(error_of(llama("\"altup_num_inputs\":4")), "not supported"));
    CHECK(contains(error_of(llama("\"lru_width\":256")), "not supported"));
    CHECK(contains(error_of(llama("\"is_encoder_decoder\":true")), "not supported"));
    CHECK(error_of(llama("\"is_encoder_decoder\":false")) == "no error");
}

TEST_CASE("a nested text model is read, with ties at either level") {
    const std::string nested =
        std::string(
            "{\"model_type\":\"vlm\",\"tie_word_embeddings\":true,\"vision_config\":{\"model_type\":\"v\"},")
            .append("\"text_config\":")
            .append(llama(""))
            .append("}");
    const Architecture a = import(nested);
    CHECK(a.tied_embeddings);
    REQUIRE(a.warnings.size() == 1);
    CHECK(contains(a.warnings.front(), "vision tower not counted"));
    CHECK(!import(llama("")).tied_embeddings);
    CHECK(import(llama("\"model_type\":\"gemma\"")).tied_embeddings);
}

TEST_CASE("attention_bias covers the output projection, but not in every family") {
    CHECK(grouped(import(llama("\"attention_bias\":true"))).out_bias);
    for (const char* family : {"glm4_moe", "mimo", "qwen3"}) {
        const std::string type = std::string("\"model_type\":\"").append(family).append("\",");
        CHECK(grouped(import(llama(type + "\"attention_bias\":true"))).qkv_bias);
        CHECK(!grouped(import(llama(type + "\"attention_bias\":true"))).out_bias);
    }
    CHECK(grouped(import(llama("\"model_type\":\"qwen2\""))).qkv_bias);   // no key says so
    CHECK(!grouped(import(llama(""))).qkv_bias);
}

TEST_CASE("layers described one by one may lack a half and round their width up") {
    // int(2 x 5.25 x 256 / 3) = 896 -> 1024; int(2 x 1.5 x 256 / 3) = 256 stays
    const Architecture a = import(llama(R"("num_hidden_layers":3,"block_configs":[
        {"attention":{"n_heads_in_group":4},"ffn":{"ffn_mult":5.25}},
        {"attention":{"no_op":true},"ffn":{"ffn_mult":1.5}},
        {"attention":{"n_heads_in_group":8},"ffn":{"no_op":true}}])"));
    REQUIRE(a.mixers.size() == 2);
    CHECK(grouped(a, 0).kv_heads == 2);
    CHECK(grouped(a, 1).kv_heads == 1);
    REQUIRE(a.ffns.size() == 2);
    CHECK(std::get<DenseFfn>(a.ffns[0].kind).width == 1024);
    CHECK(std::get<DenseFfn>(a.ffns[1].kind).width == 256);
    CHECK(contains(error_of(llama("\"block_configs\":[]")), "one entry per layer"));
}

TEST_CASE("kda layers count from one") {
    const Architecture k3 = imported("kimi-k3");
    REQUIRE(k3.mixers.size() == 2);
    CHECK(std::holds_alternative<KimiDelta>(k3.mixers[0].kind));   // layer 1 of the list is the first
    CHECK(k3.mixers[0].count == 69);
    CHECK(k3.mixers[1].count == 24);
}

TEST_CASE("the first layers of DeepSeek-V4 have no router bias") {
    const Architecture v4 = imported("deepseek-v4-flash");
    CHECK(experts(v4, 0).router_bias == RouterBias::none);
    CHECK(v4.ffns[0].count == 3);
    CHECK(experts(v4, 1).router_bias == RouterBias::correction);
    CHECK(std::get<CompressedAttention>(v4.mtp.mixers.front().kind).ratio == 0);
}

TEST_CASE("the name comes from the file or its folder") {
    CHECK(import_huggingface(parse_json(llama(""), "models/My-Model/config.json")).name == "My-Model");
    CHECK(import_huggingface(parse_json(llama(""), "x/org--My-Model.json")).name == "My-Model");
    CHECK(import_huggingface(parse_json(llama(""), "config.json")).name == "model");
}

struct BadInput {
    std::string what;
    std::string json;
    const char* expected;
};

TEST_CASE("impossible configurations give one line that names the key") {
    const BadInput table[] = {
        {"nothing", "{}", "key 'hidden_size': missing"},
        {"not an object", "[]", "expected an object"},
        {"no layers", R"({"hidden_size": 4})", "key 'num_hidden_layers': missing"},
        {"no heads", llama("\"model_type\":\"x\",\"num_attention_heads\":null"),
         "key 'num_attention_heads': missing"},
        {"no vocabulary", llama("\"model_type\":\"x\",\"vocab_size\":null"), "key 'vocab_size': missing"},
        {"no width", llama("\"model_type\":\"x\",\"intermediate_size\":null"), "intermediate_size': missing"},
        {"text for a number", llama("\"hidden_size\":\"256\""), "expected a number, found a text"},
        {"list for a number", llama("\"num_hidden_layers\":[4]"), "expected a number, found a list"},
        {"number for a flag", llama("\"tie_word_embeddings\":1"), "expected true or false"},
        {"negative", llama("\"hidden_size\":-256"), "key 'hidden_size': -256 is not in 1.."},
        {"zero", llama("\"num_attention_heads\":0"), "0 is not in"},
        {"huge", llama("\"intermediate_size\":1000000000000000000"),
         "key 'intermediate_size': 1e+18 is not in 1.."},
        {"beyond 64 bit", llama("\"vocab_size\":99999999999999999999999"), "is not in"},
        {"huge layers", llama("\"num_hidden_layers\":1000000"), "is not in 1..10000"},
        {"fraction", llama("\"hidden_size\":256.5"), "256.5 is not a whole number"},
        {"not a number", llama("\"hidden_size\":NaN"), "key 'hidden_size'"},
        {"infinite", llama("\"hidden_size\":Infinity"), "key 'hidden_size'"},
        {"heads do not divide", llama("\"num_key_value_heads\":3"),
         "query_heads 8 is not a multiple of kv_heads 3"},
        {"too many experts used", moe("\"num_experts_per_tok\":9"),
         "9 of a token are more than the 8 of num_experts"},
        {"no top k", moe("\"num_experts_per_tok\":null"), "key 'num_experts_per_tok': missing"},
        {"groups do not divide", moe("\"n_group\":3"), "experts 8 is not a multiple of expert_groups 3"},
        {"groups too few", moe("\"n_group\":8,\"topk_group\":1"),
         "exceeds the experts of groups_used groups"},
        {"rank missing", llama("\"kv_lora_rank\":64"), "key 'qk_rope_head_dim': missing"},
        {"windows without width",
         llama("\"layer_types\":[\"sliding_attention\",\"full_attention\","
               "\"full_attention\",\"full_attention\"]"),
         "key 'sliding_window': missing"},
        {"linear without sizes", llama("\"full_attention_interval\":2"), "no sizes of them"},
        {"kda layer beyond", llama("\"linear_attn_config\":{\"kda_layers\":[5]}"), "5 is not in 0..4"},
        {"blocks of other length", llama("\"hybrid_override_pattern\":\"M*\""), "one block per layer"},
        {"unknown block", llama("\"hybrid_override_pattern\":\"MX*-\""), "expected one of M * E -"},
        {"compress ratios short", llama("\"compress_ratios\":[4]"), "has 1 entries, the model 4 layers"},
        {"text_config no table", R"({"text_config": 3})", "expected an object, found an integer"},
        {"duplicate key", R"({"hidden_size": 4, "hidden_size": 8})", "stands twice"},
        {"truncated", R"({"hidden_size": 4)", "malformed JSON"},
        {"quantisation no table", llama("\"quantization_config\":true"),
         "expected an object, found a boolean"},
        {"odd bits",
         llama("\"quantization_config\":{\"config_groups\":{\"g\":{\"weights\":{\"num_bits\":99}}}}"),
         "99 is not in 2..16"},
    };
    for (const BadInput& bad : table) {
        CAPTURE(bad.what);
        const std::string message = error_of(bad.json);
        CAPTURE(message);
        CHECK(contains(message, bad.expected));
        CHECK(message.find('\n') == std::string::npos);
    }
}

TEST_CASE("nesting without end is refused, not followed") {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep.append("{\"text_config\":");
    CHECK(contains(error_of(deep), "nested deeper"));
}

TEST_CASE("many different layers are refused in bounded time") {
    std::string widths("[");
    for (int i = 1; i <= 10'000; ++i) widths.append(i > 1 ? "," : "").append(std::to_string(i));
    const std::string json = moe("\"num_hidden_layers\":10000,\"moe_intermediate_size\":" + widths + "]");
    CHECK(contains(error_of(json), "more than 128 different kinds"));
}

}   // namespace
}   // namespace moecost
