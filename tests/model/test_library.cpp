// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>

#include "fixtures.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"

namespace moecost {
namespace {

using test::fixture;

Architecture load(std::string_view name) { return load_model(DataStore{}, name); }

TEST_CASE("models are known by file name, alias and repository id, in any case") {
    CHECK(load("mixtral-8x7b").name == "mixtral-8x7b");
    CHECK(load("Mixtral_8x7B").name == "mixtral-8x7b");
    CHECK(load("deepseek-r1").name == "deepseek-v3");
    CHECK(load("deepseek-ai/DeepSeek-V3").name == "deepseek-v3");
    CHECK(load("meta-llama/Llama-3.3-70B-Instruct").name == "llama-3.1-70b");
    CHECK(load("moonshotai/Kimi-K2-Thinking").name == "kimi-k2.5");
}

TEST_CASE("plain names are the releases as first published, suffixes their quantised variants") {
    CHECK(load("qwen3-235b-a22b").precision == Precision{});
    CHECK(load("qwen3-235b-a22b-fp8").precision.routed_experts == DType::fp8_block);
    CHECK(load("qwen3-235b-a22b-nvfp4").precision.routed_experts == DType::nvfp4);
    CHECK(load("llama-3.1-70b").precision == Precision{});
    CHECK(load("gemma-4-31b").precision == Precision{});
    CHECK(load("deepseek-v3").precision.routed_experts == DType::fp8_block);   // published in FP8
}

TEST_CASE("no name stands for two models") {
    const DataStore data;
    std::set<std::string> seen;
    for (const std::string& name : data.names("workloads/models")) {
        CHECK(seen.insert(name).second);
        const Document document = data.open("workloads/models", name, "model");
        const Reader reader(document);
        if (!reader.has("aliases")) continue;
        for (std::string alias : reader.texts("aliases")) {
            for (char& c : alias) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            CAPTURE(alias);
            CHECK(seen.insert(alias).second);
        }
    }
}

TEST_CASE("an unknown name is answered with the nearest one") {
    try {
        static_cast<void>(load("mixtral-8x8b"));
        FAIL("no error");
    } catch (const InputError& e) {
        CHECK(std::string(e.what()).find("no model is named 'mixtral-8x8b'") != std::string::npos);
        CHECK(e.hint() == "did you mean 'mixtral-8x7b'?");
    }
    CHECK_THROWS_AS(load("some-org/some-model"), InputError);
    CHECK_THROWS_AS(load("/no/such/config.json"), InputError);
    CHECK_THROWS_AS(load(""), InputError);
}

TEST_CASE("a file or a folder with a config.json is imported, the quantisation file beside it included") {
    CHECK(load(fixture("configs/qwen3-8b.json")).hidden == 4096);
    const auto folder = std::filesystem::temp_directory_path() / "moecost_test_model" / "Some-Model";
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(fixture("configs/deepseek-v3.1-nvfp4.json"), folder / "config.json",
                               std::filesystem::copy_options::overwrite_existing);
    CHECK(load(folder.string()).precision == Precision{});
    std::filesystem::copy_file(fixture("configs/deepseek-v3.1-nvfp4.hf_quant_config.json"),
                               folder / "hf_quant_config.json",
                               std::filesystem::copy_options::overwrite_existing);
    CHECK(load(folder.string()).precision.routed_experts == DType::nvfp4);
    CHECK(load((folder / "config.json").string()).name == "Some-Model");
    std::filesystem::remove_all(folder.parent_path());
}

TEST_CASE("a later release under the file of an earlier one has its own longest context") {
    const DataStore data;
    CHECK(load_model(data, "qwen3-235b-a22b").max_position == 40960);
    CHECK(load_model(data, "Qwen/Qwen3-235B-A22B-Instruct-2507").max_position == 262144);
    CHECK(load_model(data, "zai-org/GLM-4.6").max_position == 202752);
    CHECK(load_model(data, "moonshotai/Kimi-K2-Instruct-0905").max_position == 262144);
    CHECK(load_model(data, "kimi_k2_instruct").max_position == 131072);
}

TEST_CASE("a context of a name that the file does not have is refused") {
    const std::string text =
        "name = \"m\"\naliases = [\"a\"]\nhidden = 64\nvocabulary = 8\nlayers = 1\n"
        "[[mixer]]\nkind = \"grouped\"\ncount = 1\nquery_heads = 1\nkv_heads = 1\nhead_dim = 64\n"
        "[[ffn]]\nkind = \"dense\"\ncount = 1\ndense_width = 64\n[positions]\n";
    CHECK_NOTHROW((void)architecture_from_toml(parse_toml(text + "a = 9", "f")));
    CHECK_THROWS_AS((void)architecture_from_toml(parse_toml(text + "b = 9", "f")), InputError);
    CHECK_THROWS_AS((void)architecture_from_toml(parse_toml(text + "a = 0", "f")), InputError);
}

}   // namespace
}   // namespace moecost
