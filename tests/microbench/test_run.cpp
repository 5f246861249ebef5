// SPDX-License-Identifier: Apache-2.0
// The loop over the cases with a back end that a test dictates.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>

#include "host/run.h"
#include "host/watchdog.h"
#include "moecost/base/csv.h"
#include "moecost/base/file.h"
#include "scratch.h"

using namespace microbench;

namespace {

std::vector<Case> three_cases(const Device&) {
    std::vector<Case> cases;
    for (const double m : {1., 2., 3.}) {
        Case c;
        c.table = "gemm";
        c.kernel = "scripted";
        c.shape = {{"n", 8}, {"k", 8}, {"m", m}};
        c.device_bytes = 100 * m;
        cases.push_back(c);
    }
    return cases;
}
const std::vector<Bench> benches{{"gemm", "something", three_cases, nullptr}};

/// Every sample takes `seconds` of the clock; `fails` says for which m opening throws.
struct Scripted {
    double now = 0;
    double seconds = 1e-3;
    std::function<void(double m)> before = [](double) {};
    Backend backend() {
        Backend b;
        b.device.free_bytes = 1e9;
        b.clock = [this] { return now; };
        b.open = [this](const Bench&, const Case& c) {
            before(c.shape.back().second);
            Opened o;
            o.sample = [this] {
                now += seconds;
                return Sample{42, 0, 0};
            };
            return o;
        };
        return b;
    }
};

Report run_all(
    Scripted& s, const std::string& folder, const RunOptions& options = {},
    const std::function<bool()>& stop = [] { return false; }, double free_bytes = 1e9) {
    Backend backend = s.backend();
    backend.device.free_bytes = free_bytes;
    Results results(folder);
    return run(select_cases(benches, backend.device, {}), backend, results, options, {}, stop);
}

}   // namespace

TEST_CASE("cases are selected by name and pattern") {
    CHECK(select_cases(benches, {}, {}).size() == 3);
    CHECK(select_cases(benches, {}, "gemm/scripted/n=8").size() == 3);
    CHECK(select_cases(benches, {}, "*m=3").size() == 1);
    CHECK(select_cases(benches, {}, "*m=?").size() == 3);
    CHECK(select_cases(benches, {}, "moe").empty());
    CHECK(select_cases(benches, {}, "m=3").empty());
}

TEST_CASE("a run measures all, the next one nothing") {
    const ScratchFolder folder;
    Scripted s;
    const Report first = run_all(s, folder.path());
    CHECK(first.measured == 3);
    CHECK(exit_code(first) == 0);
    const Report second = run_all(s, folder.path());
    CHECK(second.measured == 0);
    CHECK(second.finished_before == 3);
    CHECK(exit_code(second) == 0);
}

TEST_CASE("whatever stops one case, the others are measured") {
    const ScratchFolder folder;
    Scripted s;
    s.before = [](double m) {
        if (m == 1) throw SkipCase{"libnccl.so.2 was not found"};
        if (m == 2) throw std::runtime_error("an illegal memory access was encountered");
    };
    const Report report = run_all(s, folder.path());
    CHECK(report.measured == 1);
    REQUIRE(report.skipped.size() == 2);
    CHECK(report.skipped[0].first == "gemm/scripted/n=8/k=8/m=1");
    CHECK(report.skipped[0].second == "libnccl.so.2 was not found");
    CHECK(report.skipped[1].second == "an illegal memory access was encountered");
    CHECK(exit_code(report) == 0);
}

TEST_CASE("a case larger than the memory is told and skipped") {
    const ScratchFolder folder;
    Scripted s;
    const Report report = run_all(
        s, folder.path(), {}, [] { return false; }, 250);
    CHECK(report.measured == 2);
    REQUIRE(report.skipped.size() == 1);
    CHECK(report.skipped[0].second == "not enough memory: needs 300 B, 250 B are free");
}

TEST_CASE("nothing measured is exit code 1") {
    const ScratchFolder folder;
    Scripted s;
    s.before = [](double) { throw SkipCase{"unsupported"}; };
    CHECK(exit_code(run_all(s, folder.path())) == 1);
}

TEST_CASE("the time limit ends the run between cases, and the next run goes on") {
    const ScratchFolder folder;
    Scripted s;
    RunOptions options;
    options.time_limit = 0.05;   // a case takes 33 samples of a millisecond
    const Report report = run_all(s, folder.path(), options);
    CHECK(report.measured == 2);
    CHECK(report.not_reached == 1);
    CHECK(exit_code(report) == 0);
    CHECK(run_all(s, folder.path()).measured == 1);
}

TEST_CASE("an interrupted case writes no row, finished ones stay") {
    const ScratchFolder folder;
    Scripted s;
    const Report report = run_all(s, folder.path(), {}, [&s] { return s.now > 0.04; });
    CHECK(report.measured == 1);
    CHECK(report.not_reached == 2);
    CHECK(report.skipped.empty());
    CHECK(exit_code(report) == 130);
    const moecost::CsvTable table(moecost::read_file(folder / "gemm.csv"), "gemm.csv");
    CHECK(table.rows() == 1);
    CHECK(run_all(s, folder.path()).measured == 2);
}

TEST_CASE("a lost device ends the run with 75; a case that ended two runs is left out") {
    const ScratchFolder folder;
    Scripted s;
    s.before = [](double m) {
        if (m == 2) throw std::runtime_error("an illegal memory access was encountered");
    };
    Backend backend = s.backend();
    backend.recover = [] { return false; };
    const auto once = [&] {
        Results results(folder.path());
        return run(select_cases(benches, backend.device, {}), backend, results, {}, {}, [] { return false; });
    };
    const Report first = once();
    CHECK(first.measured == 1);
    CHECK(first.lost_in == "gemm/scripted/n=8/k=8/m=2");
    CHECK(first.not_reached == 1);
    CHECK(exit_code(first) == 75);
    CHECK(once().measured == 0);
    const Report third = once();
    CHECK(third.measured == 1);
    REQUIRE(third.skipped.size() == 1);
    CHECK(third.skipped[0].second == "2 runs ended in it; delete unfinished.txt to try it again");
    CHECK(exit_code(third) == 0);
    CHECK(moecost::read_file(folder / "unfinished.txt") ==
          "gemm/scripted/n=8/k=8/m=2\ngemm/scripted/n=8/k=8/m=2\n");
}

TEST_CASE("a killed run leaves the name of its case, one that ends in order none") {
    const ScratchFolder folder;
    Scripted s;
    (void)run_all(s, folder.path());
    CHECK_FALSE(std::filesystem::exists(folder / "unfinished.txt"));
    const Case c = three_cases({})[0];
    Results(folder.path()).begin(c);
    CHECK(moecost::read_file(folder / "unfinished.txt") == "gemm/scripted/n=8/k=8/m=1\n");
    CHECK(Results(folder.path()).times_unfinished(c) == 1);
}

TEST_CASE("the watchdog barks only when nobody restarts it") {
    std::atomic<int> barks = 0;
    {
        Watchdog quiet(3600, [&](const std::string&) { ++barks; });
        quiet.restart("a");
    }
    {
        Watchdog never(0, [&](const std::string&) { ++barks; });
    }
    CHECK(barks == 0);
    // A busy machine may let it bark before its first restart, with no name: then once more, with more patience.
    std::string last;
    for (double seconds = 0.02; last.empty() && seconds < 60; seconds *= 2) {
        std::promise<std::string> bark;
        Watchdog loud(seconds,
                      [&](const std::string& name) { bark.set_value(name); });   // a second bark would throw
        loud.restart("gemm/m=1");
        last = bark.get_future().get();
    }
    CHECK(last == "gemm/m=1");
}
