// SPDX-License-Identifier: Apache-2.0
// The output folder survives interruptions, full disks and foreign files.
#include <doctest/doctest.h>

#include <fstream>

#include "host/results.h"
#include "moecost/base/csv.h"
#include "moecost/base/error.h"
#include "moecost/base/file.h"
#include "scratch.h"

using namespace microbench;

namespace {

Case case_of(double m) {
    Case c;
    c.table = "gemm";
    c.kernel = "cublaslt";
    c.dtype = "bfloat16";
    c.shape = {{"n", 8}, {"k", 16}, {"m", m}};
    return c;
}

std::string row(double m) {
    Measurement measured;
    measured.summary.median_us = 5;
    return row_of(case_of(m), {}, measured);
}

void add_text(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

}   // namespace

TEST_CASE("a new run knows what an earlier one finished") {
    const ScratchFolder folder;
    {
        Results results(folder / "new/out");
        CHECK_FALSE(results.finished(case_of(1)));
        results.append(case_of(1), row(1));
        results.append(case_of(2), row(2));
        CHECK(results.finished(case_of(1)));
    }
    Results again(folder / "new/out");
    CHECK(again.finished(case_of(1)));
    CHECK(again.finished(case_of(2)));
    CHECK_FALSE(again.finished(case_of(3)));
    const moecost::CsvTable table(moecost::read_file(folder / "new/out/gemm.csv"), "gemm.csv");
    CHECK(table.rows() == 2);
    CHECK(table.number(1, table.column("m")) == 2);
}

TEST_CASE("half a row of a killed run is cut off and measured again") {
    const ScratchFolder folder;
    {
        Results results(folder.path());
        results.append(case_of(1), row(1));
        results.append(case_of(2), row(2));
    }
    const std::string whole = moecost::read_file(folder / "gemm.csv");
    for (const std::size_t keep :
         {whole.size() - 1, whole.size() - 20, whole.find('\n') + 5, std::size_t{10}}) {
        moecost::write_file(folder / "gemm.csv", whole.substr(0, keep));
        Results results(folder.path());
        CHECK_FALSE(results.finished(case_of(2)));
        if (!results.finished(case_of(1))) results.append(case_of(1), row(1));
        results.append(case_of(2), row(2));
        CHECK(moecost::read_file(folder / "gemm.csv") == whole);
    }
}

TEST_CASE("a full disk is an error and leaves the table as it was") {
    CHECK_THROWS_AS(append_whole("/dev/full", "text\n"), moecost::SystemError);
    const ScratchFolder folder;
    CHECK_THROWS_AS(Results("/proc/no/such/folder"), moecost::SystemError);
    CHECK_THROWS_AS(append_whole(folder / "missing/gemm.csv", "text\n"), moecost::SystemError);
}

TEST_CASE("a file with other columns is refused, not mixed") {
    const ScratchFolder folder;
    add_text(folder / "gemm.csv", "gpu,engine,latency_us\nh100-sxm,vllm,3\n");
    Results results(folder.path());
    CHECK_THROWS_AS((void)results.finished(case_of(1)), moecost::InputError);
}
