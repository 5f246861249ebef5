// SPDX-License-Identifier: Apache-2.0
// Prefill and decode apart, from the description to the answer.
#include <doctest/doctest.h>

#include <string>

#include "moecost/estimate/answer.h"
#include "moecost/estimate/estimate.h"
#include "moecost/estimate/figures.h"
#include "moecost/estimate/inputs.h"
#include "moecost/estimate/pools.h"

using namespace moecost;
using doctest::Approx;

namespace {

const DataStore& data() {
    static const DataStore store;
    return store;
}

Description described(const std::string& options) {
    Description d;
    std::size_t at = 0;
    const auto word = [&] {
        const std::size_t end = std::min(options.find(' ', at), options.size());
        std::string w = options.substr(at, end - at);
        at = std::min(end + 1, options.size());
        return w;
    };
    while (at < options.size()) {
        const std::string key = word();
        set_option(d, key, word(), {key});
    }
    return d;
}

const std::string deepseek =
    "model deepseek-v3 gpu h200 engine sglang isl 3000 osl 800 prefill-gpus 16 decode-gpus 8 prefill-tp 8 "
    "decode-tp 1 decode-attention-dp 8 decode-ep 8 ";

Estimate answered(const std::string& options) {
    const Expected<Scenario> s = describe(data(), described(options));
    REQUIRE(s);
    const Expected<Estimate> e = evaluate(*s);
    REQUIRE(e);
    return *e;
}

double figure(const std::string& options, std::string_view key) {
    const Expected<Scenario> s = describe(data(), described(options));
    REQUIRE(s);
    const Expected<Estimate> e = evaluate(*s);
    REQUIRE(e);
    return figure_named(key)->number({nullptr, &*s, &*e, nullptr});
}

std::string refused(const std::string& options) {
    try {
        const Expected<Scenario> s = describe(data(), described(options));
        if (!s) return to_text(s.error());
        const Expected<Estimate> e = evaluate(*s);
        return e ? "runs" : to_text(e.error());
    } catch (const InputError& e) {
        return e.what();
    }
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}   // namespace

TEST_CASE("each pool has its own GPUs, workers and layout; what is not said holds for both") {
    const auto s = describe(data(), described(deepseek + "kv fp8 concurrency 256"));
    REQUIRE(s);
    REQUIRE(s->two_pools());
    CHECK(s->gpus() == 24);
    CHECK(s->pools.front().role == Role::prefill);
    CHECK(s->pools.front().replicas == 2);
    CHECK(s->pools.front().layout == Layout{.tp = 8});
    CHECK(s->pool().role == Role::decode);
    CHECK(s->pool().layout == Layout{.ep = 8, .attention_dp = 8});
    CHECK(s->pools.front().precision.kv_cache == DType::fp8);
    CHECK(s->pool().precision.kv_cache == DType::fp8);
}

TEST_CASE("pools of two kinds of GPUs and two formats") {
    const auto s = describe(data(), described("model qwen3-30b-a3b gpu h100 decode-gpu h200 isl 4000 osl 500 "
                                              "prefill-gpus 2 decode-gpus 2 tp 1 prefill-weights fp8-block "
                                              "concurrency 64"));
    REQUIRE(s);
    CHECK(s->pools.front().cluster.gpu.id == "h100_sxm");
    CHECK(s->pool().cluster.gpu.id == "h200_sxm");
    CHECK(s->pools.front().precision.attention == DType::fp8_block);
    CHECK(s->pool().precision.attention == DType::bf16);
    const auto e = evaluate(*s);
    REQUIRE(e);
    // The rent of the prefill pool is what prompts cost, that of the decode pool what outputs cost.
    const double prompts = 2 * s->pools.front().price.usd_per_gpu_hour;
    const double outputs = 2 * s->pool().price.usd_per_gpu_hour;
    CHECK(e->cost.usd_per_hour == Approx(prompts + outputs));
    CHECK(e->cost.usd_per_mtok_output ==
          Approx(outputs / 3600 / e->serving.output_tokens_per_s.value() * 1e6).epsilon(1e-9));
    CHECK(e->cost.usd_per_mtok_input ==
          Approx(prompts / 3600 / (e->serving.requests_per_s.value() * 4000) * 1e6).epsilon(1e-9));
}

TEST_CASE("throughput of a GPU counts the GPUs of both pools") {
    const std::string load = deepseek + "concurrency 256";
    CHECK(figure(load, "gpus") == 24);
    CHECK(figure(load, "output_tokens_per_s_per_gpu") == Approx(figure(load, "output_tokens_per_s") / 24));
    // Little's law over the whole: 256 in flight.
    const Estimate e = answered(load);
    CHECK(e.serving.requests_per_s.value() * e.serving.e2e.value() == Approx(256).epsilon(1e-9));
    CHECK(e.pools->answer.limit() != PoolLimit::transfer);
}

TEST_CASE("prefill workers that feed one of decode: what it takes over what one of them gives") {
    const std::string load = deepseek + "concurrency 600";
    const double taken = figure(load, "decode_batch") / ((800 - 1) * figure(load, "tpot_s"));
    const double given = figure(load, "prefill_capacity_per_s") / 2;
    CHECK(figure(load, "matched_prefill_workers") == Approx(taken / given).epsilon(1e-6));
    // One to two on H200: by hand with the prompt work of one pool, before its measured factor, two.
    CHECK(taken / given > 0.8);
    CHECK(taken / given < 2.2);
}

TEST_CASE("more prefill workers never slow the first token, more decode workers never the next ones") {
    double last_ttft = 1e9;
    for (const int gpus : {8, 16, 32}) {
        std::string options =
            "model deepseek-v3 gpu h200 engine sglang isl 3000 osl 800 tp 8 decode-gpus 16 concurrency 200 ";
        options.append("prefill-gpus ").append(std::to_string(gpus));
        const double ttft = answered(options).serving.ttft.value();
        CHECK(ttft < last_ttft);
        last_ttft = ttft;
    }
    double last_tpot = 1e9;
    for (const int gpus : {8, 16, 32}) {
        std::string options =
            "model deepseek-v3 gpu h200 engine sglang isl 3000 osl 800 tp 8 prefill-gpus 16 concurrency 200 ";
        options.append("decode-gpus ").append(std::to_string(gpus));
        const double tpot = answered(options).serving.tpot.value();
        CHECK(tpot < last_tpot);
        last_tpot = tpot;
    }
}

TEST_CASE(
    "a rate beyond a pool is infeasible, and the answer names the pool and the GPUs that would carry it") {
    const auto s = describe(data(), described(deepseek + "rate 60"));
    REQUIRE(s);
    const auto e = evaluate(*s);
    REQUIRE_FALSE(e);
    CHECK(e.error().reason == "the offered load exceeds the capacity");
    CHECK(says(e.error().detail, "decode pool"));
    CHECK(says(e.error().fix, "--decode-gpus"));
    const std::string more = deepseek + "rate 60 " + e.error().fix.substr(2);
    CHECK(says(refused(more), "prefill pool"));   // then the other pool binds
}

TEST_CASE("percentiles of objectives are judged on two pools") {
    const auto s = describe(data(), described(deepseek + "rate 6 slo-ttft p95:3s slo-tpot p95:100ms"));
    REQUIRE(s);
    const auto e = evaluate(*s);
    REQUIRE(e);
    CHECK(e->ttft_of_slo > e->serving.ttft);
    CHECK(e->tpot_of_slo > e->serving.tpot);
    CHECK(e->meets_slo);
}

TEST_CASE("what two pools cannot be asked is refused with what to do") {
    CHECK(says(refused("model deepseek-v3 gpu h200 prefill-gpus 8"), "without --decode-gpus"));
    CHECK(says(refused("model deepseek-v3 gpu h200 tp 8 prefill-tp 4"), "of two pools"));
    CHECK(says(refused(deepseek + "static-batch 8"), "two pools serve requests"));
    CHECK(says(refused(deepseek + "gpus 32 concurrency 8"), "not those of both pools"));
    CHECK(says(refused(deepseek + "replicas 2 concurrency 8"), "pool by pool"));
    CHECK(says(refused("model deepseek-v3 gpu h200 isl 1000 osl 100 prefill-gpus 12 decode-gpus 8 tp 8"),
               "multiple"));
    CHECK(says(
        refused(
            "model deepseek-v3 gpu h100 isl 1000 osl 100 prefill-gpus 4 decode-gpus 16 tp 16 prefill-tp 4"),
        "a worker of the prefill pool"));   // weights do not fit
}

TEST_CASE("the same GPUs as one pool are told beside two") {
    const auto s = describe(data(), described(deepseek + "concurrency 256"));
    REQUIRE(s);
    auto e = evaluate(*s);
    REQUIRE(e);
    compare_with_one_pool(*s, *e);
    REQUIRE(e->pools->one_pool.known());
    const OnePool& one = e->pools->one_pool;
    CHECK(one.replicas * one.layout.gpus() == 24);
    std::string same = "model deepseek-v3 gpu h200 engine sglang isl 3000 osl 800 gpus 24 concurrency 256 ";
    same.append(one.layout.attention_dp > 1 ? "tp 1 attention-dp 8 ep 8" : "tp 8");
    CHECK(one.output_tokens_per_s == Approx(figure(same, "output_tokens_per_s")).epsilon(1e-9));
}

TEST_CASE("a cache travels over the network of a GPU, or over the link inside one domain") {
    const auto nodes = describe(data(), described(deepseek + "concurrency 64"));
    REQUIRE(nodes);
    const double share = nodes->pool().profile.pools.alone.link_share;
    CHECK(transfer_bandwidth(*nodes).value() == Approx(share * 50e9));   // one 400 Gbit/s port per GPU
    const auto rack =
        describe(data(), described("model deepseek-v3 gpu gb200_nvl72 engine trtllm isl 1000 osl 100 "
                                   "prefill-gpus 8 decode-gpus 8 tp 8 concurrency 64"));
    REQUIRE(rack);
    CHECK(transfer_bandwidth(*rack).value() == Approx(share * 900e9));
    const auto stated = describe(data(), described(deepseek + "concurrency 64 transfer-gb-s 25"));
    REQUIRE(stated);
    CHECK(transfer_bandwidth(*stated).value() == Approx(25e9));
    // DeepSeek's latent: 576 values of 61 layers, 70,272 bytes in bf16; 3,000 tokens at 25 GB/s: 8.4 ms.
    const Estimate e = answered(deepseek + "concurrency 8 kv bf16 transfer-gb-s 25");
    CHECK(e.pools->transfer.value() == Approx(3000 * 70272 / 25e9).epsilon(1e-6));
    const Estimate hidden = answered(deepseek + "concurrency 8 kv bf16 transfer-gb-s 25 transfer-overlap 1");
    CHECK(hidden.pools->transfer.value() == Approx(0).epsilon(1e-9));   // the prompt takes longer
}

TEST_CASE("two pools simulated: the times of the closed form where nobody waits, percentiles from both") {
    const Expected<Scenario> s =
        describe(data(), described("model deepseek-v3 gpu h200 engine sglang isl 2000 osl 500 prefill-gpus 8 "
                                   "decode-gpus 8 prefill-tp 8 decode-tp 8 rate 0.5"));
    REQUIRE(s);
    AnswerOptions how;
    how.requests = 2000;
    const Expected<Estimate> form = answer(*s, how);
    how.by = AnswerOptions::By::simulation;
    const Expected<Estimate> run = answer(*s, how);
    REQUIRE(form);
    REQUIRE(run);
    CHECK(run->serving.ttft.value() == Approx(form->serving.ttft.value()).epsilon(0.02));
    CHECK(run->serving.tpot.value() == Approx(form->serving.tpot.value()).epsilon(0.02));
    REQUIRE(form->latency);
    REQUIRE(run->latency);
    CHECK(form->latency->capacity.value() == Approx(form->pools->answer.capacity()));
    CHECK(run->latency->ttft.p90().value() == Approx(form->latency->ttft.p90().value()).epsilon(0.05));
    CHECK(run->latency->tpot.p99().value() == Approx(form->latency->tpot.p99().value()).epsilon(0.05));
}
