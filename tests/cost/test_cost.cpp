// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "moecost/cost/cost.h"
#include "moecost/moecost.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// 2 requests/s of 1000 + 500 tokens, a quarter of GPU time on prompts, 20 s per request; tensor cores 30 %
/// and memory 60 % busy in a decode step, 80 % and 40 % in a prompt step.
Serving busy_server() {
    Serving s;
    s.requests_per_s = PerSecond{2};
    s.input_tokens_per_s = TokensPerSecond{2000};
    s.output_tokens_per_s = TokensPerSecond{1000};
    s.e2e = Seconds{20};
    s.prefill_share = 0.25;
    s.decode_time.total = Seconds{0.01};
    s.decode_time.compute_busy = Seconds{0.003};
    s.decode_time.memory_busy = Seconds{0.006};
    s.prompt_time.total = Seconds{0.1};
    s.prompt_time.compute_busy = Seconds{0.08};
    s.prompt_time.memory_busy = Seconds{0.04};
    return s;
}

Accelerator device() {
    Accelerator gpu;
    gpu.memory = Bytes{80e9};
    gpu.memory_bandwidth = BytesPerSecond{4e12};
    gpu.tdp = Watts{700};
    gpu.idle_power_share = 0.2;
    return gpu;
}

Traffic lengths() {
    Traffic t;
    t.input = 1000;
    t.output = 500;
    return t;
}

/// 8 GPUs at 4.5 dollars an hour: 36 dollars an hour, 1 cent a second.
Cost cost(const Serving& serving, const Traffic& traffic = lengths(), double usd_per_gpu_hour = 4.5) {
    const Accelerator gpu = device();
    CostInput in;
    in.gpus = 8;
    in.usd_per_gpu_hour = usd_per_gpu_hour;
    in.cache_bytes_per_token = Bytes{40e3};
    in.gpu = &gpu;
    in.power = {1, 0.55};
    return cost_of(serving, traffic, in);
}

}   // namespace

TEST_CASE("dollars per million tokens, worked by hand") {
    const Cost c = cost(busy_server());
    CHECK(c.usd_per_hour == 36);
    CHECK(c.usd_per_mtok_input == Approx(1.25).epsilon(1e-12));       // 0.25 * 0.01/2000 * 1e6
    CHECK(c.usd_per_mtok_output == Approx(7.5).epsilon(1e-12));       // 0.75 * 0.01/1000 * 1e6
    CHECK(c.usd_per_mtok_blended == Approx(2.8125).epsilon(1e-12));   // (3 * 1.25 + 7.5)/4
    CHECK(c.usd_per_mtok_total == Approx(0.01 / 3000 * 1e6).epsilon(1e-12));
    // Reading 40 kB at 4 TB/s: 10 ns; holding it 20 s of 80 GB: 10 us. 0.01 * (1e-8 + 1e-5) * 1e6
    CHECK(c.usd_per_mtok_cached == Approx(0.1001).epsilon(1e-9));
    // A request holds no cache while it waits for a slot: 5 s of 20.
    Serving queued = busy_server();
    queued.ttft_queue = Seconds{15};
    CHECK(cost(queued).usd_per_mtok_cached == Approx(0.0251).epsilon(1e-9));
}

TEST_CASE("prices of input and output add up to the rent") {
    const Cost c = cost(busy_server());
    CHECK((2000 * c.usd_per_mtok_input + 1000 * c.usd_per_mtok_output) / 1e6 == Approx(0.01).epsilon(1e-12));
    // Also where part of the prompt is cached: only computed tokens carry the prompt's share.
    Traffic cached = lengths();
    cached.prefix_hit_rate = 0.6;
    const Cost half = cost(busy_server(), cached);
    CHECK((800 * half.usd_per_mtok_input + 1000 * half.usd_per_mtok_output) / 1e6 ==
          Approx(0.01).epsilon(1e-12));
}

TEST_CASE("dollars are linear in the price and joules do not see it") {
    const Cost one = cost(busy_server());
    const Cost three = cost(busy_server(), lengths(), 13.5);
    CHECK(three.usd_per_hour == Approx(3 * one.usd_per_hour).epsilon(1e-12));
    CHECK(three.usd_per_mtok_input == Approx(3 * one.usd_per_mtok_input).epsilon(1e-12));
    CHECK(three.usd_per_mtok_output == Approx(3 * one.usd_per_mtok_output).epsilon(1e-12));
    CHECK(three.usd_per_mtok_cached == Approx(3 * one.usd_per_mtok_cached).epsilon(1e-12));
    CHECK(three.usd_per_mtok_blended == Approx(3 * one.usd_per_mtok_blended).epsilon(1e-12));
    CHECK(three.joules_per_output_token == one.joules_per_output_token);
    CHECK(cost(busy_server(), lengths(), 0).usd_per_mtok_output == 0);
}

TEST_CASE("one kind of token alone carries the whole rent") {
    Serving prompts = busy_server();
    prompts.output_tokens_per_s = TokensPerSecond{0};
    const Cost input = cost(prompts);
    CHECK(input.usd_per_mtok_input == Approx(0.01 / 2000 * 1e6).epsilon(1e-12));
    CHECK(input.usd_per_mtok_output == 0);
    CHECK(input.joules_per_output_token.value() == 0);
    Serving decode = busy_server();
    decode.input_tokens_per_s = TokensPerSecond{0};
    const Cost output = cost(decode);
    CHECK(output.usd_per_mtok_output == Approx(0.01 / 1000 * 1e6).epsilon(1e-12));
    CHECK(output.usd_per_mtok_input == 0);
}

TEST_CASE("power follows the time of compute-bound kernels and the bandwidth in use") {
    const Cost c = cost(busy_server());
    // FLOP share of the work 2/3 of a prompt step, 1/3 of a decode step; memory at 0.55 of 0.4 and of 0.6:
    // 0.25 (2/3 + 0.22) + 0.75 (1/3 + 0.33) = 0.719167; 700 (0.2 + 0.8 * 0.719167) W; 8 GPUs over 1000 tokens/s.
    CHECK(c.watts_per_gpu.value() == Approx(542.7333).epsilon(1e-6));
    CHECK(c.joules_per_output_token.value() == Approx(4.341867).epsilon(1e-6));
    Serving idle = busy_server();
    idle.decode_time.compute_busy = idle.decode_time.memory_busy = Seconds{0};
    idle.prompt_time.compute_busy = idle.prompt_time.memory_busy = Seconds{0};
    CHECK(cost(idle).watts_per_gpu.value() == Approx(140).epsilon(1e-12));
    // Half of a decode step is the host's: its tensor work counts half, its bytes are what they are.
    Serving waiting = busy_server();
    waiting.prefill_share = 0;
    waiting.decode_time.by_class[static_cast<std::size_t>(OpClass::host)] = Seconds{0.005};
    CHECK(cost(waiting).watts_per_gpu.value() == Approx(700 * (0.2 + 0.8 * (1.0 / 6 + 0.33))).epsilon(1e-12));
    // A collective draws as memory traffic does.
    waiting.decode_time.by_class[static_cast<std::size_t>(OpClass::host)] = Seconds{0};
    waiting.decode_time.by_class[static_cast<std::size_t>(OpClass::communication)] = Seconds{0.002};
    CHECK(cost(waiting).watts_per_gpu.value() ==
          Approx(700 * (0.2 + 0.8 * (0.8 / 3 + 0.55 * 0.8))).epsilon(1e-12));
    Serving saturated = busy_server();
    saturated.decode_time.memory_busy = Seconds{0};
    saturated.prompt_time.memory_busy = Seconds{0};
    CHECK(cost(saturated).watts_per_gpu.value() == Approx(700).epsilon(1e-12));
}

namespace {

double watts(const std::string& model, const std::string& gpu, int tp, const Load& load) {
    Description d;
    d.model = model;
    d.gpu = gpu;
    d.tp = tp;
    d.load = load;
    const auto e = evaluate(*describe(DataStore(), d));
    return e ? e->cost.watts_per_gpu.value() : 0;
}

}   // namespace

TEST_CASE("power rises with the load, for dense models and for mixtures of experts") {
    for (const char* model :
         {"llama-3.1-70b-fp8", "llama-3.1-8b", "mixtral-8x7b", "qwen3-30b-a3b", "gpt-oss-120b"}) {
        for (const char* gpu : {"h100", "h200", "b200"}) {
            CAPTURE(model);
            CAPTURE(gpu);
            double before = 0;
            for (const double requests : {1.0, 4.0, 16.0, 64.0, 256.0}) {
                const double now = watts(model, gpu, 4, ClosedLoop{requests});
                CAPTURE(requests);
                CHECK(now >= before);
                before = now;
            }
        }
    }
}

// Hopper alone: 650 W of 700 W are published under prefill; of later accelerators no figure is.
TEST_CASE("prompts alone draw at least four fifths of the TDP on Hopper") {
    for (const char* model : {"llama-3.1-70b", "llama-3.1-70b-fp8", "mixtral-8x7b"}) {
        for (const char* gpu : {"h100", "h200"}) {
            CAPTURE(model);
            CAPTURE(gpu);
            const double tdp = load_accelerator(DataStore(), gpu).tdp.value();
            const double w = watts(model, gpu, 4, PrefillOnly{});
            CHECK(w >= 0.8 * tdp);
            CHECK(w <= tdp);
        }
    }
}

TEST_CASE("prices of tokens that do not flow have no value") {
    Serving decode = busy_server();
    decode.input_tokens_per_s = TokensPerSecond{0};
    CHECK(cost(decode).usd_per_mtok_cached == 0);
    CHECK(cost(decode).usd_per_mtok_blended == 0);
    Serving prompts = busy_server();
    prompts.output_tokens_per_s = TokensPerSecond{0};
    CHECK(cost(prompts).usd_per_mtok_blended == 0);
    CHECK(cost(prompts).usd_per_mtok_cached > 0);
    CHECK(cost(prompts).usd_per_mtok_cached <= cost(prompts).usd_per_mtok_input);
}

TEST_CASE("estimates of real deployments stay between their bounds") {
    const DataStore data;
    std::mt19937_64 random(7);
    for (const char* model : {"llama-3.1-8b", "gpt-oss-120b", "qwen3-30b-a3b"}) {
        for (const char* gpu : {"h100", "h200", "b200"}) {
            Description d;
            d.model = model;
            d.gpu = gpu;
            d.tp = 2;
            d.load = ClosedLoop{double(std::uniform_int_distribution<int>(1, 200)(random))};
            d.usd_per_gpu_hour = 2.5;
            const Scenario s = *describe(data, d);
            const auto e = evaluate(s);
            REQUIRE(e);
            const std::string label = std::string(model).append(" on ").append(gpu);
            CAPTURE(label);
            const Cost& c = e->cost;
            const double tdp = s.pool().cluster.gpu.tdp.value();
            CHECK(c.usd_per_hour == 5);
            CHECK(c.watts_per_gpu.value() >= s.pool().cluster.gpu.idle_power_share * tdp);
            CHECK(c.watts_per_gpu.value() <= tdp);
            CHECK(
                c.joules_per_output_token.value() ==
                Approx(2 * c.watts_per_gpu.value() / e->serving.output_tokens_per_s.value()).epsilon(1e-12));
            // Prices of both kinds cover the rent.
            const double earned = c.usd_per_mtok_input * e->serving.input_tokens_per_s.value() +
                                  c.usd_per_mtok_output * e->serving.output_tokens_per_s.value();
            CHECK(earned / 1e6 == Approx(5.0 / 3600).epsilon(1e-12));
        }
    }
}

TEST_CASE("a cached prompt token costs a fraction of a computed one while memory is not short") {
    for (const char* model : {"llama-3.1-70b", "qwen3-235b-a22b", "deepseek-v3"}) {
        Description d;
        d.model = model;
        d.gpu = "h200";
        d.tp = 8;
        d.isl = 8000;
        d.osl = 1000;
        d.load = ClosedLoop{16};
        const auto e = evaluate(*describe(DataStore(), d));
        REQUIRE(e);
        CHECK(e->cost.usd_per_mtok_cached > 0);
        CHECK(e->cost.usd_per_mtok_cached < 0.3 * e->cost.usd_per_mtok_input);
    }
}
