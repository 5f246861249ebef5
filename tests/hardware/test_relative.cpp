// SPDX-License-Identifier: Apache-2.0
// Kernels of a part that nobody timed, against kernel tables of two parts of one generation.
#include "moecost/hardware/profile/relative.h"

#include <doctest/doctest.h>

#include "moecost/base/data.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("a capped part comes as near to its peak as its kernel tables say") {
    // InferSim kernel tables (f2293da, 2026-05): H800 (989 TFLOP/s in bf16 over 132 multiprocessors) reaches 0.71 of its peak in
    // large fp8 GEMMs and 0.67 in grouped ones; H20 (148 over 78) 0.92 and 0.90. Medians of M, tokens per expert >= 8192.
    const double ratio = 148.0 / 78 / (989.4 / 132);
    CHECK(share_on_relative(0.71, ratio, 0.95) == Approx(0.92).epsilon(0.06));
    CHECK(share_on_relative(0.67, ratio, 0.95) == Approx(0.90).epsilon(0.06));
}

TEST_CASE("shares stay where the rates are the same, and never pass the ceiling") {
    CHECK(share_on_relative(0.6, 1, 0.95) == Approx(0.6));
    CHECK(share_on_relative(0.97, 0.25, 0.95) == 0.97);
    CHECK(share_on_relative(0.01, 1e-9, 0.95) <= 0.95);
    CHECK(share_on_relative(0.6, 2, 0.95) < 0.6);
}

TEST_CASE("only relatives of the same generation change, and only what they reach of the peak") {
    const DataStore data;
    const Profile timed = load_profile(data, "h100_sxm", "", "vllm");
    const auto profile = [&](std::string_view gpu) {
        return load_profile(data, load_accelerator(data, gpu), "vllm");
    };
    const Profile h20 = profile("h20_96");
    CHECK(h20.basis == Provenance::borrowed);
    REQUIRE(h20.kernels->gemm.size() == timed.kernels->gemm.size());
    for (std::size_t i = 0; i < timed.kernels->gemm.size(); ++i) {
        CHECK(h20.kernels->gemm[i].compute >= timed.kernels->gemm[i].compute);
        CHECK(h20.kernels->gemm[i].memory == timed.kernels->gemm[i].memory);
        CHECK(h20.kernels->gemm[i].floor == timed.kernels->gemm[i].floor);
    }
    const Profile own = profile("h100_sxm");
    CHECK(own.kernels->gemm.front().compute == timed.kernels->gemm.front().compute);
    const Profile b200 = load_profile(data, "b200_sxm", "", "vllm");
    CHECK(profile("mi355x").kernels->moe.front().compute == b200.kernels->moe.front().compute);
}
