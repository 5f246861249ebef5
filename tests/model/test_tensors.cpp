// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "fixtures.h"
#include "moecost/model/tensors.h"

namespace moecost {
namespace {

using test::csv_fixture;
using test::model;
using test::value;

std::string kind_name(TensorKind kind) {
    constexpr const char* names[] = {"mm", "emb", "tied", "norm", "bias", "vec", "conv"};
    return names[static_cast<std::size_t>(kind)];
}

std::string shape_name(const Tensor& t) {
    const std::int64_t large = std::max(t.out, t.in);
    const std::int64_t small = std::min(t.out, t.in);
    std::string s = std::to_string(large);
    return small == 1 ? s : s.append("x").append(std::to_string(small));
}

using Key = std::tuple<std::string, std::string, std::string>;   // component, kind, shape
using Inventory = std::map<Key, std::pair<double, double>>;      // copies, active copies

Inventory inventory_of(const Architecture& a) {
    Inventory result;
    for (const Tensor& t : tensors(a)) {
        auto& [copies, active] =
            result[{std::string(name_of(t.component)), kind_name(t.kind), shape_name(t)}];
        copies += t.copies;
        active += t.active_copies;
    }
    return result;
}

Inventory inventory_of(const CsvTable& table) {
    Inventory result;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const auto text = [&](const char* column) {
            return std::string(table.text(row, table.column(column)));
        };
        auto& [copies, active] = result[{text("component"), text("kind"), text("shape")}];
        copies += value(table, row, "multiplicity");
        active += value(table, row, "active_multiplicity");
    }
    return result;
}

double elements(const std::vector<Tensor>& list) {
    double sum = 0;
    for (const Tensor& t : list) sum += t.elements() * t.copies;
    return sum;
}

const Tensor& named(const std::vector<Tensor>& list, std::string_view name) {
    const auto it =
        std::find_if(list.begin(), list.end(), [name](const Tensor& t) { return t.name == name; });
    REQUIRE(it != list.end());
    return *it;
}

TEST_CASE("the tensors of published models are the literal inventory, shape by shape") {
    for (const char* name :
         {"mixtral-8x7b", "deepseek-v3", "deepseek-v4-flash", "qwen3-30b-a3b", "qwen3.5-397b-a17b",
          "gpt-oss-120b", "kimi-k2", "kimi-k3", "minimax-m2.5", "llama-3.1-8b", "jamba-1.5-mini",
          "gemma-4-26b-a4b", "nemotron-3-super-120b-a12b-fp8", "step-3.5-flash"}) {
        CAPTURE(name);
        const Inventory expected =
            inventory_of(csv_fixture(std::string("tensors_").append(name).append(".csv")));
        const Inventory found = inventory_of(model(name));
        for (const auto& [key, copies] : expected) {
            CAPTURE(std::get<0>(key));
            CAPTURE(std::get<1>(key));
            CAPTURE(std::get<2>(key));
            REQUIRE(found.count(key) == 1);
            CHECK(found.at(key) == copies);
        }
        CHECK(found.size() == expected.size());
    }
}

TEST_CASE("grouped attention has one projection per head group") {
    GroupedAttention a{.query_heads = 32, .kv_heads = 4, .qk_dim = 128, .v_dim = 128};
    // q 32 128 h + k, v 2 4 128 h + o h 32 128 = h (4096 + 1024 + 4096), h = 2048
    CHECK(elements(mixer_tensors(a, 2048)) == 2048.0 * 9216);
    a.qkv_bias = a.out_bias = true;   // + 4096 + 512 + 512 + 2048
    CHECK(elements(mixer_tensors(a, 2048)) == 2048.0 * 9216 + 7168);
    a.value_from_key = true;   // no v: - 512 h - 512
    CHECK(elements(mixer_tensors(a, 2048)) == 2048.0 * 8704 + 6656);
    a.reuses_kv = true;   // only q and o: 2048 8192 + 4096 + 2048
    CHECK(elements(mixer_tensors(a, 2048)) == 2048.0 * 8192 + 6144);
}

TEST_CASE("query-key norms are per head or as wide as the projections") {
    GroupedAttention a{.query_heads = 16, .kv_heads = 2, .qk_dim = 64, .v_dim = 64};
    const double plain = elements(mixer_tensors(a, 512));
    a.qk_norm = QkNorm::per_head;
    CHECK(elements(mixer_tensors(a, 512)) - plain == 128);
    a.qk_norm = QkNorm::full_width;
    CHECK(elements(mixer_tensors(a, 512)) - plain == 16 * 64 + 2 * 64);
}

TEST_CASE("an elementwise output gate doubles the query projection") {
    GroupedAttention a{.query_heads = 16, .kv_heads = 2, .qk_dim = 64, .v_dim = 64};
    a.gate = OutputGate::elementwise;
    CHECK(named(mixer_tensors(a, 512), "q_proj").out == 2 * 16 * 64);
    a.gate = OutputGate::per_head;
    CHECK(named(mixer_tensors(a, 512), "g_proj").out == 16);
}

TEST_CASE("latent attention without a query rank projects queries directly") {
    LatentAttention a{.heads = 16, .kv_rank = 512, .rope_dim = 64, .nope_dim = 128, .v_dim = 128};
    // DeepSeek-V2-Lite, one layer: 3072x2048 + 576x2048 + 512 + 4096x512 + 2048x2048
    CHECK(elements(mixer_tensors(a, 2048)) ==
          3072.0 * 2048 + 576.0 * 2048 + 512 + 4096.0 * 512 + 2048.0 * 2048);
    a.q_rank = 1536;
    CHECK(named(mixer_tensors(a, 2048), "q_b_proj").in == 1536);
}

TEST_CASE("a layer that reuses an index selection has no indexer weights") {
    LatentAttention a{.heads = 16, .q_rank = 64, .kv_rank = 32, .rope_dim = 8, .nope_dim = 16, .v_dim = 16};
    const double plain = elements(mixer_tensors(a, 256));
    a.indexer = SparseIndexer{.heads = 4, .head_dim = 32, .selected = 100};
    CHECK(elements(mixer_tensors(a, 256)) - plain == 4 * 32 * 64 + 32 * 256 + 2 * 32 + 4 * 256);
    a.indexer->owns_weights = false;
    CHECK(elements(mixer_tensors(a, 256)) == plain);
}

TEST_CASE("one token uses top_k experts, all of the shared one and one router") {
    const MoeFfn f{.experts = 8, .top_k = 2, .width = 100, .shared_width = 50, .shared_gate = true};
    double active = 0;
    for (const Tensor& t : ffn_tensors(f, 10)) active += t.elements() * t.active_copies;
    CHECK(active == 8 * 10 + 2 * 3 * 10 * 100 + 3 * 10 * 50 + 10);
}

TEST_CASE("routed experts of a latent MoE work in the latent width") {
    const MoeFfn f{
        .experts = 4, .top_k = 1, .width = 30, .matrices = 2, .latent_width = 5, .latent_norm = true};
    const auto list = ffn_tensors(f, 20);
    CHECK(named(list, "experts.up_proj").in == 5);
    CHECK(elements(list) == 4 * 20 + 2 * 20 * 5 + 5 + 4 * 2 * 30 * 5);
}

TEST_CASE("block scales round up per dimension of each copy") {
    // gpt-oss up projection: 5760 x 2880 in blocks of 128: 45 x 23 scales of 4 bytes, per expert
    const Tensor t{"experts.gate_up_proj", 5760, 2880, 32, 4, Component::routed_experts,
                   TensorKind::matmul,     true};
    const Precision fp8 = Precision{}.with_weights(DType::fp8_block);
    CHECK(stored_bytes(t, fp8).value() == 32 * (5760.0 * 2880 + 4 * 45 * 23));
    const Precision mx = Precision{}.with_weights(DType::mxfp4);   // rows of 90 blocks of 32
    CHECK(stored_bytes(t, mx).value() == 32 * (5760.0 * 2880 / 2 + 5760 * 90));
}

TEST_CASE("what releases never quantise stays in bf16") {
    const Precision fp8 = Precision{}.with_weights(DType::fp8);
    for (const char* name :
         {"deepseek-v3.2", "qwen3.5-397b-a17b", "kimi-k3", "deepseek-v4-flash", "gpt-oss-20b"}) {
        for (const Tensor& t : tensors(model(name))) {
            const bool must_stay = t.kind != TensorKind::matmul || t.component == Component::router ||
                                   t.component == Component::other || t.name == "shared_expert_gate" ||
                                   t.name == "in_proj_a" || t.name == "in_proj_b" || t.name == "b_proj" ||
                                   t.name == "indexer.weights_proj" || t.component == Component::head;
            CAPTURE(t.name);
            CHECK((stored_as(t, fp8) == DType::bf16) == must_stay);
        }
    }
}

TEST_CASE("an output projection may have a format of its own") {
    Precision p;
    p.output_projection = DType::nvfp4;
    const auto list = mixer_tensors(model("deepseek-v3").mixers.front().kind, 7168);
    CHECK(stored_as(named(list, "o_proj"), p) == DType::nvfp4);
    CHECK(stored_as(named(list, "q_b_proj"), p) == DType::bf16);
    CHECK(stored_as(named(list, "o_proj"), p.with_weights(DType::fp8)) == DType::fp8);
}

}   // namespace
}   // namespace moecost
