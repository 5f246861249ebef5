// SPDX-License-Identifier: Apache-2.0
// What engines set aside, against the terms that their logs print (results/memory/memory_logs.csv, rows named).
#include <doctest/doctest.h>

#include "moecost/model/library.h"
#include "moecost/serving/memory.h"
#include "moecost/serving/reserve.h"

using namespace moecost;
using doctest::Approx;

namespace {

EngineSettings defaults() {
    EngineSettings s;
    s.chunk_tokens = 8192;
    s.max_sequences = 1024;
    return s;
}

const MemoryTerms& terms(const EngineRules& rules, const char* version) {
    return *terms_of(rules.memory, version_of(version).value());
}

double activation_gib(const char* model, const Layout& layout, const char* version) {
    const EngineRules rules = load_engine_rules(DataStore(), "vllm");
    return activation_peak(load_model(DataStore(), model), layout, defaults(), terms(rules, version))
               .value() /
           gib;
}

}   // namespace

TEST_CASE("the peak of the profiling step is that of the logs") {
    // 1,024 sequences x 128,256 words x 14 B + 8,192 tokens x 4,096 x 2 B + 0.12 GiB
    CHECK(activation_gib("llama-3.1-8b", {}, "0.19.0") ==
          Approx((1024.0 * 128256 * 14 + 8192.0 * 4096 * 2) / gib + 0.12).epsilon(1e-12));
    CHECK(activation_gib("llama-3.1-8b", {}, "0.19.0") == Approx(1.89).epsilon(0.005));               // m018
    CHECK(activation_gib("qwen2.5-7b", {.tp = 4}, "0.19.0") == Approx(2.21).epsilon(0.005));          // m051
    CHECK(activation_gib("llama-3.1-70b-fp8", {.tp = 2}, "0.19.0") == Approx(1.96).epsilon(0.005));   // m003
    CHECK(activation_gib("deepseek-v2-lite", {}, "0.19.0") == Approx(1.93).epsilon(0.02));            // m002
    CHECK(activation_gib("qwen3-32b", {}, "0.11.0") == Approx(5.64).epsilon(0.005));                  // m092
    CHECK(activation_gib("gpt-oss-20b", {}, "0.11.0") == Approx(7.38).epsilon(0.005));                // m085
}

TEST_CASE("the cache is what fraction, weights and terms leave") {
    const DataStore data;
    EngineRules rules = load_engine_rules(data, "vllm");
    rules.memory.version = {0, 19};
    const Architecture a = load_model(data, "llama-3.1-8b");
    const WeightBytes weights = weight_bytes(a, a.precision);
    Cluster cluster = cluster_of(load_accelerator(data, "h100"));
    EngineSettings settings = defaults();
    settings.memory_fraction = 0.95;
    Layout layout;
    const MemoryInput input{a, a.precision, weights, layout, cluster, settings, &rules};
    CHECK(memory_left(input)->cache.value() / gib == Approx(58.11).epsilon(0.001));   // m018
    layout.tp = 2;
    CHECK(memory_left(input)->cache.value() / gib == Approx(63.76).epsilon(0.001));   // m027
    settings.reserve = 3_GB;   // by hand: stands for every term
    CHECK(memory_left(input)->reserve.value() == 3e9);
    layout.tp = 1;
    const double even = weights_per_gpu(weights, layout).value();
    CHECK(memory_left(input)->cache.value() ==
          Approx(0.95 * cluster.gpu.memory.value() - even - 131072.0 * 128 * 2 - 3e9).epsilon(1e-12));
}

TEST_CASE(
    "a version between two rows has the terms of the earlier, one before all of them those of the first") {
    const EngineRules rules = load_engine_rules(DataStore(), "vllm");
    CHECK(terms(rules, "0.19.1").other_one.value() == Approx(0.25 * gib));
    CHECK(terms(rules, "0.16").logit_bytes == 37.6);
    CHECK(terms(rules, "0.9").other_one.value() == Approx(0.13 * gib));
    CHECK(terms_of(rules.memory) == &terms(rules, "0.24.2"));
    CHECK_FALSE(version_of("latest"));
    CHECK(version_of("0.10.1.dev101") == EngineVersion{0, 10});
}

TEST_CASE("several GPUs of a stage hold communication buffers") {
    const EngineRules rules = load_engine_rules(DataStore(), "sglang");
    const MemoryTerms& t = terms(rules, "0.5.14");
    CHECK(context_memory({}, t) < context_memory({.tp = 2}, t));
    CHECK(context_memory({.tp = 2}, t) == context_memory({.attention_dp = 8}, t));
    CHECK(context_memory({.pp = 4}, t) == context_memory({}, t));
}
