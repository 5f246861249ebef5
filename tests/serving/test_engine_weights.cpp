// SPDX-License-Identifier: Apache-2.0
// Weights as engines log them, by hand and against logs (results/memory/memory_logs.csv, rows named).
#include <doctest/doctest.h>

#include <string>

#include "moecost/model/counts.h"
#include "moecost/model/library.h"
#include "moecost/serving/engine_weights.h"
#include "moecost/serving/memory.h"

using namespace moecost;
using doctest::Approx;

namespace {

const EngineRules& vllm() {
    static const EngineRules rules = load_engine_rules(DataStore(), "vllm");
    return rules;
}

double weights_gib(const char* model, const Layout& layout, const char* generation) {
    const Architecture a = load_model(DataStore(), model);
    const Bytes even = weights_per_gpu(weight_bytes(a, a.precision), layout);
    return (even + extra_weights(a, a.precision, layout, generation, vllm().memory)).value() / gib;
}

}   // namespace

TEST_CASE("mxfp4 experts are padded as their kernels want") {
    CHECK(weights_gib("gpt-oss-20b", {}, "hopper") == Approx(13.47).epsilon(0.003));    // m085
    CHECK(weights_gib("gpt-oss-120b", {}, "hopper") == Approx(64.38).epsilon(0.003));   // m086, m109
    CHECK(weights_gib("gpt-oss-20b", {}, "ampere") == Approx(13.72).epsilon(0.004));    // m117, Marlin
    // 36 layers of 128 experts of 3 matrices, 2880 x 2880 held as 3072 x 2880, 17/32 B each.
    const Architecture a = load_model(DataStore(), "gpt-oss-120b");
    CHECK(padding_bytes(a, a.precision, {}, "hopper", vllm().memory).value() ==
          Approx(36.0 * 128 * 3 * (3072 - 2880) * 2880 * 17 / 32).epsilon(1e-12));
    CHECK(padding_bytes(a, a.precision.with_weights(DType::bf16), {}, "hopper", vllm().memory).value() == 0);
    CHECK(padding_bytes(a, a.precision, {}, "", vllm().memory).value() == 0);
}

TEST_CASE("rotary tables lie on each GPU for every position the model knows") {
    CHECK(rotary_tables(load_model(DataStore(), "llama-3.1-8b")).value() == 131072.0 * 128 * 2);
    CHECK(weights_gib("llama-3.1-8b", {}, "hopper") == Approx(14.99).epsilon(0.0005));        // m018
    CHECK(weights_gib("llama-3.1-8b", {.tp = 4}, "hopper") == Approx(3.77).epsilon(0.001));   // m028
    CHECK(weights_gib("llama-4-scout", {.tp = 4}, "hopper") ==
          Approx(53.12).epsilon(0.009));   // m031, less its vision
}

TEST_CASE("latent attention keeps a second copy of its up-projections and all of its down-projections") {
    const Architecture a = load_model(DataStore(), "deepseek-v2-lite");
    CHECK(absorbed_copies(a, {.tp = 2}).value() == 27.0 * 8 * 512 * 256 * 2);
    CHECK(replicated_projections(a, a.precision, {.tp = 4}).value() == 27.0 * 2048 * 576 * 2 * 0.75);
    CHECK(weights_gib("deepseek-v2-lite", {}, "hopper") == Approx(29.43).epsilon(0.003));          // m002
    CHECK(weights_gib("deepseek-v2-lite", {.tp = 2}, "hopper") == Approx(14.83).epsilon(0.009));   // m060
}

TEST_CASE("key/value heads are replicated beyond their number") {
    const Architecture a = load_model(DataStore(), "llama-3.1-70b");   // 8 heads of 128
    CHECK(replicated_projections(a, a.precision, {.tp = 8}).value() == 0);
    CHECK(replicated_projections(a, a.precision, {.tp = 16}).value() == 80.0 * 8192 * 256 * 2 * 0.5);
}

TEST_CASE("without terms of an engine nothing is added") {
    const Architecture a = load_model(DataStore(), "gpt-oss-20b");
    CHECK(extra_weights(a, a.precision, {}, "hopper", {}).value() == 0);
}
