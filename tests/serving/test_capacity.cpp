// SPDX-License-Identifier: Apache-2.0
// Largest contexts and concurrencies. Oracle: the log of Llama-3.1-8B on one H100 at 0.95 under vLLM 0.19 (m018):
// 476,016 tokens, "maximum concurrency for 8,192 tokens per request: 58.11x".
#include <doctest/doctest.h>

#include <string>

#include "moecost/model/library.h"
#include "moecost/serving/capacity.h"

using namespace moecost;
using doctest::Approx;

namespace {

struct Question {
    Architecture architecture;
    Precision precision;
    WeightBytes weights;
    Layout layout;
    Cluster cluster;
    EngineSettings settings;
    EngineRules rules;

    Question(const char* model, const char* gpu) {
        const DataStore data;
        architecture = load_model(data, model);
        precision = architecture.precision;
        weights = weight_bytes(architecture, precision);
        cluster = cluster_of(load_accelerator(data, gpu));
        rules = load_engine_rules(data, "vllm");
        rules.memory.version = {0, 19};
        settings = default_settings(rules, cluster.gpu.generation);
        settings.memory_fraction = 0.95;
    }
    [[nodiscard]] MemoryInput input() const {
        return {architecture, precision, weights, layout, cluster, settings, &rules};
    }
};

}   // namespace

TEST_CASE("contexts and concurrencies are those of the log") {
    Question q("llama-3.1-8b", "h100");
    CHECK(*largest_context(q.input(), 1) == 131072);   // all positions of the model fit
    CHECK(*largest_context(q.input(), 4) == Approx(476016.0 / 4).epsilon(0.002));
    CHECK(*largest_concurrency(q.input(), 8192) == 58);
    CHECK(*largest_concurrency(q.input(), 1) == 1024);   // the limit of the engine
    q.layout.attention_dp = 2;
    CHECK(*largest_concurrency(q.input(), 1) == 2048);
    CHECK(*largest_context(q.input(), 8) <= *largest_context(q.input(), 7));
}

TEST_CASE("the two answers agree with one another") {
    Question q("qwen3.5-27b", "h100");
    for (const double n : {1.0, 3.0, 10.0}) {
        const double context = *largest_context(q.input(), n);
        CHECK(*largest_concurrency(q.input(), context) >= n);
        if (context < q.architecture.max_position) CHECK(*largest_concurrency(q.input(), context + 1) < n);
    }
}

TEST_CASE("the least tensor parallelism that holds a request") {
    Question q("llama-3.1-70b", "h100");   // 141 GB of bf16
    CHECK(*smallest_tp(q.input(), 1000, 1) == 2);
    CHECK(*smallest_tp(q.input(), 131072, 8) == 8);   // 43 GB of cache each: 344 GB and the weights
    const auto none = smallest_tp(q.input(), 131072, 1e5);
    REQUIRE_FALSE(none);
    CHECK(none.error().reason == "the sequences do not fit at once");
}

TEST_CASE("a tensor parallelism that the engine does not launch is passed over") {
    Question q("qwen3-235b-a22b-fp8", "h100");   // 1536 / 8 = 192: blocks of 128 break
    CHECK(*smallest_tp(q.input(), 1000, 1) == 4);
    const auto eight = smallest_tp(q.input(), 40000, 64);
    CHECK_FALSE(eight);
    q.layout = {.tp = 8, .ep = 8};   // experts whole: ep follows tp
    CHECK(*smallest_tp(q.input(), 40000, 20) == 8);
}

TEST_CASE("where the weights alone do not fit") {
    Question q("deepseek-v3", "a100_sxm_40");
    CHECK_FALSE(largest_context(q.input(), 1));
    CHECK(largest_concurrency(q.input(), 100).error().reason == "the weights do not fit");
}
