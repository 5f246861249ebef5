// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/sweep.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "../base/input_error.h"
#include "grids.h"
#include "moecost/sweep/merge.h"

using namespace moecost;

namespace {

std::string rows_of(const ScratchFolder& scratch, const std::string& name) {
    return read_file((scratch.path / name).string());
}

/// Stops a sweep once some blocks are written.
SweepSummary interrupted_sweep(const std::string& path, const std::string& grid, std::uint64_t after) {
    const DataStore data;
    std::atomic<bool> stop{false};
    SweepOptions o = options_for(path);
    o.stop = &stop;
    const Grid g = read_grid(data, grid_document(grid));
    Sweep sweep(data, g, o);
    BlockWorker worker = sweep.worker();
    BlockResult result;
    for (std::uint64_t i = 0; i < after; ++i) {
        worker.run(*sweep.claim(), result);
        sweep.accept(std::move(result));
    }
    stop = true;
    CHECK_FALSE(sweep.claim());
    return sweep.finish();
}

}   // namespace

TEST_CASE("each row is what evaluate() says of that point") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    const SweepSummary summary = sweep_into(path, wide_grid());
    CHECK(summary.complete);
    const CsvTable table(read_file(path), path);
    CHECK(table.rows() == summary.manifest.rows);
    REQUIRE(table.rows() > 1000);
    for (std::size_t row = 0; row < table.rows(); row += 97) {
        const auto number = [&](std::string_view column) { return *table.number(row, table.column(column)); };
        Description d;
        d.model = "mixtral-8x7b";
        d.gpu = "h100_sxm";
        d.edits = {{"experts", std::string(table.text(row, 0))}, {"top_k", std::string(table.text(row, 1))}};
        d.tp = static_cast<int>(number("tp"));
        d.attention_dp = static_cast<int>(number("attention_dp"));
        d.isl = number("isl");
        d.load = ClosedLoop{number("concurrency")};
        const Expected<Estimate> e = evaluate(*describe(DataStore{}, d));
        REQUIRE(e);
        CHECK(number("tpot_s") == doctest::Approx(e->serving.tpot.value()).epsilon(1e-5));
        CHECK(number("ttft_s") == doctest::Approx(e->serving.ttft.value()).epsilon(1e-5));
        CHECK(number("usd_per_mtok_output") == doctest::Approx(e->cost.usd_per_mtok_output).epsilon(1e-5));
        CHECK(number("tp") * number("attention_dp") <= 4);
        CHECK(number("ttft_s") <= 2);
    }
}

TEST_CASE("every point is a row, filtered, outside a constraint or infeasible") {
    const ScratchFolder scratch;
    const Manifest m = sweep_into((scratch.path / "out.csv").string(), wide_grid()).manifest;
    std::uint64_t sum = m.rows;
    for (const auto* tallies : {&m.filtered, &m.constrained, &m.infeasible}) {
        for (const Tally& t : *tallies) sum += t.points;
    }
    CHECK(sum == m.points);
    CHECK(m.points == grid_of(wide_grid()).points);
    CHECK(m.filtered[1].points > 0);
    CHECK(m.filtered[2].points > 0);
    REQUIRE_FALSE(m.infeasible.empty());
    CHECK(m.infeasible[0].what == "the weights do not fit");
}

TEST_CASE("the bytes do not depend on threads, shards or an interruption") {
    const ScratchFolder scratch;
    const auto path = [&](const std::string& name) { return (scratch.path / name).string(); };
    for (const std::string ending : {".csv", ".jsonl", ".csv.gz"}) {
        const std::string one = path("one" + ending);
        (void)sweep_into(one, wide_grid());
        const auto same = [&](const std::string& name) {
            CHECK(rows_of(scratch, name + ending) == rows_of(scratch, "one" + ending));
            CHECK(read_file(OutputPaths(path(name + ending)).frontier) ==
                  read_file(OutputPaths(one).frontier));
            CHECK(rows_of(scratch, name + ending + ".manifest.json") ==
                  rows_of(scratch, "one" + ending + ".manifest.json"));
        };
        (void)sweep_into(path("many" + ending), wide_grid(), 5);
        same("many");

        const SweepSummary half = interrupted_sweep(path("stopped" + ending), wide_grid(), 4);
        CHECK_FALSE(half.complete);
        CHECK_FALSE(std::filesystem::exists(path("stopped" + ending)));
        const DataStore data;
        SweepOptions o = options_for(path("stopped" + ending));
        o.start = StartMode::resume;
        const SweepSummary rest = run_sweep(data, grid_of(wide_grid()), o);
        CHECK(rest.progress.points_before == 4 * block_points);
        same("stopped");

        std::vector<std::string> parts;
        for (std::uint64_t i = 3; i >= 1; --i) {
            SweepOptions shard = options_for(path("part" + std::to_string(i) + ending));
            shard.shard = {i, 3};
            (void)run_sweep(data, grid_of(wide_grid()), shard);
            parts.push_back(shard.output);
        }
        (void)merge_sweeps(parts, path("merged" + ending));
        same("merged");
    }
}

TEST_CASE("the frontier alone is the frontier of the rows") {
    const ScratchFolder scratch;
    const auto path = [&](const std::string& name) { return (scratch.path / name).string(); };
    (void)sweep_into(path("rows.csv"), wide_grid());
    const DataStore data;
    SweepOptions only = options_for(path("only.csv"));
    only.style.no_rows = true;
    only.threads = 3;
    (void)run_sweep(data, grid_of(wide_grid()), only);
    CHECK(rows_of(scratch, "only.csv") == rows_of(scratch, "rows.frontier.csv"));

    std::vector<std::string> parts;
    for (std::uint64_t i = 1; i <= 4; ++i) {
        SweepOptions shard = options_for(path("f" + std::to_string(i) + ".csv"));
        shard.style.no_rows = true;
        shard.shard = {i, 4};
        (void)run_sweep(data, grid_of(wide_grid()), shard);
        parts.push_back(shard.output);
    }
    (void)merge_sweeps(parts, path("fm.csv"));
    CHECK(rows_of(scratch, "fm.csv") == rows_of(scratch, "only.csv"));
    CHECK(rows_of(scratch, "fm.csv.manifest.json") == rows_of(scratch, "only.csv.manifest.json"));
}

TEST_CASE("a journal cut anywhere resumes to the same bytes") {
    const ScratchFolder scratch;
    const auto path = [&](const std::string& name) { return (scratch.path / name).string(); };
    (void)sweep_into(path("one.csv"), wide_grid());
    (void)interrupted_sweep(path("cut.csv"), wide_grid(), 5);
    const std::string journal = rows_of(scratch, "cut.csv.journal");
    const std::string part = rows_of(scratch, "cut.csv.part");
    for (const std::size_t keep :
         {std::size_t{0}, std::size_t{10}, journal.size() / 3, journal.size() / 2, journal.size() - 1}) {
        scratch.write("cut.csv.journal", journal.substr(0, keep));
        scratch.write("cut.csv.part", part + "torn row,");   // rows whose block is not in the journal
        SweepOptions o = options_for(path("cut.csv"));
        o.start = StartMode::resume;
        (void)run_sweep(DataStore{}, grid_of(wide_grid()), o);
        CHECK(rows_of(scratch, "cut.csv") == rows_of(scratch, "one.csv"));
        CHECK(rows_of(scratch, "cut.frontier.csv") == rows_of(scratch, "one.frontier.csv"));
    }
}

TEST_CASE("rows that are not what the journal says are dropped and computed again") {
    const ScratchFolder scratch;
    const auto path = [&](const std::string& name) { return (scratch.path / name).string(); };
    for (const std::string ending : {".csv", ".csv.gz", ".jsonl"}) {
        (void)sweep_into(path("one" + ending), wide_grid());
        (void)interrupted_sweep(path("cut" + ending), wide_grid(), 5);
        const std::string part = rows_of(scratch, "cut" + ending + ".part");
        const std::string journal = rows_of(scratch, "cut" + ending + ".journal");
        std::vector<std::string> damaged;
        for (const std::size_t at : {std::size_t{3}, part.size() / 2, part.size() - 1}) {
            damaged.push_back(part);
            damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 1);
        }
        damaged.push_back(part.substr(0, part.size() - 100).append(100, '\0'));
        damaged.push_back(part.substr(0, part.size() / 3));
        damaged.emplace_back();
        for (const std::string& text : damaged) {
            std::filesystem::remove(path("cut" + ending));
            scratch.write("cut" + ending + ".part", text);
            scratch.write("cut" + ending + ".journal", journal);
            SweepOptions o = options_for(path("cut" + ending));
            o.start = StartMode::resume;
            const SweepSummary s = run_sweep(DataStore{}, grid_of(wide_grid()), o);
            CHECK(s.points_dropped > 0);
            CHECK(s.points_dropped + s.progress.points_before == 5 * block_points);
            CHECK(rows_of(scratch, "cut" + ending) == rows_of(scratch, "one" + ending));
            CHECK(rows_of(scratch, "cut" + ending + ".manifest.json") ==
                  rows_of(scratch, "one" + ending + ".manifest.json"));
        }
    }
}

TEST_CASE("a finished sweep is complete already only while its files are what they should be") {
    const ScratchFolder scratch;
    const SweepOptions o = options_for((scratch.path / "out.csv").string());
    const DataStore data;
    const Grid grid = grid_of(wide_grid());
    CHECK_FALSE(finished_output(data, grid, o).manifest);
    CHECK(finished_output(data, grid, o).problem.empty());
    (void)run_sweep(data, grid, o);
    CHECK(finished_output(data, grid, o).manifest);

    scratch.write("out.csv.journal", "left by a kill before it was removed");
    CHECK(finished_output(data, grid, o).manifest);
    CHECK_FALSE(std::filesystem::exists(scratch.path / "out.csv.journal"));

    const std::string rows = rows_of(scratch, "out.csv");
    std::string changed = rows;
    changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
    scratch.write("out.csv", changed);
    CHECK_FALSE(finished_output(data, grid, o).manifest);
    CHECK(finished_output(data, grid, o).problem.find("differs") != std::string::npos);
    scratch.write("out.csv", rows);
    std::filesystem::remove(scratch.path / "out.frontier.csv");
    CHECK(finished_output(data, grid, o).problem.find("out.frontier.csv: no such file") != std::string::npos);
}

TEST_CASE("names that cannot be written are refused before any work") {
    const ScratchFolder scratch;
    const auto refused = [&](const std::string& path) {
        try {
            (void)sweep_into(path, wide_grid());
        } catch (const SystemError&) {
            return true;
        }
        return false;
    };
    CHECK(refused((scratch.path / std::string(246, 'n')).string().append(".csv")));
    std::filesystem::create_directories(scratch.path / "out.csv.manifest.json");
    CHECK(refused((scratch.path / "out.csv").string()));
    CHECK_FALSE(std::filesystem::exists(scratch.path / "out.csv.journal"));
}

TEST_CASE("unfinished work is neither overwritten nor continued by another grid") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    (void)interrupted_sweep(path, wide_grid(), 2);
    CHECK(message_of([&] { (void)sweep_into(path, wide_grid()); }).find("an unfinished sweep is here") !=
          std::string::npos);
    std::string other = wide_grid();
    other.replace(other.find("ttft <= 2"), 9, "ttft <= 3");
    SweepOptions o = options_for(path);
    o.start = StartMode::resume;
    const auto resume = [&] { (void)run_sweep(DataStore{}, grid_of(other), o); };
    CHECK(message_of(resume).find("another grid, data, program version or shard") != std::string::npos);
    o.version = "other";
    const auto upgraded = [&] { (void)run_sweep(DataStore{}, grid_of(wide_grid()), o); };
    CHECK(message_of(upgraded).find("another grid, data, program version or shard") != std::string::npos);
    o.start = StartMode::restart;
    CHECK(run_sweep(DataStore{}, grid_of(other), o).complete);
}

TEST_CASE("filters that leave no point are an error and leave no file") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    std::string grid = wide_grid();
    grid.replace(grid.find("gpus % tp == 0"), 14, "tp > 2 and tp < 2");
    CHECK(message_of([&] {
              (void)sweep_into(path, grid);
          }).find("no point passes: 'tp > 2 and tp < 2' refuses") != std::string::npos);
    CHECK(std::filesystem::is_empty(scratch.path));
}

TEST_CASE("infeasible points are rows on request, with their reason") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    const SweepSummary s = sweep_into(path, "keep_infeasible = true\n" + wide_grid());
    const CsvTable table(read_file(path), path);
    std::map<std::string, std::uint64_t> reasons;
    for (std::size_t i = 0; i < table.rows(); ++i)
        ++reasons[std::string(table.text(i, table.column("infeasible")))];
    CHECK(reasons[""] == s.manifest.rows);
    CHECK(reasons[s.manifest.infeasible[0].what] == s.manifest.infeasible[0].points);
    CHECK(reasons["outside the constraints"] == s.manifest.constrained[0].points);
}

TEST_CASE("names that do not go together are infeasible points, not errors") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    const SweepSummary s = sweep_into(path, R"(
[scenario]
model = "mixtral-8x7b"
engine = "sglang"   # runs no fp8 experts on Ampere
tp = 8
[[axis]]
key = "gpu"
values = ["a100_sxm_80", "h100_sxm"]
[[axis]]
key = "weights"
values = ["bf16", "fp8"]
)");
    CHECK(s.manifest.rows == 3);
    REQUIRE(s.manifest.infeasible.size() == 1);
    CHECK(s.manifest.infeasible[0].what.find("cannot run on a100_sxm_80") != std::string::npos);
    CHECK(message_of([&] {
              (void)sweep_into(
                  path,
                  "[scenario]\nmodel='mixtral-8x7b'\ngpu='a100_sxm_80'\nengine='sglang'\nweights='fp8'\n"
                  "[[axis]]\nkey='tp'\nvalues=[8]\n");
          }).find("cannot run on a100_sxm_80") != std::string::npos);
}

TEST_CASE("edits of a model are understood or refused") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    const auto error = [&](const std::string& axis) {
        return message_of([&] {
            (void)sweep_into(path, "[scenario]\nmodel='mixtral-8x7b'\ngpu='h100_sxm'\ntp=8\n" + axis);
        });
    };
    CHECK(error("[[axis]]\nkey='set.expertz'\nvalues=[8]\n").find("no such field") != std::string::npos);
    CHECK(error("[[axis]]\nkey='set.experts'\nvalues=[8, 'many']\n").find("expected a whole number") !=
          std::string::npos);
    // top_k = 16 needs more experts than the model has: the order of the axes does not matter.
    const SweepSummary s =
        sweep_into(path,
                   "filter='top_k <= experts'\n[scenario]\nmodel='mixtral-8x7b'\ngpu='h100_sxm'\n"
                   "tp=8\n[[axis]]\nkey='set.top_k'\nvalues=[2,16]\n"
                   "[[axis]]\nkey='set.experts'\nvalues=[8,16]\n");
    CHECK(s.manifest.filtered[0].points == 1);
    CHECK(s.manifest.rows == 3);
}

TEST_CASE("figures of an accelerator move the answer the way they should") {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    (void)sweep_into(
        path,
        "columns=['gpu','gpu.memory_bandwidth_tb_s','price','tpot_s','usd_per_mtok_output']\n[scenario]\n"
        "model='mixtral-8x7b'\ntp=4\n[[axis]]\nkey='gpu'\nvalues=['h100_sxm','h200_sxm']\n"
        "[[axis]]\nkey='gpu.memory_bandwidth_tb_s'\nvalues=[3,6]\n[[axis]]\nkey='price'\nvalues=[2,4]\n");
    const CsvTable t(read_file(path), path);
    REQUIRE(t.rows() == 8);
    for (const std::size_t gpu : {0U, 4U}) {
        CHECK(*t.number(gpu, 3) > *t.number(gpu + 2, 3));
        CHECK(*t.number(gpu + 1, 3) == *t.number(gpu, 3));
        CHECK(*t.number(gpu + 1, 4) == doctest::Approx(2 * *t.number(gpu, 4)).epsilon(1e-5));
    }
}
