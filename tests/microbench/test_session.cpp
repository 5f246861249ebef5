// SPDX-License-Identifier: Apache-2.0
// The whole program without a device: list, synthetic run, replay, resume, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "host/registry.h"
#include "host/replay.h"
#include "host/session.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "scratch.h"
#include "synthetic/backend.h"

using namespace microbench;

namespace {

struct Outcome {
    int code = 0;
    std::string out, err;
};

Outcome program(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const auto choose = [](const Options& o) -> Backend {
        if (!o.replay.empty()) return replay_backend(o.replay);
        if (!o.synthetic.empty()) return synthetic_backend(o);
        throw NoDevice{"no CUDA device"};
    };
    const int code = session(arguments, listed_benches(), choose, out, err);
    return {code, out.str(), err.str()};
}

moecost::CsvTable table(const std::string& path) { return {moecost::read_file(path), path}; }

}   // namespace

TEST_CASE("without a device the program says so in one line and exits 77") {
    const Outcome o = program({"--quick"});
    CHECK(o.code == 77);
    CHECK(o.err == "moecost-microbench: no CUDA device\n");
}

TEST_CASE("--list needs no device") {
    const Outcome o = program({"--list", "--quick"});
    CHECK(o.code == 0);
    CHECK(o.out.find("\nstream/vector16/op=read/size=65536\n") != std::string::npos);
    CHECK(o.out.find("cases on NVIDIA H100 80GB HBM3\n") != std::string::npos);
}

TEST_CASE("recorded tables replay into the same tables") {
    const ScratchFolder folder;
    const char* some = "gemm/*bfloat16/n=10*";
    const Outcome made = program({"--synthetic", "h100_sxm-vllm", "--filter", some, "--out", folder / "a"});
    CHECK(made.code == 0);
    CHECK(made.out.find("0 finished before, 0 skipped") != std::string::npos);
    const Outcome replayed = program({"--replay", folder / "a", "--filter", some, "--out", folder / "b"});
    CHECK(replayed.code == 0);
    CHECK(replayed.err.find("skipped") == std::string::npos);
    const Outcome more =
        program({"--replay", folder / "a", "--filter", "gemm/*bfloat16/n=1*", "--out", folder / "c"});
    CHECK(more.code == 0);
    CHECK(more.err.find(" cases of gemm, the first gemm/") != std::string::npos);
    CHECK(more.err.find(": no recorded row") != std::string::npos);
    const auto a = table(folder / "a/gemm.csv");
    const auto b = table(folder / "b/gemm.csv");
    REQUIRE(a.header() == b.header());
    REQUIRE(a.rows() == b.rows());
    REQUIRE(a.rows() > 20);
    for (std::size_t row = 0; row < a.rows(); ++row) {
        for (const char* same : {"gpu", "dtype", "kernel", "n", "k", "m", "flop", "bytes", "suspect"}) {
            CHECK(a.text(row, a.column(same)) == b.text(row, b.column(same)));
        }
        for (const char* close : {"latency_us", "p10_us", "p90_us"}) {
            CHECK(*b.number(row, b.column(close)) ==
                  doctest::Approx(*a.number(row, a.column(close))).epsilon(0.005));
        }
    }
}

TEST_CASE("a published table without our columns replays as it is") {
    const ScratchFolder folder;
    std::ofstream(folder / "gemm.csv")
        << "gpu,engine,engine_version,dtype,kernel,n,k,m,latency_us,suspect,code\n"
           "h100-sxm,vllm,1,bfloat16,cublaslt,4096,4096,16,12.6,0,\"\"\n";
    std::ofstream(folder / "device.json") << R"({"name": "NVIDIA H100 80GB HBM3", "compute_capability": 90,
        "multiprocessors": 132, "memory_bytes": 85e9, "l2_bytes": 52428800})";
    const Outcome o = program({"--replay", folder.path(), "--filter", "gemm/*m=16", "--out", folder / "out"});
    CHECK(o.code == 0);
    const auto out = table(folder / "out/gemm.csv");
    REQUIRE(out.rows() == 1);
    CHECK(out.text(0, out.column("latency_us")) == "12.600");
    CHECK(out.text(0, out.column("engine")) == "microbench");
}

TEST_CASE("a second run of the same command measures nothing again") {
    const ScratchFolder folder;
    const std::vector<std::string> command{"--synthetic",        "h100_sxm-vllm", "--filter",
                                           "gemm/*fp8/n=10240*", "--out",         folder / "a"};
    CHECK(program(command).code == 0);
    const std::string before = moecost::read_file(folder / "a/gemm.csv");
    const Outcome again = program(command);
    CHECK(again.code == 0);
    CHECK(again.out.starts_with("0 cases measured, "));
    CHECK(moecost::read_file(folder / "a/gemm.csv") == before);
}

TEST_CASE("bad input, a filter without cases among it, is one line and exit code 2") {
    const ScratchFolder folder;
    CHECK(program({"--bogus"}).code == 2);
    CHECK(program({"--synthetic", "h100_sxm-vlm"}).code == 2);
    CHECK(program({"--replay", folder / "missing", "--out", folder / "out"}).code == 2);
    const Outcome none =
        program({"--synthetic", "h100_sxm-vllm", "--filter", "nothing", "--out", folder / "out"});
    CHECK(none.code == 2);
    CHECK(none.err == "no case matches 'nothing'; --list shows their names\n");
    std::ofstream(folder / "device.json") << "{ \"name\": 3 }";
    CHECK(program({"--list", "--device", folder / "device.json"}).code == 2);
    CHECK(program({"--synthetic", "h100_sxm-vllm", "--filter", "stream", "--out", folder / "out"}).code == 1);
}
