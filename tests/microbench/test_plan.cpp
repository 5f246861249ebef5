// SPDX-License-Identifier: Apache-2.0
// The order of the cases, and what a run of limited time has measured at its end.
#include "host/plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "host/device_file.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "moecost/calibrate/kernel_fit.h"
#include "scratch.h"
#include "synthetic_run.h"

using namespace microbench;

namespace {

SelectedCase gemm(const char* dtype, double m, double n, const char* kernel = "cublaslt") {
    Case c{.table = "gemm", .kernel = kernel, .dtype = dtype};
    c.shape = {{"m", m}, {"n", n}};
    return {{}, c};
}

std::vector<std::string> names(const std::vector<SelectedCase>& cases) {
    std::vector<std::string> all;
    for (const SelectedCase& s : cases) all.push_back(s.c.name());
    return all;
}

Device one_gpu() {
    Device d = assumed_device();
    d.count = 1;
    return d;
}

std::vector<SelectedCase> all_cases(const Device& device) {
    return planned(select_cases(listed_benches(), device, {}));
}

}   // namespace

TEST_CASE("corners come first, then the middle in logarithms") {
    std::vector<SelectedCase> cases;
    for (const double m : {1., 2., 4., 8., 16., 32., 64., 128., 256.}) cases.push_back(gemm("fp8", m, 64));
    const auto order = planned(cases);
    CHECK(order[0].c.shape[0].second == 1);
    CHECK(order[1].c.shape[0].second == 256);
    CHECK(order[2].c.shape[0].second == 16);
    CHECK(std::set<double>{order[3].c.shape[0].second, order[4].c.shape[0].second} ==
          std::set<double>{4, 64});
}

TEST_CASE("no case is lost") {
    const auto cases = select_cases(listed_benches(), assumed_device(), "gemm/*fp8*");
    auto listed = names(cases);
    auto order = names(planned(cases));
    CHECK(listed != order);
    std::ranges::sort(listed);
    std::ranges::sort(order);
    CHECK(listed == order);
}

TEST_CASE("a run in parts measures in the order of one that is not stopped") {
    const ScratchFolder folder;
    const auto command = [&](const char* out, const char* seconds) {
        return std::vector<std::string>{"--synthetic",  "h100_sxm-vllm", "--filter", "gemm/*fp8/n=10*",
                                        "--time-limit", seconds,         "--out",    folder / out};
    };
    run_program(command("whole", "600"));
    CHECK(run_program(command("parts", "3")).find("left: run again to go on") != std::string::npos);
    run_program(command("parts", "600"));
    const moecost::CsvTable whole(moecost::read_file(folder / "whole/gemm.csv"), "whole");
    const moecost::CsvTable parts(moecost::read_file(folder / "parts/gemm.csv"), "parts");
    REQUIRE(whole.rows() == parts.rows());
    REQUIRE(whole.rows() > 20);
    for (std::size_t row = 0; row < whole.rows(); ++row) {
        for (const char* column : {"n", "k", "m"})
            CHECK(whole.text(row, whole.column(column)) == parts.text(row, parts.column(column)));
    }
}

TEST_CASE("of kernels for the same work the one with most cases comes first, wherever it is listed") {
    std::vector<SelectedCase> cases;
    for (double m = 1; m <= 4; m *= 2) cases.push_back(gemm("bfloat16", m, 64, "for_comparison"));
    for (double m = 1; m <= 64; m *= 2) cases.push_back(gemm("bfloat16", m, 64, "main"));
    const auto order = planned(cases);
    for (std::size_t i = 0; i < 7; ++i) CHECK(order[i].c.kernel == "main");
}

TEST_CASE("bfloat16 forms, other forms and probes get the rows they want before anything else") {
    const auto cases = all_cases(one_gpu());
    std::map<std::string, std::size_t> rows;
    std::size_t at = 0;
    const auto until = [&](const char* first_that_can_wait) {
        for (; at < cases.size() && group_of(cases[at].c) != first_that_can_wait; ++at)
            ++rows[group_of(cases[at].c)];
    };
    until("gemm_tuned/cublaslt/bfloat16");
    REQUIRE(at < cases.size());
    MESSAGE(at, " cases come first on one GPU");
    CHECK(rows["stream/vector16/op=read"] == 3);
    CHECK(rows["gemm/cublaslt/bfloat16"] == wanted_rows("gemm"));
    CHECK(rows["gemm/cublaslt/fp8"] == wanted_rows("gemm"));
    CHECK(rows["gemm_tuned/cublaslt/fp8"] == 0);
    CHECK(rows["attention_decode/mma_flash_decode_page64/bfloat16/kv_dtype=fp8"] ==
          wanted_rows("attention_decode"));
    CHECK(rows["attention_decode/mma_flash_decode_page16/bfloat16/kv_dtype=fp8"] == 0);
    for (const auto& [group, count] : rows) {
        CAPTURE(group);
        CHECK(group.find("power_law") == std::string::npos);
        CHECK(group.find("zipf") == std::string::npos);
    }
}

TEST_CASE("what a fit wants is more than five rows for each parameter after a fifth is held out") {
    const moecost::Accelerator gpu = moecost::load_accelerator(moecost::DataStore(), "h100_sxm");
    for (const auto op :
         {moecost::KernelOp::gemm, moecost::KernelOp::moe, moecost::KernelOp::decode_attention,
          moecost::KernelOp::prefill_attention, moecost::KernelOp::mla_decode, moecost::KernelOp::mla_prefill,
          moecost::KernelOp::all_reduce}) {
        moecost::KernelSeries series;
        series.op = op;
        series.dtype = series.cache = "bfloat16";
        const auto parameters = moecost::form_of(series, gpu, 8).form.parameters.size();
        const std::string table(moecost::name_of(op));
        CAPTURE(table);
        CHECK(has_form(table));
        CHECK(static_cast<double>(wanted_rows(table)) * 0.8 >=
              1.15 * static_cast<double>(parameters * moecost::rows_per_parameter));
    }
}

namespace {

/// Tables with a fit, such as "gemm fp8", after a run with these options on a machine of `gpus`. Every fit is close.
std::set<std::string> fitted_tables(int gpus, std::vector<std::string> options) {
    const ScratchFolder folder;
    Backend described;
    described.device = assumed_device();
    described.device.count = gpus;
    moecost::write_file(folder / "machine.json", device_json(described, "2026-11-26", "test"));
    for (const std::string& more :
         {std::string("--synthetic"), std::string("h100_sxm-vllm"), std::string("--device"),
          folder / "machine.json", std::string("--out"), folder / "run"})
        options.push_back(more);
    CHECK(run_program(options).find("left: run again to go on") != std::string::npos);
    std::set<std::string> tables;
    for (const moecost::KernelFit& fit : fit_of(folder / "run").fits) {
        if (!fit.fitted()) continue;
        std::string table(moecost::name_of(fit.series.op));
        CAPTURE(table);
        CHECK(fit.median < 0.02);
        tables.insert(
            table.append(" ").append(fit.series.cache.empty() ? fit.series.dtype : fit.series.cache));
    }
    return tables;
}

void check_all_tables(int gpus, const std::vector<std::string>& options) {
    CAPTURE(gpus);
    const std::set<std::string> tables = fitted_tables(gpus, options);
    for (const char* table :
         {"gemm bfloat16", "gemm fp8", "moe bfloat16", "moe fp8", "attention_decode bfloat16",
          "attention_decode fp8", "attention_prefill bfloat16", "mla_decode bfloat16", "mla_decode fp8",
          "mla_prefill bfloat16"}) {
        CAPTURE(table);
        CHECK(tables.contains(table));
    }
    CHECK(tables.contains("allreduce ") == (gpus > 1));
}

}   // namespace

TEST_CASE("two minutes of a synthetic device fit every form, also of kernels that never settle within 1 %") {
    check_all_tables(8, {"--quick", "--noise", "0.005"});
    for (const int gpus : {1, 8}) check_all_tables(gpus, {"--quick", "--noise", "0.01"});
}

// Of one GPU and eight the harder: the same time for more cases, and a table more to fit.
TEST_CASE("so do ten minutes") { check_all_tables(8, {"--noise", "0.01"}); }

TEST_CASE("coverage counts the rows of every form's group and never wants more than there are cases") {
    std::vector<SelectedCase> cases{gemm("fp8", 1, 64), gemm("fp8", 2, 64), gemm("bfloat16", 1, 64)};
    Case probe{.table = "stream", .kernel = "vector16"};
    cases.push_back({{}, probe});
    const auto all =
        coverage(cases, [](const Case& c) { return c.dtype == "fp8" && c.shape[0].second == 2; });
    REQUIRE(all.size() == 2);
    CHECK(all[0].group == "gemm/cublaslt/bfloat16");
    CHECK(all[0].rows == 0);
    CHECK(all[0].wanted == 1);
    CHECK(all[1].rows == 1);
    CHECK(all[1].wanted == 2);
}
