// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "listed.h"
#include "moecost/ops/mixer_operations.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// A model of one layer of this mixer and a plain feed-forward, hidden 64.
Architecture one_layer(const Mixer& mixer) {
    Architecture a;
    a.hidden = 64;
    a.vocabulary = 128;
    a.layers = 1;
    a.mixers = {{mixer, 1, 1}};
    a.ffns = {{DenseFfn{64, 3}, 1, 1}};
    return a;
}

GroupedAttention grouped(int window, bool chunked) {
    GroupedAttention g;
    g.query_heads = 4;
    g.kv_heads = 2;
    g.qk_dim = g.v_dim = 16;
    g.window = window;
    g.chunked = chunked;
    return g;
}

double attention_flop(const Architecture& a, const StepShape& shape) {
    return flop_of(listed(a, {}, shape), OpClass::attention);
}

/// Attention FLOP of decoding positions 1..n one by one.
double decoded_flop(const Architecture& a, int n) {
    double sum = 0;
    for (int context = 1; context <= n; ++context) sum += attention_flop(a, decode_shape(1, context));
    return sum;
}

}   // namespace

TEST_CASE("a window limits what a decoding token sees") {
    CHECK(visible_context(100, 0, false) == 100);
    CHECK(visible_context(100, 128, false) == 100);
    CHECK(visible_context(1000, 128, false) == 128);
    CHECK(visible_context(100, 128, true) == 100);
    CHECK(visible_context(1000, 128, true) == 64.5);   // on average half of a chunk: (1 + 128)/2
}

TEST_CASE("mean keys of a prompt, worked by hand") {
    CHECK(mean_keys(4, 0, 0, false) == 2.5);     // (1 + 2 + 3 + 4)/4
    CHECK(mean_keys(4, 10, 0, false) == 12.5);   // (11 + 12 + 13 + 14)/4
    CHECK(mean_keys(4, 0, 2, false) == 1.75);    // (1 + 2 + 2 + 2)/4
    CHECK(mean_keys(4, 1, 3, false) == 2.75);    // (2 + 3 + 3 + 3)/4
    CHECK(mean_keys(4, 10, 3, false) == 3);
    CHECK(mean_keys(5, 0, 2, true) == Approx(1.4));       // (1 + 2 + 1 + 2 + 1)/5
    CHECK(mean_keys(3, 1, 2, true) == Approx(5.0 / 3));   // (2 + 1 + 2)/3
    CHECK(mean_keys(4, 0, 8, true) == 2.5);
}

TEST_CASE("mean keys are the average of what each position sees") {
    for (const int window : {0, 1, 7, 64, 1000}) {
        for (const int prior : {0, 5, 64, 500}) {
            for (const int n : {1, 6, 63, 257}) {
                CAPTURE(window);
                CAPTURE(prior);
                CAPTURE(n);
                double sliding = 0;
                double restarted = 0;
                for (int p = prior + 1; p <= prior + n; ++p) {
                    sliding += window == 0 ? p : std::min(p, window);
                    restarted += window == 0 ? p : (p - 1) % window + 1;
                }
                CHECK(mean_keys(n, prior, window, false) == Approx(sliding / n).epsilon(1e-12));
                CHECK(mean_keys(n, prior, window, true) == Approx(restarted / n).epsilon(1e-12));
            }
        }
    }
}

TEST_CASE("prefilling a prompt costs the attention FLOP of decoding its positions") {
    CHECK(attention_flop(one_layer(grouped(0, false)), prefill_shape(300, 300)) ==
          Approx(decoded_flop(one_layer(grouped(0, false)), 300)).epsilon(1e-12));
    CHECK(attention_flop(one_layer(grouped(50, false)), prefill_shape(300, 300)) ==
          Approx(decoded_flop(one_layer(grouped(50, false)), 300)).epsilon(1e-12));
    // Decode averages over the place in a chunk, so the sums agree over whole chunks.
    CHECK(attention_flop(one_layer(grouped(50, true)), prefill_shape(300, 300)) ==
          Approx(decoded_flop(one_layer(grouped(50, true)), 300)).epsilon(1e-12));
    // 128 windowed and full layers of gpt-oss side by side.
    const Architecture oss = model_named("gpt-oss-20b");
    CHECK(attention_flop(oss, prefill_shape(300, 300)) == Approx(decoded_flop(oss, 300)).epsilon(1e-12));
}

TEST_CASE("a window never costs more than full attention") {
    std::mt19937_64 random(3);
    const auto draw = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    for (int i = 0; i < 500; ++i) {
        const int window = draw(1, 5000);
        const bool chunked = draw(0, 1) == 1;
        const Architecture full = one_layer(grouped(0, false));
        const Architecture windowed = one_layer(grouped(window, chunked));
        const StepShape decode = decode_shape(draw(1, 64), draw(1, 10000));
        const StepShape prompt = prefill_shape(draw(1, 5000), draw(1, 5000), draw(0, 5000));
        CHECK(attention_flop(windowed, decode) <= attention_flop(full, decode));
        CHECK(attention_flop(windowed, prompt) <= attention_flop(full, prompt) * (1 + 1e-12));
    }
}

TEST_CASE("grouped attention projects queries, keys and values and splits heads over ranks") {
    const Architecture a = model_named("llama-3.1-8b");   // 32 query, 8 key/value heads of 128
    const auto whole = std::get<Gemm>(named(listed(a, {}, decode_shape(3, 100)), "qkv").shape);
    CHECK(whole.m == 3);
    CHECK(whole.n == 6144);   // (32 + 2 * 8) * 128
    CHECK(whole.k == 4096);
    const auto share = std::get<Gemm>(named(listed(a, {.tp = 4}, decode_shape(3, 100)), "qkv").shape);
    CHECK(share.n == 1536);
    // 16 ranks: 2 query heads and one copied key/value head each.
    const auto copied = listed(a, {.tp = 16}, decode_shape(3, 100));
    CHECK(std::get<Gemm>(named(copied, "qkv").shape).n == 512);
    CHECK(std::get<DecodeAttention>(named(copied, "decode attention").shape).kv_heads == 1);
    CHECK(std::get<DecodeAttention>(named(copied, "decode attention").shape).q_heads == 2);
}

TEST_CASE("an output gate doubles the query projection") {
    GroupedAttention g = grouped(0, false);
    const auto n = [&] {
        return std::get<Gemm>(named(listed(one_layer(g), {}, decode_shape(1, 1)), "qkv").shape).n;
    };
    CHECK(n() == 128);   // (4 + 2 + 2) * 16
    g.gate = OutputGate::elementwise;
    CHECK(n() == 192);   // 4 * 16 more
    g.gate = OutputGate::per_head;
    CHECK(n() == 132);
    g.gate = OutputGate::none;
    g.reuses_kv = true;
    CHECK(n() == 64);
}

TEST_CASE("latent attention decodes absorbed and prefills expanded") {
    const Architecture a = model_named("deepseek-v3");   // 128 heads, q 1536, kv 512 + 64, nope and v 128
    const auto decode = listed(a, {.tp = 8}, decode_shape(32, 1000));
    CHECK(std::get<Gemm>(named(decode, "q and kv down").shape).n == 2112);   // replicated: 1536 + 512 + 64
    CHECK(std::get<Gemm>(named(decode, "q up").shape).n == 3072);            // 16 heads * 192
    CHECK(std::get<Gemm>(named(decode, "attention out").shape).k == 2048);   // 16 heads * 128
    const auto core = std::get<MlaDecode>(named(decode, "decode attention").shape);
    CHECK(core.heads == 16);
    CHECK(core.context == 1000);
    CHECK(count_named(decode, "expand") == 0);
    // One pass expands each prompt token once, four equal chunks 1 + 2 + 3 + 4 quarters.
    const auto expanded = [&](double passes, double prior) {
        return std::get<MlaExpand>(
                   named(listed(a, {}, prefill_shape(4096, 4096, prior, passes)), "expand").shape)
            .tokens;
    };
    CHECK(expanded(1, 0) == 4096);
    CHECK(expanded(4, 0) == 10240);
    CHECK(expanded(1, 2048) == 6144);
    CHECK(expanded(4, 2048) == 18432);   // the cached 2048 four times
    const auto prompt = listed(a, {}, prefill_shape(4096, 4096));
    CHECK(count_named(prompt, "absorb") == 0);
    CHECK(std::get<PrefillAttention>(named(prompt, "prefill attention").shape).keys == 2048.5);
    CHECK(std::get<PrefillAttention>(named(prompt, "prefill attention").shape).latent);
}

TEST_CASE("a mixed step of latent attention reads the up-projection once") {
    const Architecture a = model_named("deepseek-v3");
    StepShape mixed = prefill_shape(1000, 1000);
    mixed.decode_sequences = 8;
    mixed.decode_context = 500;
    const auto operations = listed(a, {}, mixed);
    CHECK(work(named(operations, "absorb")).weights.value() == 128.0 * 512 * 256 * 2);
    CHECK(work(named(operations, "expand")).weights.value() == 0);
    CHECK(std::get<Gemm>(named(operations, "q up").shape).m == 1008);
}

TEST_CASE("sparse attention reads the selected tokens and scores all of them") {
    const Architecture a = model_named("deepseek-v3.2");   // 64 index heads of 128 select 2048 tokens
    const auto operations = listed(a, {}, decode_shape(4, 10000));
    CHECK(std::get<MlaDecode>(named(operations, "decode attention").shape).context == 2048);
    const auto scores = std::get<IndexScore>(named(operations, "index scores").shape);
    CHECK(scores.context == 10000);
    CHECK(scores.cached_reads == 40000);
    CHECK(scores.heads == 64);
    CHECK(std::get<MlaDecode>(named(listed(a, {}, decode_shape(4, 100)), "decode attention").shape).context ==
          100);
    const auto prompt = listed(a, {}, prefill_shape(10000, 10000));
    CHECK(std::get<PrefillAttention>(named(prompt, "prefill attention").shape).keys == 2048);
}

TEST_CASE("recurrent layers carry their state and ignore the context") {
    const Architecture a =
        model_named("qwen3.5-397b-a17b");   // 64 value heads of 128 x 128, 16 key heads, kernel 4
    const auto short_context = listed(a, {.tp = 8}, decode_shape(4, 10));
    const auto update = named(short_context, "state update");
    CHECK(update.count == 45);
    // fp32 state 64 * 128 * 128 * 4 B and bf16 convolution (2 * 16 + 64) * 128 * 3 * 2 B, over 8 ranks.
    CHECK(std::get<RecurrentDecode>(update.shape).state.value() == 533504);
    const auto long_context = listed(a, {.tp = 8}, decode_shape(4, 100000));
    CHECK(flop_of(long_context, OpClass::recurrent) == flop_of(short_context, OpClass::recurrent));
    CHECK(flop_of(listed(a, {}, prefill_shape(256, 256)), OpClass::recurrent) > 0);
}

TEST_CASE("compressed attention reads its window and the selected entries") {
    CompressedAttention c;
    c.heads = 4;
    c.head_dim = 16;
    c.q_rank = 32;
    c.out_groups = 2;
    c.out_rank = 8;
    c.window = 128;
    const auto seen = [&](double context) {
        return std::get<MlaDecode>(
                   named(listed(one_layer(c), {}, decode_shape(1, context)), "decode attention").shape)
            .context;
    };
    CHECK(seen(100) == 100);
    CHECK(seen(4096) == 128);
    c.ratio = 128;
    CHECK(seen(4096) == 160);   // 128 raw + 4096/128
    c.ratio = 4;
    c.indexer = SparseIndexer{.heads = 2, .head_dim = 8, .selected = 512};
    CHECK(seen(1024) == 384);    // 128 raw + 1024/4
    CHECK(seen(65536) == 640);   // 128 raw + the 512 selected of 16384 entries
}
