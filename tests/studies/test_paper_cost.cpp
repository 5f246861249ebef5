// SPDX-License-Identifier: Apache-2.0
#include "yun2024/paper_cost.h"

#include <doctest/doctest.h>

#include <cmath>

#include "moecost/law/law_toml.h"
#include "moecost/timing/step_timer.h"

using namespace moecost;

namespace {

/// Llama-like: MHA with heads of 128, FFN of 8/3 h, experts in every second layer; N = 12 l h^2.
ProfiledModel model_of(int hidden, int layers, int experts) {
    Architecture a;
    a.name = "test";
    a.hidden = hidden;
    a.layers = layers;
    a.vocabulary = 32000;
    GroupedAttention attention;
    attention.query_heads = attention.kv_heads = hidden / 128;
    attention.qk_dim = attention.v_dim = 128;
    a.mixers.push_back({attention, layers});
    const int width = hidden * 8 / 3;
    if (experts == 1) {
        a.ffns.push_back({DenseFfn{.width = width}, layers});
    } else {
        a.ffns.push_back({DenseFfn{.width = width}, layers / 2});
        a.ffns.push_back({MoeFfn{.experts = experts, .top_k = 2, .width = width}, layers / 2});
    }
    return {12.0 * layers * hidden * hidden, a};
}

/// Three sizes, N = 0.302, 1.21 and 6.44 B, on A100-40GB.
PaperServer server_of(std::string_view engine) {
    const DataStore data;
    PaperServer s;
    const Accelerator gpu = load_accelerator(data, "a100_sxm_40");
    s.cluster = cluster_of(gpu);
    s.profile = load_profile(data, gpu.id, gpu.relative, engine);
    for (const int experts : {1, 4, 8, 16, 32}) {
        s.models[experts] = {model_of(1024, 24, experts), model_of(2048, 24, experts),
                             model_of(4096, 32, experts)};
    }
    s.mu = profiled_mu(s.models);
    return s;
}

}   // namespace

TEST_CASE("the batch is what the weights leave, in bytes") {
    PaperServer s = server_of("ideal");
    s.mu = 0.04;
    s.cluster.gpu.memory = Bytes{40e9};
    // N = 1e9, E = 4: N_MoE = 2e9, 4 GB. h l = 0.04 * 1e6; a request holds 2 * 660.61 * 4e4 = 52.8488 MB.
    const auto one = paper_serving_on(s, 1e9, 4, 1);
    REQUIRE(bool(one));
    CHECK(one->weights.value() == doctest::Approx(4e9));
    CHECK(one->cache_per_request.value() == doctest::Approx(52.8488e6));
    CHECK(one->requests == doctest::Approx(36e9 / 52.8488e6));
    CHECK(paper_serving_on(s, 1e9, 4, 2)->requests == doctest::Approx(76e9 / 52.8488e6));
    // 90 % of the memory, 3 GB kept apart: 33 GB on a GPU, 29 of them for the cache.
    s.options.memory_share = 0.9;
    s.options.reserve = Bytes{3e9};
    CHECK(paper_serving_on(s, 1e9, 4, 1)->requests == doctest::Approx(29e9 / 52.8488e6));
    s.options.most_requests = 256;
    CHECK(paper_serving_on(s, 1e9, 4, 1)->requests == 256);
}

TEST_CASE("with a full memory an ideal step reads all of it once") {
    // Weights and mean caches together fill the memory and a large batch reads every expert: L^D = M_0/bandwidth, 42.4
    // GB at 1.555 TB/s. Activations and the output head, no part of N, add a few percent.
    PaperServer s = server_of("ideal");
    s.mu = 4096.0 * 32 / std::pow(12.0 * 32 * 4096 * 4096, 2.0 / 3);
    for (const int experts : {1, 4}) {
        const auto r = paper_serving_on(s, s.models[experts].back().n, experts, 1);
        REQUIRE(bool(r));
        CAPTURE(experts);
        CHECK(r->decode_step.value() > 0.0272);
        CHECK(r->decode_step.value() < 0.0272 * 1.1);
    }
}

TEST_CASE("step times at a profiled size are those of the step timer") {
    const PaperServer s = server_of("vllm");
    const ProfiledModel& m = s.models.at(8)[1];
    const auto r = paper_serving_on(s, m.n, 8, 1);
    REQUIRE(bool(r));
    const CalibratedHardware machine = calibrated_hardware(s.cluster, s.profile, s.precision);
    const Layout layout;
    StepTimer timer(m.architecture, s.precision, layout, machine);
    const StepTime decode =
        timer.time({.decode_sequences = r->requests, .decode_context = 161.31 + 337.99 / 2});
    CHECK(r->decode_step.value() == doctest::Approx(decode.total.value()).epsilon(1e-12));
    const double prompts = r->requests / 337.99;
    const double share = std::min(1.0, prompts);
    const StepTime prompt = timer.time({.prefill_tokens = 161.31 * std::max(1.0, prompts), .prompt = 161.31});
    CHECK(r->prompt_step.value() ==
          doctest::Approx(prompt.total.value() * s.profile.serving.prefill_factor * share).epsilon(1e-12));
    CHECK(r->gpu_seconds ==
          doctest::Approx((r->prompt_step + r->decode_step).value() / r->requests).epsilon(1e-12));
    // Half-way between two sizes: between their step times at the same batch.
    const double half = 0.5 * (m.n + s.models.at(8)[2].n);
    const auto between = paper_serving_on(s, half, 8, 2);
    REQUIRE(bool(between));
    CHECK(between->decode_step > paper_serving_on(s, m.n, 8, 2)->decode_step * 0.5);
}

TEST_CASE("the cheapest number of GPUs is that of trying each, and infeasible ones are skipped") {
    PaperServer s = server_of("vllm");
    s.options.memory_share = 0.9;
    s.options.reserve = Bytes{2.57e9};
    for (const int experts : {1, 4, 8, 16, 32}) {
        for (double n = 3.1e8; n < 6.4e9; n *= 1.13) {
            double least = HUGE_VAL;
            int gpus = 0;
            for (int g = 1; g <= 8; ++g) {
                const auto on = paper_serving_on(s, n, experts, g);
                if (on && on->gpu_seconds < least) {
                    least = on->gpu_seconds;
                    gpus = g;
                }
            }
            const auto best = paper_serving(s, n, experts);
            REQUIRE(bool(best) == (gpus > 0));
            if (!best) continue;
            CHECK(best->gpu_seconds == least);
            CHECK(best->gpus == gpus);
        }
    }
    // 32 experts of 6.4 B: 73 B parameters, 146 GB of weights: no place on 1, 2 or 4 x 35.6 GB; 3, 5, 6, 7 do not divide
    // 32 heads.
    const auto large = paper_serving(s, 6.4e9, 32);
    REQUIRE(bool(large));
    CHECK(large->gpus == 8);
    CHECK(paper_serving_on(s, 6.4e9, 32, 4).error().reason == "the weights do not fit");
    CHECK(!paper_serving_on(s, 6.4e9, 32, 7));
}

TEST_CASE("more experts at the same size leave fewer requests and cost more") {
    const PaperServer s = server_of("vllm");
    double cost = 0;
    double requests = HUGE_VAL;
    for (const int experts : {1, 4, 8, 16}) {
        const auto on = paper_serving_on(s, 6e9, experts, 8);
        REQUIRE(bool(on));
        CHECK(on->requests < requests);
        CHECK(on->gpu_seconds > cost);
        requests = on->requests;
        cost = on->gpu_seconds;
    }
}

TEST_CASE("sizes and experts that were not profiled have no cost") {
    const PaperServer s = server_of("vllm");
    CHECK(paper_serving(s, 1e8, 4).error().reason == "the size lies outside the profiled models");
    CHECK(paper_serving(s, 1e11, 4).error().reason == "the size lies outside the profiled models");
    CHECK(paper_serving(s, 1e9, 5).error().reason == "no model with as many experts was profiled");
}

TEST_CASE("algorithm 2 under the profiled cost is the best of a fine grid") {
    const PaperServer s = server_of("vllm");
    const Law law = load_law(DataStore{}, "yun2024_yp");
    const ServingCost cost = paper_cost(s);
    PaperQuestion q;
    q.budget = 5.15e21;
    q.least_n = s.models.at(4).front().n;
    const auto base = loss_optimal_model(law, cost, q, 4);
    REQUIRE(bool(base));
    for (const int experts : {8, 16, 32}) {
        const auto found = best_at_cost(law, cost, q, experts, *base);
        REQUIRE(bool(found));
        double least = HUGE_VAL;
        for (double n = q.least_n; n < found->optimal_n; n *= 1.001) {
            const auto c = cost(n, experts);
            if (c && *c <= base->cost) {
                least = std::min(least,
                                 *loss(law, {.n = n, .d = q.budget / (6 * n), .experts = double(experts)}));
            }
        }
        CHECK(found->cost <= base->cost);
        CHECK(found->loss <= least + 1e-12);
        CHECK(found->loss > least - 2e-4);
    }
}

TEST_CASE("a loop over experts moves the bytes of all of them, one token or many") {
    // At the roofline one token is bound by memory: each expert of a GPU reads its weights, 3 h f of two bytes, and moves rows of
    // activations: 2 (h + f) in and out of three products; 2 f, 3 f, 2 h, 3 h and 2 x 4 in small kernels. 12 layers have experts.
    PaperServer s = server_of("ideal");
    const Architecture a = model_of(2048, 24, 8).architecture;
    const double h = 2048;
    const double f = 5461;
    const double expert = 2 * (3 * h * f + 3 * (h + f)) + 2 * (5 * f + 5 * h + 8);
    const CalibratedHardware machine = calibrated_hardware(s.cluster, s.profile, s.precision);
    const StepShape one{.decode_sequences = 1, .decode_context = 100};
    for (const int gpus : {1, 2, 8}) {
        const Layout layout{.tp = gpus};
        StepTimer fused(a, s.precision, layout, machine);
        const StepTime without = fused.time(one);
        const Seconds rest =
            without.total - without.by_class[static_cast<std::size_t>(OpClass::routed_experts)];
        PaperCostOptions loop;
        loop.every_expert = true;
        const Seconds with = step_time({a, s.precision, layout, machine}, loop, one);
        const double bandwidth = s.cluster.gpu.memory_bandwidth.value();
        CHECK((with - rest).value() == doctest::Approx(12 * (8 / gpus) * expert / bandwidth).epsilon(1e-9));
    }
}

TEST_CASE("a loop over experts has no more GPUs than experts") {
    PaperServer s = server_of("vllm");
    s.options.every_expert = true;
    CHECK(bool(paper_serving_on(s, 1.5e9, 4, 4)));
    CHECK(!paper_serving_on(s, 1.5e9, 4, 8));
    CHECK(bool(paper_serving_on(s, 1.5e9, 1, 8)));
}
