// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "listed.h"

using namespace moecost;
using doctest::Approx;

namespace {

Architecture with_ffn(const Ffn& ffn) {
    Architecture a;
    a.hidden = 256;
    a.vocabulary = 512;
    a.layers = 1;
    GroupedAttention g;
    g.query_heads = g.kv_heads = 8;
    g.qk_dim = g.v_dim = 32;
    a.mixers = {{g, 1, 1}};
    a.ffns = {{ffn, 1, 1}};
    return a;
}

MoeFfn experts_of(int experts, int top_k, int width) {
    MoeFfn moe;
    moe.experts = experts;
    moe.top_k = top_k;
    moe.width = width;
    return moe;
}

double memory_of(const std::vector<Operation>& operations) {
    double sum = 0;
    for (const Operation& op : operations) sum += work(op).memory().value() * op.count;
    return sum;
}

ExpertFfn routed(const Architecture& a, const Layout& layout, double tokens, double skew = 0) {
    return std::get<ExpertFfn>(
        named(listed(a, layout, decode_shape(tokens, 1), {}, skew), "routed experts").shape);
}

}   // namespace

TEST_CASE("one expert that every token chooses is a dense feed-forward") {
    for (const int matrices : {2, 3}) {
        MoeFfn one = experts_of(1, 1, 1024);
        one.matrices = matrices;
        const auto moe = listed(with_ffn(one), {}, decode_shape(7, 100));
        const auto dense = listed(with_ffn(DenseFfn{1024, matrices}), {}, decode_shape(7, 100));
        const Work router = work(named(moe, "router"));
        CHECK(flop_of(moe) - router.flop.value() == flop_of(dense));
        CHECK(weights_read(moe) - router.weights.value() == weights_read(dense));
        CHECK(memory_of(moe) - router.memory().value() == memory_of(dense));
    }
}

TEST_CASE("dense layers are split over tensor-parallel ranks") {
    const auto operations = listed(with_ffn(DenseFfn{1024, 3}), {.tp = 4}, decode_shape(5, 1));
    const auto up = std::get<Gemm>(named(operations, "gate-up").shape);
    CHECK(up.m == 5);
    CHECK(up.n == 512);   // 2 * 1024/4
    CHECK(up.k == 256);
    const auto down = std::get<Gemm>(named(operations, "down").shape);
    CHECK(down.n == 256);
    CHECK(down.k == 256);   // 1024/4
    CHECK(count_named(listed(with_ffn(DenseFfn{1024, 2}), {}, decode_shape(1, 1)), "up") == 1);
}

TEST_CASE("experts are split over expert-parallel ranks first and in width over the rest") {
    const Architecture a = with_ffn(experts_of(64, 4, 512));
    CHECK(routed(a, {}, 16).width == 512);
    CHECK(routed(a, {.tp = 8}, 16).width == 64);
    CHECK(routed(a, {.tp = 8, .ep = 4}, 16).width == 256);
    CHECK(routed(a, {.tp = 8, .ep = 8}, 16).width == 512);
    CHECK(routed(a, {.ep = 8, .attention_dp = 8}, 16).width == 512);
    // Without expert parallelism every rank sees all 64 token-expert pairs: 64 (1 - (15/16)^16) experts.
    CHECK(routed(a, {.tp = 8}, 16).rows == 64);
    CHECK(routed(a, {.tp = 8}, 16).distinct == Approx(41.21125565).epsilon(1e-9));
    CHECK(routed(a, {.tp = 8, .ep = 8}, 1e6).distinct == 8);
}

TEST_CASE("few experts are routed uniformly whatever the popularity of the profile") {
    CHECK(routed(with_ffn(experts_of(16, 2, 512)), {}, 8, 1.13).distinct ==
          Approx(16 * (1 - 0.343608917)).epsilon(1e-8));
    CHECK(routed(with_ffn(experts_of(32, 2, 512)), {}, 8, 1.13).distinct <
          32 * (1 - 0.5966));   // (15/16)^8 = 0.5967
}

TEST_CASE("shared experts and dense residuals run on every token") {
    MoeFfn moe = experts_of(64, 4, 512);
    CHECK(count_named(listed(with_ffn(moe), {}, decode_shape(4, 1)), "gate-up") == 0);
    moe.shared_width = 768;
    moe.dense_width = 1024;
    const auto operations = listed(with_ffn(moe), {.tp = 2}, decode_shape(4, 1));
    CHECK(count_named(operations, "gate-up") == 2);
    CHECK(flop_of(operations, OpClass::shared_experts) == 2.0 * 4 * 3 * 256 * 384);
    CHECK(flop_of(operations, OpClass::dense_ffn) == 2.0 * 4 * 3 * 256 * 512);
}

TEST_CASE("latent experts work in their own width between two projections") {
    MoeFfn moe = experts_of(64, 4, 512);
    moe.latent_width = 128;
    const auto operations = listed(with_ffn(moe), {}, decode_shape(4, 1));
    CHECK(std::get<Gemm>(named(operations, "to latent").shape).n == 128);
    CHECK(std::get<Gemm>(named(operations, "from latent").shape).k == 128);
    CHECK(std::get<ExpertFfn>(named(operations, "routed experts").shape).hidden == 128);
}

TEST_CASE("each component runs in the format of its precision") {
    MoeFfn moe = experts_of(64, 4, 512);
    moe.shared_width = 512;
    Precision p;
    p.attention = DType::fp8;
    p.routed_experts = DType::mxfp4;
    p.shared_experts = DType::nvfp4;
    const auto operations = listed(with_ffn(moe), {}, decode_shape(4, 1), p);
    CHECK(std::get<Gemm>(named(operations, "qkv").shape).weights == DType::fp8);
    CHECK(std::get<ExpertFfn>(named(operations, "routed experts").shape).weights == DType::mxfp4);
    CHECK(std::get<Gemm>(named(operations, "gate-up").shape).weights == DType::nvfp4);
    CHECK(std::get<Gemm>(named(operations, "router").shape).weights == DType::bf16);
    CHECK(std::get<Gemm>(named(operations, "head").shape).weights == DType::bf16);
}
