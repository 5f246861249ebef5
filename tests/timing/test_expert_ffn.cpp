// SPDX-License-Identifier: Apache-2.0
// Expected microseconds come from an independent numpy implementation of the same form.
#include <doctest/doctest.h>

#include "bench.h"
#include "moecost/timing/expert_ffn.h"

using namespace moecost;
using doctest::Approx;

namespace {

MoeTable generated() {
    MoeTable t;
    t.weights = DType::fp8_block;
    t.unit = MathUnit::fp8;
    t.floor = us(22);
    t.compute = 0.37;
    t.memory = 0.81;
    t.overlap_exponent = 1;
    t.tile_rows = 16;
    t.routed_traffic = 0.5;
    t.global_traffic = 2;
    t.width_knee = 100;
    t.hidden_knee = 200;
    t.token_log = us(3.3);
    t.tokens = {1, 16384};
    return t;
}

MoeTable cutlass() {
    MoeTable t = generated();
    t.floor = us(28);
    t.compute = 1.1;
    t.memory = 0.9;
    t.overlap_exponent = 4.5;
    t.tile_rows = 145;
    t.routed_traffic = 3.5;
    t.global_traffic = 0.25;
    t.width_knee = 220;
    t.hidden_knee = 0.1;
    t.token_log = us(0.7);
    return t;
}

/// DeepSeek-V3 experts: 8 of 256, hidden 7168, width 2048 over 8 ranks.
ExpertFfn experts(double tokens, double width, double distinct, double rows) {
    return {tokens, 7168, width, 8, distinct, rows, 3, DType::fp8_block};
}

double microseconds(const MoeTable& table, const ExpertFfn& op) {
    const Bench b;
    return in_us(expert_ffn_time(op, table, b.machine()).total);
}

const ExpertFfn one = experts(1, 256, 8, 8);
const ExpertFfn one_parallel = experts(1, 2048, 1.7269481114326586, 2.453896222865317);
const ExpertFfn batch = experts(64, 256, 175.96598061078896, 512);
const ExpertFfn batch_parallel = experts(64, 2048, 25.277164835161607, 83.09557325433661);
const ExpertFfn many = experts(4096, 256, 254.81134555825432, 32768);
const ExpertFfn many_parallel = experts(4096, 2048, 32, 5077.214809216768);

}   // namespace

TEST_CASE("fused experts of a kernel with small tiles and a soft overlap_exponent") {
    CHECK(microseconds(generated(), one) == Approx(39.501865938).epsilon(1e-9));
    CHECK(microseconds(generated(), one_parallel) == Approx(48.555653513).epsilon(1e-9));
    CHECK(microseconds(generated(), batch) == Approx(359.326345540).epsilon(1e-9));
    CHECK(microseconds(generated(), batch_parallel) == Approx(387.183551596).epsilon(1e-9));
    CHECK(microseconds(generated(), many) == Approx(1652.017887970).epsilon(1e-9));
    CHECK(microseconds(generated(), many_parallel) == Approx(1518.966355457).epsilon(1e-9));
}

TEST_CASE("fused experts of a kernel with large tiles and a sharp overlap_exponent") {
    CHECK(microseconds(cutlass(), one) == Approx(41.222917803).epsilon(1e-9));
    CHECK(microseconds(cutlass(), one_parallel) == Approx(46.885291113).epsilon(1e-9));
    CHECK(microseconds(cutlass(), batch) == Approx(315.570116517).epsilon(1e-9));
    CHECK(microseconds(cutlass(), batch_parallel) == Approx(300.390702506).epsilon(1e-9));
    CHECK(microseconds(cutlass(), many) == Approx(1199.983135636).epsilon(1e-9));
    CHECK(microseconds(cutlass(), many_parallel) == Approx(603.530602152).epsilon(1e-9));
}

TEST_CASE("the cheapest candidate kernel runs") {
    Bench b;
    b.profile.kernels->moe = {generated(), cutlass()};
    CalibratedHardware machine = b.machine();
    machine.kernels.experts = generated().weights;
    CHECK(in_us(expert_ffn_time(one, machine).total) == Approx(39.501865938).epsilon(1e-9));
    CHECK(in_us(expert_ffn_time(many, machine).total) == Approx(1199.983135636).epsilon(1e-9));
    CHECK(expert_ffn_time(many, machine).provenance == Provenance::calibrated);
    CHECK(expert_ffn_time(experts(20000, 256, 256, 160000), machine).provenance == Provenance::extrapolated);
}
