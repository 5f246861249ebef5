// SPDX-License-Identifier: Apache-2.0
// Cost of one evaluate(): lengths, concurrency and layout change on every call, operations are rebuilt each time.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "moecost/moecost.h"

namespace {

using namespace moecost;

Scenario scenario(const char* model, const char* gpu, const char* engine, int tp, int attention_dp) {
    Description d;
    d.model = model;
    d.gpu = gpu;
    d.engine = engine;
    d.tp = tp;
    d.attention_dp = attention_dp;
    d.ep = tp * attention_dp;
    return *describe(DataStore{}, d);
}

/// A stream of distinct inputs: a prime stride through lengths and concurrency never repeats within a run.
void vary(Scenario& s, unsigned call) {
    s.traffic.input = 256 + static_cast<double>(call * 7919U % 8000U);
    s.traffic.output = 64 + static_cast<double>(call * 104729U % 2000U);
    s.traffic.load = ClosedLoop{1 + static_cast<double>(call * 1299709U % 255U)};
}

void evaluate_deepseek_v3_on_8_h200(benchmark::State& state) {
    std::array<Scenario, 4> layouts{scenario("deepseek-v3", "h200_sxm", "sglang", 8, 1),
                                    scenario("deepseek-v3", "h200_sxm", "sglang", 4, 2),
                                    scenario("deepseek-v3", "h200_sxm", "sglang", 2, 4),
                                    scenario("deepseek-v3", "h200_sxm", "sglang", 1, 8)};
    const WeightBytes weights = weights_of(layouts[0]);
    unsigned call = 0;
    for (auto _ : state) {
        Scenario& s = layouts[call % layouts.size()];
        vary(s, call++);
        auto estimate = evaluate(s, weights);
        benchmark::DoNotOptimize(estimate);
    }
}
BENCHMARK(evaluate_deepseek_v3_on_8_h200);

void evaluate_mixtral_on_2_h100(benchmark::State& state) {
    Scenario s = scenario("mixtral-8x7b", "h100_sxm", "vllm", 2, 1);
    const WeightBytes weights = weights_of(s);
    unsigned call = 0;
    for (auto _ : state) {
        vary(s, call++);
        auto estimate = evaluate(s, weights);
        benchmark::DoNotOptimize(estimate);
    }
}
BENCHMARK(evaluate_mixtral_on_2_h100);

void describe_mixtral(benchmark::State& state) {
    for (auto _ : state) {
        auto s = scenario("mixtral-8x7b", "h100_sxm", "vllm", 2, 1);
        benchmark::DoNotOptimize(s);
    }
}
BENCHMARK(describe_mixtral);

}   // namespace

BENCHMARK_MAIN();
