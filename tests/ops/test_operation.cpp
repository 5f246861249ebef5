// SPDX-License-Identifier: Apache-2.0
// FLOP and bytes of each operation, worked by hand on small numbers.
#include <doctest/doctest.h>

#include "moecost/ops/operation.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("a GEMM of 2 x 5 by 5 x 3") {
    const Work bf16 = work(Gemm{2, 3, 5, DType::bf16});
    CHECK(bf16.flop.value() == 60);   // 2 * 2 * 3 * 5
    CHECK(bf16.unit == MathUnit::bf16);
    CHECK(bf16.weights.value() == 30);       // 15 * 2
    CHECK(bf16.activations.value() == 32);   // in 2 * 5 * 2, out 2 * 3 * 2
    CHECK(bf16.memory().value() == 62);
    const Work fp8 = work(Gemm{2, 3, 5, DType::fp8});
    CHECK(fp8.unit == MathUnit::fp8);
    CHECK(fp8.weights.value() == 15);
    CHECK(fp8.activations.value() == 22);   // in 10 * 1, out 12
    const Work fp4 = work(Gemm{2, 3, 5, DType::nvfp4});
    CHECK(fp4.unit == MathUnit::fp4);
    CHECK(fp4.weights.value() == 8.4375);       // 15 * 0.5625
    CHECK(fp4.activations.value() == 17.625);   // in 10 * 0.5625, out 12
    const Work weight_only = work(Gemm{2, 3, 5, DType::int4});
    CHECK(weight_only.unit == MathUnit::bf16);
    CHECK(weight_only.weights.value() == 8.4375);
    CHECK(weight_only.activations.value() == 32);                                // activations stay in bf16
    CHECK(work(Gemm{1, 128, 128, DType::fp8_block}).weights.value() == 16388);   // one fp32 scale per block
}

TEST_CASE("routed experts read the distinct ones and compute the routed rows") {
    ExpertFfn e;
    e.tokens = 4;
    e.hidden = 10;
    e.width = 6;
    e.top_k = 2;
    e.distinct = 5;
    e.rows = 8;
    const Work w = work(e);
    CHECK(w.flop.value() == 2880);         // 2 * 3 matrices * 60 * 8 rows
    CHECK(w.weights.value() == 1800);      // 3 * 60 * 5 experts * 2 B
    CHECK(w.activations.value() == 608);   // 8 rows * (2 * 10 + 3 * 6) * 2 B
    e.matrices = 2;
    e.weights = DType::mxfp4;
    CHECK(work(e).flop.value() == 1920);
    CHECK(work(e).weights.value() == 318.75);   // 2 * 60 * 5 * 0.53125
}

TEST_CASE("grouped decode attention costs 4 B H d c FLOP and reads its cache once per key/value head") {
    const Work w = work(DecodeAttention{2, 8, 2, 128, 128, 100, DType::bf16});
    CHECK(w.flop.value() == 819200);        // 4 * 2 * 8 * 128 * 100
    CHECK(w.cache.value() == 206848);       // 2 * 2 * 256 * 2 B * (100 read + 1 written)
    CHECK(w.activations.value() == 8192);   // queries and outputs: 2 * 8 * 256 * 2 B
    CHECK(w.weights.value() == 0);
    CHECK(work(DecodeAttention{2, 8, 2, 128, 128, 100, DType::fp8}).cache.value() == 103424);
}

TEST_CASE("causal prefill attention of one prompt of 4 tokens sees 2.5 keys on average") {
    const Work w = work(PrefillAttention{4, 8, 2, 128, 128, 2.5, 4, 1, DType::bf16, false});
    CHECK(w.flop.value() == 40960);          // 4 * 8 * 128 * (1 + 2 + 3 + 4)
    CHECK(w.activations.value() == 20480);   // 4 tokens * (8 + 2) heads * 256 * 2 B
}

TEST_CASE("absorbed latent decode reads 576 values of a cached token for all heads") {
    const Work w = work(MlaDecode{2, 16, 100, 512, 64, DType::bf16});
    CHECK(w.flop.value() == 6963200);   // 2 * 2 * 16 * 100 * (2 * 512 + 64)
    CHECK(w.cache.value() == 230400);   // 2 * 100 * 576 * 2 B
    const Work absorb = work(MlaAbsorb{2, 16, 512, 256, DType::bf16});
    CHECK(absorb.flop.value() == 8388608);      // 2 * 2 * 16 * 512 * 256
    CHECK(absorb.weights.value() == 4194304);   // 16 * 512 * 256 * 2 B
}

TEST_CASE("expanding latents reads the up-projection once per step") {
    const MlaExpand alone{100, 16, 512, 256, DType::fp8, false};
    CHECK(work(alone).flop.value() == 419430400);   // 2 * 100 * 16 * 512 * 256
    CHECK(work(alone).weights.value() == 2097152);
    const MlaExpand beside_decode{100, 16, 512, 256, DType::fp8, true};
    CHECK(work(beside_decode).weights.value() == 0);
    CHECK(work(beside_decode).flop == work(alone).flop);
}

TEST_CASE("index scores read one byte per element of each index key") {
    const Work w = work(IndexScore{3, 64, 128, 1000, 3000, false});
    CHECK(w.flop.value() == 49152000);   // 2 * 3 * 64 * 128 * 1000
    CHECK(w.cache.value() == 384000);    // 3000 * 128
    CHECK(w.unit == MathUnit::fp8);
}

TEST_CASE("recurrent layers read and write the state of each sequence") {
    const Work decode = work(RecurrentDecode{3, Bytes{1000}, Flop{50}});
    CHECK(decode.cache.value() == 6000);
    CHECK(decode.flop.value() == 150);
    const Work prefill = work(RecurrentPrefill{64, Bytes{1000}, Flop{50}, 2});
    CHECK(prefill.cache.value() == 4000);
    CHECK(prefill.flop.value() == 3200);
}

TEST_CASE("small operations read and write the residual stream") {
    CHECK(work(Elementwise{3, 10}).memory().value() == 120);   // 2 passes * 3 * 10 * 2 B
}

TEST_CASE("collectives send what leaves a rank") {
    CHECK(work(AllReduce{Bytes{800}, 8}).message.value() == 1400);   // 2 * 7/8 * 800
    CHECK(work(AllGather{Bytes{800}, 8}).message.value() == 700);    // 7/8 * 800
    // 10 tokens of 100 values to 4 of 8 ranks, 1/8 of them its own: 10 * 100 * 3.5 * (1 + 2) B
    CHECK(work(ExpertAllToAll{10, 100, 8, 8, 4, false}).message.value() == 10500);
    CHECK(work(PipelineSend{Bytes{800}}).message.value() == 800);
}

TEST_CASE("the work of a wrapped operation is that of its shape") {
    const Operation op{"qkv", OpClass::attention_projection, 7, Gemm{2, 3, 5, DType::bf16}};
    CHECK(work(op).flop.value() == 60);
    CHECK(name_of(OpClass::attention_projection) == "attention_projection");
    CHECK(name_of(OpClass::host) == "host");
}
