// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "fixtures.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

using test::model;

std::string error_of(Architecture a, std::string_view key, std::string_view value) {
    const Architecture before = a;
    try {
        apply_edit(a, key, value);
    } catch (const InputError& e) {
        CHECK(a == before);   // a failed edit changes nothing
        return std::string(e.what()).append(" | ").append(e.hint());
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

template <class Groups>
int layers_of(const Groups& groups) {
    int sum = 0;
    for (const auto& group : groups) sum += group.count;
    return sum;
}

TEST_CASE("an edit sets one field in every group that has it") {
    Architecture a = model("deepseek-v3");
    apply_edit(a, "experts", "128");
    apply_edit(a, "top_k", "4");
    apply_edit(a, "kv_rank", "256");
    apply_edit(a, "hidden", "4096");
    CHECK(std::get<MoeFfn>(a.ffns.back().kind).experts == 128);
    CHECK(std::get<MoeFfn>(a.mtp.ffns.back().kind).experts == 128);
    CHECK(std::get<LatentAttention>(a.mixers.front().kind).kv_rank == 256);
    CHECK(a.hidden == 4096);
}

TEST_CASE("head_dim sets queries, keys and values") {
    Architecture a = model("llama-3.1-8b");
    apply_edit(a, "head_dim", "64");
    const auto& grouped = std::get<GroupedAttention>(a.mixers.front().kind);
    CHECK(grouped.qk_dim == 64);
    CHECK(grouped.v_dim == 64);
}

TEST_CASE("a window edit keeps full layers full where there are windows already") {
    Architecture a = model("gpt-oss-20b");
    apply_edit(a, "window", "256");
    CHECK(std::get<GroupedAttention>(a.mixers.front().kind).window == 256);
    CHECK(std::get<GroupedAttention>(a.mixers.back().kind).window == 0);
    Architecture b = model("llama-3.1-8b");
    apply_edit(b, "window", "4096");
    CHECK(std::get<GroupedAttention>(b.mixers.front().kind).window == 4096);
}

TEST_CASE("a dense_width edit leaves models without a parallel dense path as they are") {
    Architecture a = model("deepseek-v3");
    apply_edit(a, "dense_width", "9000");
    CHECK(std::get<DenseFfn>(a.ffns.front().kind).width == 9000);
    CHECK(std::get<MoeFfn>(a.ffns.back().kind).dense_width == 0);
}

TEST_CASE("fewer layers keep the leading dense ones") {
    Architecture a = model("deepseek-v3");
    apply_edit(a, "layers", "30");
    CHECK(a.layers == 30);
    REQUIRE(a.ffns.size() == 2);
    CHECK(a.ffns[0].count == 3);
    CHECK(a.ffns[1].count == 27);
    CHECK(a.mixers[0].count == 30);
}

TEST_CASE("layers keep the proportion of their kinds") {
    Architecture a = model("qwen3.5-397b-a17b");   // 45 linear, 15 full
    apply_edit(a, "layers", "40");
    CHECK(a.mixers[0].count == 30);
    CHECK(a.mixers[1].count == 10);
    Architecture blocks = model("nemotron-3-super-120b-a12b");   // 48 mixers and 40 MoE blocks
    apply_edit(blocks, "layers", "44");
    CHECK(layers_of(blocks.mixers) == 24);
    CHECK(layers_of(blocks.ffns) == 20);
}

TEST_CASE("the number of layers given back restores the model") {
    for (const std::string& name : DataStore{}.names("workloads/models")) {
        CAPTURE(name);
        const Architecture original = model(name);
        Architecture a = original;
        apply_edit(a, "layers", std::to_string(original.layers));
        CHECK(a == original);
        apply_edit(a, "layers", std::to_string(original.layers * 2));
        CHECK(count(a).total > count(original).total);
        CHECK_NOTHROW(check(a));
        for (const int layers : {1, 2, 7}) {
            Architecture few = original;
            apply_edit(few, "layers", std::to_string(layers));
            CHECK(count(few).total < count(original).total);
            CHECK_NOTHROW(check(few));
        }
    }
}

TEST_CASE("a wider field never shrinks a model") {
    for (const std::string& name : DataStore{}.names("workloads/models")) {
        CAPTURE(name);
        const Architecture original = model(name);
        const double total = count(original).total;
        for (const char* key : {"vocabulary", "hidden", "expert_width", "dense_width", "conv_kernel"}) {
            Architecture a = original;
            const auto keys = edit_keys(a);
            if (std::find(keys.begin(), keys.end(), std::string(key)) == keys.end()) continue;
            CAPTURE(key);
            apply_edit(a, key, std::string(key) == "conv_kernel" ? "8" : "600000");
            CHECK(count(a).total >= total);
        }
    }
}

TEST_CASE("mistakes in an edit are named") {
    const Architecture a = model("mixtral-8x7b");
    CHECK(contains(error_of(a, "expert", "4"), "did you mean 'experts'"));
    CHECK(contains(error_of(a, "experts", "1"), "top_k 2 exceeds experts 1"));
    CHECK(contains(error_of(a, "experts", "many"), "expected a whole number"));
    CHECK(contains(error_of(a, "experts", "0"), "expected a whole number 1.."));
    CHECK(contains(error_of(a, "experts", "99999999999999999999"), "expected a whole number"));
    CHECK(contains(error_of(a, "kv_heads", "7"), "not a multiple"));
    CHECK(contains(error_of(a, "tied_embeddings", "maybe"), "true or false"));
    CHECK(contains(error_of(a, "qk_norm", "perhead"), "did you mean 'per_head'"));
    CHECK(contains(error_of(a, "layers", "0"), "1..10000"));
    CHECK(contains(error_of(a, "kv_rank", "512"), "no such field"));
}

}   // namespace
}   // namespace moecost
