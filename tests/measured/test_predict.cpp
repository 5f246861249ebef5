// SPDX-License-Identifier: Apache-2.0
// Measured rows as scenarios: what recipes say of a server that its row does not.
#include "moecost/measured/predict.h"

#include <doctest/doctest.h>

#include "moecost/model/cache.h"

using namespace moecost;
using doctest::Approx;

namespace {

/// Llama-3.1-405B on 8 H100 under vLLM 0.6, 32 requests at once.
MeasuredPoint batch_of_2024() {
    MeasuredPoint p;
    p.id = "batch";
    p.engine = "vllm";
    p.scenario = "static_batch";
    p.gpu = "h100-sxm";
    p.model = "llama-3.1-405b";
    p.date = "2024-11";
    p.weights = "fp8";
    p.isl = p.osl = 2048;
    p.concurrency = p.prompts = 32;
    p.gpus = p.tp = 8;
    p.attention_dp = 1;
    return p;
}

PreparedPoint prepared(const MeasuredPoint& p) {
    const DataStore data;
    Predictor predictor(data);
    return std::get<PreparedPoint>(predictor.prepare(p));
}

}   // namespace

TEST_CASE("a server that printed its room has that room, with the checkpoint that it loaded") {
    const Scenario s = prepared(batch_of_2024()).scenario;
    const Pool& pool = s.pool();
    // Its log: 56.77 GiB of weights on each of 8 GPUs, of which the first and the last feed-forward in bf16 are 0.65 GB.
    const Bytes weights = weights_per_gpu(weights_of(s), pool.layout);
    CHECK(weights.value() == Approx(56.7677 * 1073741824.0).epsilon(0.02));
    const Expected<MemoryPlan> plan = plan_memory(s.architecture, pool.precision, weights_of(s), pool.layout,
                                                  pool.cluster, pool.settings, s.traffic, &pool.rules);
    REQUIRE(plan);
    // 126 layers of one key and one value head of 128 on a GPU, in bf16: 64,512 bytes a token.
    CHECK(plan->cache.value() == Approx(91680 * 64512.0).epsilon(1e-6));
    CHECK(pool.settings.chunk_tokens == 512);
    CHECK(pool.profile.serving.pace > 1.15);
}

TEST_CASE("what a recipe says of one server is not said of another") {
    MeasuredPoint p = batch_of_2024();
    p.gpu = "mi300x";
    p.path = "8xMi300 1FP8-amd";
    const Scenario s = prepared(p).scenario;
    CHECK(s.pool().precision.attention == DType::fp8);
    CHECK(s.pool().settings.chunk_tokens == 91680);
    CHECK(!s.pool().settings.reserve);
}
