// SPDX-License-Identifier: Apache-2.0
// Family files: what is read, and what is refused with place and reason.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "../base/input_error.h"
#include "../base/scratch.h"
#include "fixtures.h"
#include "moecost/model/family/family.h"

using namespace moecost;

namespace {

std::string good() {
    return read_file(std::string(MOECOST_SOURCE).append("/workloads/families/deepseek-like.toml"));
}

/// The file with one line in place of another.
std::string with(const std::string& old_line, const std::string& new_line) {
    std::string text = good();
    const std::size_t at = text.find(old_line);
    REQUIRE_MESSAGE(at != std::string::npos, old_line);
    return text.replace(at, old_line.size(), new_line);
}

std::string error(const std::string& text) {
    return message_of([&] { static_cast<void>(family_from_toml(parse_toml(text, "family.toml"))); });
}

}   // namespace

TEST_CASE("families are known by name, alias and path, and a folder of data overrides them") {
    const DataStore data;
    CHECK(family_names(data) == std::vector<std::string>{"deepseek-like", "joint-moe", "mixtral-like",
                                                         "qwen-like", "qwen-next-like", "yun2024"});
    CHECK(load_family(data, "Qwen_Like").id == "qwen-like");
    CHECK(load_family(data, "ludziejewski2025").id == "joint-moe");
    const ScratchFolder scratch;
    const auto folder = scratch.path / "workloads" / "families";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "mine.toml") << with("ratio = 2.5714285714285714", "ratio = 4");
    std::ofstream(folder / "qwen-like.toml") << good();
    const DataStore own(scratch.path.string());
    CHECK(load_family(own, "mine").ffn_ratio == 4);
    CHECK(load_family(own, "qwen-like").kv_rank == 512);
    CHECK(family_names(own).size() == 7);
    CHECK(load_family(data, (folder / "mine.toml").string()).id == "mine");
}

TEST_CASE("an unknown family is answered with the nearest one") {
    const auto load = [](std::string_view name) { static_cast<void>(load_family(DataStore{}, name)); };
    CHECK(message_of([&] { load("mixtral-lik"); }) == "no family is named 'mixtral-lik'");
    CHECK(hint_of([&] { load("mixtral-lik"); }) == "did you mean 'mixtral-like'?");
    CHECK(message_of([&] { load("none.toml"); }).find("no such file") != std::string::npos);
}

TEST_CASE("files of families are read key by key") {
    const Family f = family_from_toml(parse_toml(good(), "folder/own.toml"));
    CHECK(f.id == "own");
    CHECK(f.kv_rank == 512);
    CHECK(f.q_rank == 1536);
    CHECK(f.dense_layers == 3);
    CHECK(f.ffn_ratio == doctest::Approx(18432.0 / 7168));
    CHECK(f.experts.usual == 32);
    CHECK(f.experts.allowed.empty());
    CHECK(load_family(DataStore{}, "yun2024").granularity.allowed == std::vector<int>{1});
}

TEST_CASE("wrong keys, types and values of a family file are refused with their place") {
    const struct {
        std::string line, instead, message;
    } cases[] = {
        {"kv_rank = 512", "kv_ranks = 512", "key 'attention.kv_rank"},
        {"kv_rank = 512", "kv_rank = '512'", "expected a number"},
        {"kv_rank = 512", "kv_rank = -1", "attention.kv_rank"},
        {"kv_rank = 512", "kv_rank = 1e9", "attention.kv_rank"},
        {"nope_dim = 128", "nope_dim = 0", "attention.nope_dim"},
        {"nope_dim = 128", "", "attention.nope_dim"},
        {"v_dim = 128", "v_dim = 128\nkv_heads = 8", "attention.kv_heads': unknown key"},
        {"hidden_per_head = 56", "hidden_per_head = 0", "attention.hidden_per_head"},
        {"hidden_per_head = 56", "hidden_per_head = nan", "attention.hidden_per_head"},
        {"head_multiple = 8", "head_multiple = 0", "attention.head_multiple"},
        {"ratio = 2.5714285714285714", "ratio = -1", "ffn.ratio"},
        {"ratio = 2.5714285714285714", "ratio = inf", "ffn.ratio"},
        {"ratio = 2.5714285714285714", "", "ffn.ratio"},
        {"layers_per_dense = 20", "layers_per_dense = 0", "ffn.layers_per_dense"},
        {"layers_per_dense = 20", "matrices = 4", "ffn.matrices"},
        {"layers_per_dense = 20", "moe_every = 0", "ffn.moe_every"},
        {"layers_per_dense = 20", "width_multiple = 0", "ffn.width_multiple"},
        {"layers_per_dense = 20", "layers_per_dens = 20", "ffn.layers_per_dens': unknown key"},
        {"hidden_multiple = 128", "hidden_multiple = 1.5", "shape.hidden_multiple"},
        {"hidden_per_layer = 117.5", "hidden_per_layer = 0.5", "shape.hidden_per_layer"},
        {"vocabulary = 129280", "vocabulary = 0", "shape.vocabulary"},
        {"vocabulary = 129280", "vocabulary = 129280\ntied_embeddings = 1", "shape.tied_embeddings"},
        {"[experts]\nusual = 32", "[experts]\nusual = 0", "experts.usual"},
        {"[experts]\nusual = 32", "[experts]\nusual = 32\nallowed = [1, 8]",
         "is not among the allowed values"},
        {"[experts]\nusual = 32", "[experts]\nusual = 8\nallowed = [8, 8.5]", "is not whole"},
        {"[experts]\nusual = 32", "[experts]\nusual = 8\nallowed = 8", "experts.allowed"},
        {"[experts]\nusual = 32", "[experts]", "experts.usual"},
        {"[experts]", "[expert]", "key 'expert': unknown key"},
        {"[shape]", "[shapes]", "unknown key"},
        {"title = ", "titel = ", "key 'titel': unknown key"},
    };
    for (const auto& c : cases) {
        const std::string message = error(with(c.line, c.instead));
        CHECK_MESSAGE(message.find(c.message) != std::string::npos, c.instead, ": ", message);
        CHECK_MESSAGE(message.starts_with("family.toml"), message);
    }
    CHECK(error("title = 'x'\n[attention]\nhead_dim = 128\nhidden_per_head = 128\nkv_heads = 3\n")
              .find("must divide head_multiple") != std::string::npos);
}
