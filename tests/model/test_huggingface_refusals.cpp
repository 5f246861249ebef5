// SPDX-License-Identifier: Apache-2.0
// What the importer says of configurations that contradict themselves or that it does not know: the key that the file has.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "fixtures.h"
#include "moecost/model/huggingface/huggingface.h"

namespace moecost {
namespace {

/// Sizes of four layers with eight experts, and what a case adds.
std::string with(const std::string& more) {
    std::string s(
        R"({"hidden_size":256,"num_hidden_layers":4,"num_attention_heads":8,"num_key_value_heads":2,)"
        R"("vocab_size":1000,"moe_intermediate_size":64,"intermediate_size":512)");
    return s.append(more).append("}");
}
constexpr const char* qwen = R"(,"model_type":"qwen3_moe","architectures":["Qwen3MoeForCausalLM"])";

Architecture import(const std::string& json) { return import_huggingface(parse_json(json, "config.json")); }

std::string error_of(const std::string& json) {
    try {
        static_cast<void>(import(json));
    } catch (const InputError& e) {
        return std::string(e.what()).append("; ").append(e.hint());
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string warning_of(const std::string& names) {
    const Architecture a = import(with(R"(,"num_experts":8,"num_experts_per_tok":2)" + names));
    return a.warnings.empty() ? std::string() : a.warnings.front();
}

TEST_CASE("a class that is not known is told, and counted by its keys") {
    CHECK(warning_of(qwen).empty());
    CHECK(contains(warning_of(R"(,"model_type":"foo","architectures":["FooForCausalLM"])"),
                   "class 'FooForCausalLM' is not known here: counted by its keys"));
    CHECK(contains(warning_of(R"(,"model_type":"foo")"), "class 'foo' is not known here"));
    CHECK(contains(warning_of(R"(,"architectures":["FooForCausalLM"])"), "'FooForCausalLM'"));
    CHECK(contains(warning_of(R"(,"model_type":"qwen3_moe","architectures":["FooForCausalLM"])"),
                   "class 'FooForCausalLM' is not known here: counted as model_type 'qwen3_moe' says"));
}

TEST_CASE("the classes of the public configurations are known") {
    const std::string folder = std::string(MOECOST_TEST_DATA) + "/model/public_configs";
    int read = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".json") continue;
        CAPTURE(entry.path().string());
        try {
            const Architecture a = load_model(DataStore{}, entry.path().string());
            ++read;
            CHECK(std::none_of(a.warnings.begin(), a.warnings.end(),
                               [](const std::string& line) { return line.starts_with("class '"); }));
        } catch (const InputError&) {
            continue;   // refused by name: another test
        }
    }
    CHECK(read > 190);
}

TEST_CASE("lists of layers name layers of the model") {
    const std::string moe = std::string(qwen) + R"(,"num_experts":8,"num_experts_per_tok":2)";
    CHECK(contains(error_of(with(moe + R"(,"mlp_only_layers":[0,1,99])")),
                   "key 'mlp_only_layers': 99 is not in 0..3"));
    CHECK(error_of(with(moe + R"(,"mlp_only_layers":[0,3])")) == "no error");
}

TEST_CASE("numbers of experts that contradict each other blame the key of the file") {
    const std::string none =
        error_of(with(std::string(qwen) + R"(,"num_experts":0,"num_experts_per_tok":8)"));
    CHECK(contains(none, "key 'num_experts': no experts, of which num_experts_per_tok takes 8"));
    const std::string more =
        error_of(with(R"(,"model_type":"mixtral","num_local_experts":8,"num_experts_per_tok":9)"));
    CHECK(contains(more, "key 'num_experts_per_tok': 9 of a token are more than the 8 of num_local_experts"));
    const std::string topk = error_of(with(R"(,"model_type":"hunyuan","num_experts":4,"moe_topk":5)"));
    CHECK(contains(topk, "key 'moe_topk': 5 of a token are more than the 4 of num_experts"));
    CHECK(error_of(with(R"(,"model_type":"granite","num_local_experts":0,"num_experts_per_tok":0)")) ==
          "no error");
}

TEST_CASE("what is missing is named as the file would write it") {
    const std::string layers = error_of(
        R"({"model_type":"qwen3_moe","hidden_size":256,"num_attention_heads":8,"vocab_size":1000,"intermediate_size":512})");
    CHECK(contains(layers, "key 'num_hidden_layers': missing"));
    CHECK(!contains(layers, "one of"));
    const std::string groups =
        error_of(with(std::string(qwen) + R"(,"quantization_config":{"quant_method":"compressed-tensors"})"));
    CHECK(contains(groups, "quantization_config.config_groups': missing"));
    CHECK(
        contains(error_of(with(std::string(qwen) + R"(,"quantization_config":{"quant_method":"modelopt"})")),
                 "quantization_config.quant_algo': missing"));
    CHECK(contains(error_of(R"({"model_type":"llama","text_config":5})"),
                   "expected an object, found an integer"));
}

std::string load_error(const std::string& path) {
    try {
        static_cast<void>(load_model(DataStore{}, path));
    } catch (const InputError& e) {
        return std::string(e.what()).append("; ").append(e.hint());
    }
    return "no error";
}

TEST_CASE("files that describe no model are told apart") {
    const auto folder = std::filesystem::temp_directory_path() / "moecost_refusals";
    std::filesystem::create_directories(folder);
    const auto at = [&](const std::string& name, const std::string& text) {
        write_file((folder / name).string(), text);
        return (folder / name).string();
    };
    CHECK(contains(load_error(at("a.json", "{}")), "key 'hidden_size': missing"));
    CHECK(contains(load_error(at("b.json", "[]")), "expected an object, found a list"));
    const std::string gguf = load_error(at("Model-Q5_K_M.gguf", "GGUF\x03"));
    CHECK(contains(gguf, "GGUF files are not read; give the config.json of the model and --weights q5_k_m"));
    CHECK(contains(load_error(at("m.gguf", "GGUF")), "--weights q4_k_m"));
    CHECK(
        contains(load_error(at("m.safetensors", "")), "files of weights are not read; give the config.json"));
    CHECK(contains(load_error((folder / "none.gguf").string()), "no such file"));
    CHECK(contains(load_error("none.gguf"), "no such file"));
    std::filesystem::remove_all(folder);
}

}   // namespace
}   // namespace moecost
