// SPDX-License-Identifier: Apache-2.0
// Expected microseconds come from an independent numpy implementation of the same form.
#include <doctest/doctest.h>

#include "bench.h"
#include "moecost/timing/gemm.h"

using namespace moecost;
using doctest::Approx;

namespace {

GemmTable table_of(DType weights, double floor_us, double latency_us, double compute, double memory,
                   double overlap_exponent, double wave_tail, double split_k, double output_traffic) {
    GemmTable t;
    t.weights = weights;
    t.floor = us(floor_us);
    t.k_latency = us(latency_us);
    t.compute = compute;
    t.memory = memory;
    t.overlap_exponent = overlap_exponent;
    t.wave_tail = wave_tail;
    t.split_k = split_k;
    t.output_traffic = output_traffic;
    t.m = {1, 16384};
    t.n = {256, 65536};
    t.k = {256, 65536};
    return t;
}

const GemmTable bf16 = table_of(DType::bf16, 2.3, 0.001, 0.77, 0.82, 2.3, 0, 2400, 1.7);
const GemmTable fp8 = table_of(DType::fp8, 5, 0.002, 0.65, 0.82, 2.5, 1, 4000, 2.1);
const GemmTable fp8_block = table_of(DType::fp8_block, 3.8, 0, 0.73, 0.95, 1.6, 0.9, 12000, 2.3);
const GemmTable nvfp4 = table_of(DType::nvfp4, 4, 0.001, 0.6, 0.7, 2, 0.5, 1500, 1.2);

double microseconds(const GemmTable& table, double m, double n, double k, const Bench& bench = {}) {
    return in_us(gemm_time(Gemm{m, n, k, table.weights}, table, bench.machine()).total);
}

}   // namespace

TEST_CASE("GEMM seconds of bf16 weights") {
    CHECK(microseconds(bf16, 1, 4096, 4096) == Approx(12.315760710).epsilon(1e-9));
    CHECK(microseconds(bf16, 64, 6144, 7168) == Approx(25.795555182).epsilon(1e-9));
    CHECK(microseconds(bf16, 300, 2112, 7168) == Approx(14.983178674).epsilon(1e-9));
    CHECK(microseconds(bf16, 8192, 7168, 2048) == Approx(321.949000147).epsilon(1e-9));
    CHECK(microseconds(bf16, 5000, 28672, 8192) == Approx(3165.208599824).epsilon(1e-9));
}

TEST_CASE("GEMM seconds of fp8 weights include the quantisation of activations") {
    CHECK(microseconds(fp8, 1, 4096, 4096) == Approx(14.702012033).epsilon(1e-9));
    CHECK(microseconds(fp8, 64, 6144, 7168) == Approx(19.231330160).epsilon(1e-9));
    CHECK(microseconds(fp8, 300, 2112, 7168) == Approx(17.491844018).epsilon(1e-9));
    CHECK(microseconds(fp8, 8192, 7168, 2048) == Approx(214.432323162).epsilon(1e-9));
    CHECK(microseconds(fp8, 5000, 28672, 8192) == Approx(1907.377752973).epsilon(1e-9));
}

TEST_CASE("GEMM seconds of fp8 weights in blocks of 128 x 128") {
    CHECK(microseconds(fp8_block, 1, 4096, 4096) == Approx(10.637713893).epsilon(1e-9));
    CHECK(microseconds(fp8_block, 64, 6144, 7168) == Approx(18.832544446).epsilon(1e-9));
    CHECK(microseconds(fp8_block, 300, 2112, 7168) == Approx(19.198351251).epsilon(1e-9));
    CHECK(microseconds(fp8_block, 8192, 7168, 2048) == Approx(207.946514390).epsilon(1e-9));
    CHECK(microseconds(fp8_block, 5000, 28672, 8192) == Approx(1733.171728582).epsilon(1e-9));
}

TEST_CASE("GEMM seconds of nvfp4 weights on a Blackwell-like device") {
    Bench b;
    b.cluster.gpu.peak[static_cast<std::size_t>(MathUnit::bf16)] = FlopPerSecond{2250e12};
    b.cluster.gpu.peak[static_cast<std::size_t>(MathUnit::fp4)] = FlopPerSecond{9000e12};
    b.cluster.gpu.memory_bandwidth = BytesPerSecond{8e12};
    b.cluster.gpu.multiprocessors = 148;
    CHECK(microseconds(nvfp4, 1, 4096, 4096, b) == Approx(6.327748616).epsilon(1e-9));
    CHECK(microseconds(nvfp4, 64, 6144, 7168, b) == Approx(9.407640119).epsilon(1e-9));
    CHECK(microseconds(nvfp4, 300, 2112, 7168, b) == Approx(8.129252772).epsilon(1e-9));
    CHECK(microseconds(nvfp4, 8192, 7168, 2048, b) == Approx(63.588375250).epsilon(1e-9));
    CHECK(microseconds(nvfp4, 5000, 28672, 8192, b) == Approx(476.696315630).epsilon(1e-9));
}

TEST_CASE("the floor grows by the factor of the served graph and is capped") {
    Bench b;
    const double isolated = microseconds(bf16, 64, 6144, 7168, b);
    b.profile.serving.floor_factor = 1.4;
    CHECK(microseconds(bf16, 64, 6144, 7168, b) - isolated == Approx(0.4 * 2.3).epsilon(1e-9));
    GemmTable eager = bf16;
    eager.floor = us(100);
    CHECK(microseconds(eager, 64, 6144, 7168, b) - isolated == Approx(1.4 * 30 - 2.3).epsilon(1e-9));
}

TEST_CASE("a GEMM outside the fitted range says so") {
    const Bench b;
    const auto provenance = [&](double m, double n, double k) {
        return gemm_time(Gemm{m, n, k, DType::bf16}, bf16, b.machine()).provenance;
    };
    CHECK(provenance(64, 4096, 4096) == Provenance::calibrated);
    CHECK(provenance(20000, 4096, 4096) == Provenance::extrapolated);
    CHECK(provenance(64, 100000, 4096) == Provenance::extrapolated);
    CHECK(provenance(64, 4096, 16) == Provenance::extrapolated);
}

TEST_CASE("a table that promises more than the datasheet is held to the roofline") {
    GemmTable magic = bf16;
    magic.floor = us(0);
    magic.k_latency = us(0);
    magic.memory = 3;
    // 2 (4096^2 + 4096 + 4096) B at 4.8 TB/s
    CHECK(microseconds(magic, 1, 4096, 4096) == Approx(2.0 * (4096.0 * 4096 + 8192) / 4.8e6).epsilon(1e-12));
}
