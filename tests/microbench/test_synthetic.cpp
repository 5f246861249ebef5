// SPDX-License-Identifier: Apache-2.0
// The back end that samples the laws of the simulator.
#include <doctest/doctest.h>

#include "host/device_file.h"
#include "host/registry.h"
#include "host/run.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "scratch.h"
#include "synthetic/backend.h"
#include "synthetic_run.h"

using namespace microbench;

namespace {

Case gemm(double m) {
    Case c;
    c.table = "gemm";
    c.dtype = "bfloat16";
    c.shape = {{"n", 8192}, {"k", 8192}, {"m", m}};
    return c;
}

}   // namespace

TEST_CASE("a small GEMM takes its floor and its weights, a large one its FLOP") {
    const Truth t = h100_truth();
    // floor 2.201 us; 128 MiB of weights at 0.8456 of 3.35 TB/s: 47.4 us
    CHECK(law_us(gemm(1), t.accelerator, t.profile) == doctest::Approx(2.2 + 47.4).epsilon(0.02));
    // 2 * 8192^3 FLOP at 0.858 of 989 TFLOP/s: 1296 us, plus what the overlap_exponent of the roofline costs
    const double large = law_us(gemm(8192), t.accelerator, t.profile);
    CHECK(large > 1296);
    CHECK(large < 1.1 * 1296);
}

TEST_CASE("a floor above the cap of served steps stays as an isolated kernel shows it") {
    Truth t = h100_truth();
    t.profile.kernels->gemm[0].floor = moecost::Seconds{100e-6};
    CHECK(law_us(gemm(1), t.accelerator, t.profile) == doctest::Approx(100 + 47.4).epsilon(0.02));
}

TEST_CASE("what has no law is skipped with a reason") {
    const Truth t = h100_truth();
    Case c = gemm(1);
    c.table = "stream";
    CHECK_THROWS_AS((void)law_us(c, t.accelerator, t.profile), SkipCase);
    c = gemm(1);
    c.dtype = "nvfp4";
    CHECK_THROWS_AS((void)law_us(c, t.accelerator, t.profile), SkipCase);
}

TEST_CASE("medians of noisy samples are the truth within half a percent") {
    const Truth t = h100_truth();
    const ScratchFolder folder;
    const Backend backend = synthetic_backend(t.accelerator, t.profile, 0.01);
    Results results(folder.path());
    const auto cases = select_cases(listed_benches(), assumed_device(), "*bfloat16*n=10240*");
    std::vector<SelectedCase> of_gemm;
    for (const SelectedCase& s : cases) {
        if (s.c.table == "gemm") of_gemm.push_back(s);
    }
    REQUIRE(of_gemm.size() == 18);
    const Report report = run(of_gemm, backend, results, {}, {}, [] { return false; });
    CHECK(report.measured == 18);
    const moecost::CsvTable table(moecost::read_file(folder / "gemm.csv"), "gemm.csv");
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const double truth = law_us(of_gemm[row].c, t.accelerator, t.profile);
        CHECK(*table.number(row, table.column("latency_us")) == doctest::Approx(truth).epsilon(0.005));
    }
}
