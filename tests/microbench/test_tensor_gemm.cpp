// SPDX-License-Identifier: Apache-2.0
// The grouped GEMM, run as it is written by the emulator, against sums in double precision.
#include <doctest/doctest.h>

#include "emulation/emulator.h"
#include "kernels/tensor/grouped_gemm.h"
#include "test_tensor_gemm_support.h"

namespace {

using namespace microbench::tensor;
using tensor_test::Outcome;
using tensor_test::Problem;
using tensor_test::run_gemm;

template <class Shape>
void check_gemm(const Problem& p) {
    // Copies as late and as early as they may land; warps in both orders.
    for (const emulator::Options options : {emulator::Options{true, false}, emulator::Options{false, true}}) {
        const Outcome outcome = run_gemm<Shape>(p, options, grouped_gemm<Shape>);
        CHECK(outcome.report.error == "");
        CHECK(outcome.report.conflicts == 0);
        CHECK(outcome.report.mma_calls > 0);
        CHECK(outcome.worst <= 1.0);
        CHECK(outcome.untouched);
    }
}

const Problem ragged{{3, 0, 17, 1, 0, 33}, 72, 136, false, 3};
const Problem gathered{{0, 5, 16, 0}, 40, 208, true, 2};
const Problem tall{{0, 131, 2}, 264, 200, false, 2};
const Problem deep{{7}, 24, 1024, false, 1};   // more steps of K than stages

}   // namespace

TEST_CASE("grouped GEMM for few rows equals the sums in double precision for ragged and empty experts") {
    check_gemm<SmallGemm<false, false>>(ragged);
    check_gemm<SmallGemm<false, false>>(gathered);
    check_gemm<SmallGemm<false, false>>(deep);
}

TEST_CASE("grouped GEMM for few rows multiplies e4m3") {
    check_gemm<SmallGemm<true, false>>({{3, 0, 17, 1}, 72, 144, true, 3});
    check_gemm<SmallGemm<true, true>>({{3, 0, 17, 1}, 72, 144, true, 3});
}

TEST_CASE("gated GEMM for few rows multiplies silu of the gate with the up projection") {
    check_gemm<SmallGemm<false, true>>(ragged);
    check_gemm<SmallGemm<false, true>>(gathered);
}

TEST_CASE("grouped GEMM for many rows equals the sums in double precision") {
    check_gemm<LargeGemm<false, false>>(tall);
    check_gemm<LargeGemm<false, true>>(gathered);
    check_gemm<LargeGemm<true, false>>({{0, 131, 2}, 136, 208, true, 2});
    check_gemm<LargeGemm<true, true>>({{0, 129, 2}, 72, 208, true, 2});
}

TEST_CASE("a GEMM without any rows writes nothing and ends") {
    using Shape = SmallGemm<false, false>;
    const Outcome outcome = run_gemm<Shape>({{0, 0}, 64, 64, false, 2}, {}, grouped_gemm<Shape>);
    CHECK(outcome.report.error == "");
    CHECK(outcome.report.mma_calls == 0);
    CHECK(outcome.untouched);
}
