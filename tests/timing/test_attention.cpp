// SPDX-License-Identifier: Apache-2.0
// Expected microseconds come from an independent numpy implementation of the same form, or are worked by
// hand.
#include <doctest/doctest.h>

#include "bench.h"
#include "moecost/timing/attention.h"

using namespace moecost;
using doctest::Approx;

namespace {

DecodeAttentionTable decode_table() {
    DecodeAttentionTable t;
    t.floor = us(7);
    t.compute = 0.5;
    t.memory = 0.9;
    t.overlap_exponent = 2;
    t.per_sequence = us(0.1);
    t.split_tokens = 256;
    t.occupancy_power = 0.4;
    t.batch = {1, 512};
    t.context = {1, 131072};
    return t;
}

PrefillAttentionTable prefill_table() {
    PrefillAttentionTable t;
    t.floor = us(12);
    t.compute = 0.6;
    t.startup_tokens = 100;
    t.io_traffic = 1.5;
    t.head_knee = 20;
    t.wave_tail = 0.7;
    t.prompt = {1, 16384};
    return t;
}

MlaDecodeTable mla_table() {
    MlaDecodeTable t;
    t.floor = us(10);
    t.compute = 0.6;
    t.memory = 0.8;
    t.overlap_exponent = 2.5;
    t.per_sequence = us(0.2);
    t.batch = {1, 512};
    t.context = {1, 131072};
    return t;
}

Bench assumed_bench() {
    Bench b;
    AssumedEfficiencies& a = b.profile.kernels->assumed;
    a.mla_absorb_compute = 0.6;
    a.mla_absorb_memory = 0.8;
    a.mla_absorb_floor = us(8);
    a.recurrent_compute = 0.2;
    a.recurrent_memory = 0.6;
    a.recurrent_decode_floor = us(18);
    a.recurrent_prefill_floor = us(30);
    a.indexer_memory = 0.5;
    a.indexer_floor = us(12);
    return b;
}

}   // namespace

TEST_CASE("decode attention over few and many work items, both cache formats") {
    const Bench b;
    const auto microseconds = [&](double batch, double heads, double kv, double dim, double context,
                                  DType cache) {
        return in_us(
            decode_attention_time({batch, heads, kv, dim, dim, context, cache}, decode_table(), b.machine())
                .total);
    };
    CHECK(microseconds(1, 16, 2, 128, 1000, DType::bf16) == Approx(7.836186469).epsilon(1e-9));
    CHECK(microseconds(64, 8, 1, 128, 3000, DType::fp8) == Approx(24.888388291).epsilon(1e-9));
    CHECK(microseconds(16, 32, 8, 128, 20000, DType::bf16) == Approx(312.747492586).epsilon(1e-9));
    CHECK(microseconds(256, 64, 8, 64, 500, DType::fp8) == Approx(63.235702110).epsilon(1e-9));
}

TEST_CASE("decode attention outside the fitted range says so") {
    const Bench b;
    const auto provenance = [&](double batch, double context) {
        return decode_attention_time({batch, 8, 1, 128, 128, context, DType::bf16}, decode_table(),
                                     b.machine())
            .provenance;
    };
    CHECK(provenance(64, 1000) == Provenance::calibrated);
    CHECK(provenance(600, 1000) == Provenance::extrapolated);
    CHECK(provenance(64, 200000) == Provenance::extrapolated);
}

TEST_CASE("prefill attention below one wave and above") {
    const Bench b;
    const auto microseconds = [&](double tokens, double heads, double kv, double dim, double prompt,
                                  double prompts) {
        return in_us(prefill_attention_time(
                         {tokens, heads, kv, dim, dim, (prompt + 1) / 2, prompt, prompts, DType::bf16, false},
                         prefill_table(), b.machine())
                         .total);
    };
    CHECK(microseconds(100, 8, 1, 128, 100, 1) == Approx(13.099221031).epsilon(1e-9));
    CHECK(microseconds(320, 16, 2, 128, 32, 10) ==
          Approx(13.235835276).epsilon(1e-9));   // start-up as of 64 tokens
    CHECK(microseconds(4096, 16, 2, 128, 1024, 4) == Approx(61.381267058).epsilon(1e-9));
    CHECK(microseconds(8192, 64, 8, 64, 8192, 1) == Approx(1317.073231498).epsilon(1e-9));
}

TEST_CASE("absorbed latent decode") {
    const Bench b;
    const auto microseconds = [&](double batch, double heads, double context, DType cache) {
        return in_us(
            mla_decode_time({batch, heads, context, 512, 64, cache}, mla_table(), b.machine()).total);
    };
    CHECK(microseconds(1, 16, 1000, DType::bf16) == Approx(10.502019606).epsilon(1e-9));
    CHECK(microseconds(64, 16, 4000, DType::fp8) == Approx(62.629580439).epsilon(1e-9));
    CHECK(microseconds(128, 128, 2000, DType::bf16) == Approx(170.141316215).epsilon(1e-9));
}

TEST_CASE("the absorb products run in bf16 whatever the format of the weights") {
    const Bench b = assumed_bench();
    for (const DType weights : {DType::bf16, DType::fp8_block}) {
        const Timed t = mla_absorb_time({64, 16, 512, 256, weights}, b.machine());
        CHECK(in_us(t.total) == Approx(9.182236741).epsilon(1e-9));
        CHECK(t.provenance == Provenance::extrapolated);
    }
}

TEST_CASE("operations of assumed efficiency take their floor and their slower term") {
    const Bench b = assumed_bench();
    // 2 * 1000 * 16 * 512 * 256 FLOP at 0.6 of 1979 TFLOP/s
    CHECK(in_us(mla_expand_time({1000, 16, 512, 256, DType::fp8, false}, b.machine()).total) ==
          Approx(4.194304e9 / (0.6 * 1979e6)).epsilon(1e-12));
    // 64 * 4000 index keys of 128 B at half of 4.8 TB/s: 13.65 us, FLOP 8 heads: 2 * 64 * 8 * 128 * 4000/(0.6
    // * 1979e12)
    CHECK(in_us(index_score_time({64, 8, 128, 4000, 256000, false}, b.machine()).total) ==
          Approx(12 + 256000.0 * 128 / (0.5 * 4.8e6)).epsilon(1e-12));
    // 64 states of 1 MB read and written at 0.6 of 4.8 TB/s
    CHECK(in_us(recurrent_time(RecurrentDecode{64, Bytes{1e6}, Flop{1e6}}, b.machine()).total) ==
          Approx(18 + 128e6 / (0.6 * 4.8e6)).epsilon(1e-12));
    // 8192 tokens of 1e8 FLOP at 0.2 of 989 TFLOP/s
    CHECK(in_us(recurrent_time(RecurrentPrefill{8192, Bytes{1e6}, Flop{1e8}, 2}, b.machine()).total) ==
          Approx(30 + 8.192e11 / (0.2 * 989e6)).epsilon(1e-12));
}
