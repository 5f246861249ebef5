// SPDX-License-Identifier: Apache-2.0
// Memory plans by hand. Mixtral-8x7B in bf16: 46,702,792,704 parameters = 93.41 GB; router 32 * 8 * 4096 and
// norms 65 * 4096 parameters are on every rank. A100: 79.25 GiB = 85.094 GB.
#include <doctest/doctest.h>

#include "moecost/model/library.h"
#include "moecost/serving/memory.h"

using namespace moecost;
using doctest::Approx;

namespace {

struct Plan {
    Precision precision;
    Layout layout;
    EngineSettings engine;
    Traffic traffic;

    Plan() {
        engine.memory_fraction = 0.9;
        engine.reserve = 3_GB;
        engine.output_reserve = 0.75;
        engine.max_sequences = 1e6;
        traffic.input = traffic.output = 1024;
    }
    [[nodiscard]] Expected<MemoryPlan> of(const char* model, const char* gpu) const {
        const Architecture a = load_model(DataStore(), model);
        return plan_memory(a, precision, weight_bytes(a, precision), layout,
                           cluster_of(load_accelerator(DataStore(), gpu)), engine, traffic);
    }
};

double weights_gb(const char* model, const Layout& layout) {
    const Architecture a = load_model(DataStore(), model);
    return weights_per_gpu(weight_bytes(a, Precision{}), layout).value() / 1e9;
}

}   // namespace

TEST_CASE("Mixtral in bf16 on two A100 leaves room for 228 sequences of 1024 + 1024 tokens") {
    Plan p;
    p.layout.tp = 2;
    const auto plan = p.of("mixtral-8x7b", "a100_sxm_80");
    REQUIRE(plan);
    CHECK(plan->capacity.value() == 85094039552.0);
    CHECK(plan->weights.value() == 46704107520);   // (93,405,585,408 + 2 * 1,314,816)/2
    CHECK(plan->reserve.value() == 3e9);
    CHECK(plan->cache.value() == Approx(26880528076.8).epsilon(1e-12));   // 0.9 M - W - 3 GB
    CHECK(plan->sequence.value() == 117440512);   // (1024 + 0.75 * 1024) * 131,072/2 B
    CHECK(plan->max_concurrency == 228);          // floor 228.9
}

TEST_CASE("an fp8 cache holds twice the sequences") {
    Plan p;
    p.layout.tp = 2;
    p.precision.kv_cache = DType::fp8;
    const auto plan = p.of("mixtral-8x7b", "a100_sxm_80");
    REQUIRE(plan);
    CHECK(plan->sequence.value() == 58720256);
    CHECK(plan->max_concurrency == 457);   // floor 457.8
}

TEST_CASE("a memory share of what the weights leave is taken after them") {
    Plan p;
    p.layout.tp = 2;
    p.engine.memory_basis = MemoryBasis::free;
    const auto plan = p.of("mixtral-8x7b", "a100_sxm_80");
    REQUIRE(plan);
    CHECK(plan->cache.value() == Approx(0.9 * (85094039552.0 - 46704107520.0 - 3e9)).epsilon(1e-12));
}

TEST_CASE("weights that do not fit are refused with both numbers") {
    const auto plan = Plan().of("mixtral-8x7b", "a100_sxm_80");
    REQUIRE(!plan);
    CHECK(plan.error().reason == "the weights do not fit");
    CHECK(plan.error().needed == Approx(96.405585).epsilon(1e-8));       // 93.41 + 3
    CHECK(plan.error().available == Approx(76.5846356).epsilon(1e-8));   // 0.9 * 85.094
    CHECK(plan.error().unit == "GB");
}

TEST_CASE("a request that does not fit alone is refused with both numbers") {
    Plan p;
    p.layout.tp = 2;
    p.traffic.input = 410000;   // 26.88 GB hold 410,164 tokens
    p.traffic.output = 1000;
    const auto plan = p.of("mixtral-8x7b", "a100_sxm_80");
    REQUIRE(!plan);
    CHECK(plan.error().reason == "not one sequence fits beside the weights");
    CHECK(plan.error().needed == Approx(411000.0 * 65536 / 1e9).epsilon(1e-12));
    CHECK(plan.error().available == Approx(26.88052808).epsilon(1e-8));
    p.traffic.output = 100;
    REQUIRE(p.of("mixtral-8x7b", "a100_sxm_80"));
    CHECK(p.of("mixtral-8x7b", "a100_sxm_80")->max_concurrency == 1);
}

TEST_CASE("attention data parallelism multiplies the sequences of a rank") {
    Plan p;
    const auto one = p.of("llama-3.1-8b", "h100");
    p.layout.attention_dp = 4;
    const auto four = p.of("llama-3.1-8b", "h100");
    REQUIRE(one);
    REQUIRE(four);
    CHECK(four->weights == one->weights);   // a dense model is whole on every rank
    CHECK(four->max_concurrency == 4 * one->max_concurrency);
    p.engine.max_sequences = 100;
    CHECK(p.of("llama-3.1-8b", "h100")->max_concurrency == 400);
}

TEST_CASE("a latent cache is replicated over tensor-parallel ranks") {
    Plan p;
    p.precision = p.precision.with_weights(DType::fp8_block);
    p.layout.tp = 8;
    const auto plan = p.of("deepseek-v3", "h200");
    REQUIRE(plan);
    CHECK(plan->sequence.value() == 1792.0 * 70272);   // 61 layers * 576 * 2 B a token
}

TEST_CASE("windowed layers stop growing") {
    Plan p;
    p.precision.routed_experts = DType::mxfp4;
    const auto plan = p.of("gpt-oss-120b", "h200");
    REQUIRE(plan);
    // 18 full layers of 2 * 8 * 64 * 2 B for 1792 tokens, 18 windowed ones for 128.
    CHECK(plan->sequence.value() == 18.0 * 2048 * (1792 + 128));
}

TEST_CASE("recurrent layers hold their state whatever the length") {
    Plan p;
    p.precision = p.precision.with_weights(DType::fp8);
    p.layout.tp = 8;
    const auto held = [&](double tokens) {
        p.traffic.input = tokens;
        return p.of("qwen3.5-397b-a17b", "b300_sxm")->sequence.value();
    };
    // 45 states of 533,504 B a rank; 15 layers of one copied key/value head of 2 * 256 * 2 B.
    CHECK(held(232) == 45.0 * 533504 + 15.0 * 1024 * 1000);
    CHECK(held(1232) == 45.0 * 533504 + 15.0 * 1024 * 2000);
}

TEST_CASE("weights of the busiest GPU follow the layout") {
    CHECK(weights_gb("mixtral-8x7b", {}) == Approx(93.405585408).epsilon(1e-12));
    CHECK(weights_gb("mixtral-8x7b", {.tp = 2, .ep = 2}) == Approx(46.704107520).epsilon(1e-12));
    // Attention data parallelism: 45,097,156,608 expert parameters over 4 GPUs, the other 1,605,636,096 on
    // each.
    CHECK(weights_gb("mixtral-8x7b", {.ep = 4, .attention_dp = 4}) ==
          Approx(2e-9 * (45097156608.0 / 4 + 1605636096.0)).epsilon(1e-12));
    // Two stages: half of the layers and one of the two equal tables of 128256 x 8192.
    const double table = 128256.0 * 8192;
    CHECK(weights_gb("llama-3.1-70b", {.tp = 4, .pp = 2}) ==
          Approx(2e-9 * ((70553706496.0 - 2 * table - 161.0 * 8192) / 8 + table / 4 + 161.0 * 8192 / 2))
              .epsilon(1e-12));
}

// The release of DeepSeek-V3 names 11.5 billion parameters of its module beside the embedding and head it shares, in fp8.
TEST_CASE("the module that drafts is held where tokens are drafted") {
    const Architecture a = load_model(DataStore(), "deepseek-v3");
    const Layout eight{.tp = 8};
    const Bytes draft = draft_weights_per_gpu(weight_bytes(a, a.precision), eight);
    // The join of two hidden vectors is no shard: each of eight GPUs holds 2 x 7168^2 numbers of it in bf16.
    const double join = 2.0 * 7168 * 7168;
    CHECK(8 * draft.value() == Approx(11.5e9 - join + 8 * 2 * join).epsilon(0.03));
    Plan p;
    p.precision = a.precision;
    p.layout = eight;
    const auto without = p.of("deepseek-v3", "h200_sxm");
    p.engine.draft_tokens = 1;
    const auto with = p.of("deepseek-v3", "h200_sxm");
    REQUIRE(without);
    REQUIRE(with);
    CHECK((with->weights - without->weights).value() == Approx(draft.value()).epsilon(1e-9));
    CHECK(draft_weights_per_gpu(weight_bytes(load_model(DataStore(), "mixtral-8x7b"), Precision{}), eight) ==
          Bytes{});
}

TEST_CASE("stages of a pipeline hold their layers of the cache") {
    Plan p;
    p.layout = {.tp = 2, .pp = 2};
    CHECK(p.of("mixtral-8x7b", "a100_sxm_80")->sequence.value() == 117440512 / 2);
}
