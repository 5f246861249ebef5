// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fixtures.h"
#include "moecost/model/cache.h"

namespace moecost {
namespace {

using test::model;

Architecture one_layer(const Mixer& mixer) {
    Architecture a;
    a.hidden = 128;
    a.vocabulary = 1000;
    a.layers = 1;
    a.mixers = {{mixer, 1, 1}};
    return a;
}

TEST_CASE("keys and values of grouped attention by hand") {
    // Llama-3.1-8B: 32 layers x 8 heads x (128 + 128) x 2 bytes
    const Architecture a = model("llama-3.1-8b");
    CHECK(kv_bytes_per_token(a, DType::bf16).value() == 131'072);
    CHECK(kv_bytes_per_token(a, DType::fp8).value() == 65'536);
    CHECK(sequence_bytes(a, DType::bf16, 1000).value() == 131'072'000);
}

TEST_CASE("key/value heads are split over ranks, never below one head a rank") {
    const Architecture a = model("llama-3.1-8b");
    CHECK(kv_bytes_per_token(a, DType::bf16, 4).value() == 131'072 / 4);
    CHECK(kv_bytes_per_token(a, DType::bf16, 8).value() == 131'072 / 8);
    CHECK(kv_bytes_per_token(a, DType::bf16, 16).value() == 131'072 / 8);
    CHECK(kv_bytes_per_token(a, DType::bf16, 3).value() ==
          131'072 / 8 * 3);   // one rank holds three of eight heads
}

TEST_CASE("a latent is replicated on every rank") {
    const Architecture a = model("deepseek-v3");
    CHECK(kv_bytes_per_token(a, DType::bf16).value() == 61 * 576 * 2);
    CHECK(kv_bytes_per_token(a, DType::bf16, 8) == kv_bytes_per_token(a, DType::bf16));
}

TEST_CASE("a window stops growing") {
    const Architecture a = one_layer(
        GroupedAttention{.query_heads = 8, .kv_heads = 2, .qk_dim = 64, .v_dim = 32, .window = 100});
    const double per_token = 2 * (64 + 32) * 2;
    CHECK(kv_bytes_per_token(a, DType::bf16).value() == per_token);
    CHECK(kv_bytes_per_token_unbounded(a, DType::bf16).value() == 0);
    CHECK(sequence_bytes(a, DType::bf16, 60).value() == 60 * per_token);
    CHECK(sequence_bytes(a, DType::bf16, 1e6).value() == 100 * per_token);
    CHECK(kv_window_cap(a, DType::bf16).value() == 100 * per_token);
}

TEST_CASE("half of the layers of gpt-oss hold a window of 128 tokens") {
    const Architecture a = model("gpt-oss-120b");
    // 8 heads x (64 + 64) x 2 bytes = 2048 a layer
    CHECK(sequence_bytes(a, DType::bf16, 8192).value() == 18 * 2048.0 * 8192 + 18 * 2048.0 * 128);
}

TEST_CASE("layers that reuse keys and values cache nothing") {
    GroupedAttention grouped{.query_heads = 8, .kv_heads = 2, .qk_dim = 64, .v_dim = 64};
    grouped.reuses_kv = true;
    CHECK(sequence_bytes(one_layer(grouped), DType::bf16, 1000).value() == 0);
    // Hunyuan-Large: 32 of 64 layers, 8 heads of 80
    CHECK(kv_bytes_per_token(model("hunyuan-large"), DType::bf16).value() == 32 * 8 * 160 * 2);
}

TEST_CASE("the state of recurrent layers does not depend on the context") {
    const Architecture a = one_layer(
        DeltaNet{.key_heads = 2, .value_heads = 4, .key_dim = 16, .value_dim = 8, .conv_kernel = 4});
    // state 4 x 16 x 8 floats, convolution 3 x (2 x 32 + 32) bf16
    const double bytes = 4 * 16 * 8 * 4 + 3 * 96 * 2;
    CHECK(state_bytes(a).value() == bytes);
    CHECK(sequence_bytes(a, DType::bf16, 1e6).value() == bytes);
    CHECK(state_bytes(a, 2).value() == bytes / 2);
    CHECK(state_bytes(a, 100).value() == bytes / 4);   // four heads, no more shares
}

TEST_CASE("indexer keys are held for the whole context in bf16") {
    const Architecture a = model("deepseek-v3.2");
    CHECK(indexer_bytes_per_token(a).value() == 61 * 128 * 2);
    CHECK(sequence_bytes(a, DType::fp8, 1000).value() == 1000 * (61 * 576.0 + 61 * 256.0));
}

TEST_CASE("layers that reuse a selection hold no index keys") {
    CHECK(indexer_bytes_per_token(model("glm-5.2")).value() == 21 * 128 * 2);
    CHECK(indexer_bytes_per_token(model("glm-5")).value() == 78 * 128 * 2);
}

TEST_CASE("compressed attention holds a window and one entry per ratio tokens") {
    CompressedAttention c{
        .heads = 8, .head_dim = 64, .q_rank = 32, .out_groups = 2, .out_rank = 16, .window = 128, .ratio = 4};
    c.indexer = SparseIndexer{.heads = 4, .head_dim = 16, .selected = 64};
    const Architecture a = one_layer(c);
    // 1003 tokens: 128 raw entries + 250 compressed ones of 64, 250 index keys of 16
    CHECK(sequence_bytes(a, DType::bf16, 1003).value() == (128 + 250) * 64 * 2 + 250 * 16 * 2);
    CHECK(kv_bytes_per_token(a, DType::bf16).value() == 64 * 2 / 4.0);
    CHECK(kv_window_cap(a, DType::bf16).value() == 128 * 64 * 2);
}

TEST_CASE("what a sequence holds grows with its context and never shrinks") {
    for (const std::string& name : DataStore{}.names("workloads/models")) {
        CAPTURE(name);
        const Architecture a = model(name);
        double last = 0;
        for (const double context : {1.0, 100.0, 1000.0, 1e4, 1e5}) {
            const double bytes = sequence_bytes(a, DType::bf16, context).value();
            CHECK(bytes >= last);
            CHECK(sequence_bytes(a, DType::bf16, context, 8).value() <= bytes);
            last = bytes;
        }
        CHECK(kv_bytes_per_token_unbounded(a, DType::bf16) <= kv_bytes_per_token(a, DType::bf16));
    }
}

}   // namespace
}   // namespace moecost
