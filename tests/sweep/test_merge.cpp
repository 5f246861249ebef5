// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/merge.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "../base/input_error.h"
#include "grids.h"

using namespace moecost;

namespace {

struct Shards {
    ScratchFolder scratch;
    std::vector<std::string> parts;

    explicit Shards(const std::string& grid = wide_grid(), std::uint64_t count = 3,
                    const std::string& prefix = "p") {
        for (std::uint64_t i = 1; i <= count; ++i)
            parts.push_back(run(grid, {i, count}, prefix + std::to_string(i)));
    }
    std::string run(const std::string& grid, Shard shard, const std::string& name,
                    const std::string& version = "test") {
        SweepOptions o = options_for((scratch.path / name).string().append(".csv"));
        o.shard = shard;
        o.version = version;
        (void)run_sweep(DataStore{}, grid_of(grid), o);
        return o.output;
    }
    [[nodiscard]] std::string error(const std::vector<std::string>& given) const {
        const std::string out = (scratch.path / "merged.csv").string();
        const std::string message = message_of([&] { (void)merge_sweeps(given, out); });
        CHECK_FALSE(std::filesystem::exists(out));
        CHECK_FALSE(std::filesystem::exists(OutputPaths(out).part));
        return message;
    }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}   // namespace

TEST_CASE("missing, doubled and foreign shards are refused") {
    Shards s;
    CHECK(has(s.error({}), "no part is given"));
    CHECK(has(s.error({s.parts[0], s.parts[2]}), "shard 2 of 3 is missing"));
    CHECK(has(s.error({s.parts[0], s.parts[1]}), "shard 3 of 3 is missing"));
    CHECK(has(s.error({s.parts[0], s.parts[1], s.parts[1], s.parts[2]}), "shard 2 of 3 is given twice"));
    CHECK(has(s.error({s.parts[0], (s.scratch.path / "none.csv").string()}), "no such file"));

    std::string other = wide_grid();
    other.replace(other.find("ttft <= 2"), 9, "ttft <= 3");
    CHECK(has(s.error({s.parts[0], s.run(other, {2, 3}, "other")}), "comes from another grid"));
    CHECK(has(s.error({s.parts[0], s.run(wide_grid(), {2, 4}, "four")}), "another number of shards"));
    CHECK(has(s.error({s.parts[0], s.run(wide_grid(), {2, 3}, "old", "0.0.1")}), "another program version"));
}

TEST_CASE("truncated, changed and unfinished parts are refused") {
    Shards s;
    const std::string content = read_file(s.parts[1]);
    write_file(s.parts[1], content.substr(0, content.size() - 7));
    CHECK(has(s.error(s.parts), "bytes where its manifest says"));
    std::string changed = content;
    changed[content.size() / 2] ^= 1;
    write_file(s.parts[1], changed);
    CHECK(has(s.error(s.parts), "differs from what its manifest says"));
    write_file(s.parts[1], content);
    write_file(OutputPaths(s.parts[1]).journal, "");
    CHECK(has(s.error(s.parts), "is not finished"));
    std::filesystem::remove(OutputPaths(s.parts[1]).journal);
    const std::string manifest = read_file(OutputPaths(s.parts[1]).manifest);
    write_file(OutputPaths(s.parts[1]).manifest, manifest.substr(0, manifest.size() / 2));
    CHECK(has(s.error(s.parts), "manifest.json"));
    std::filesystem::remove(OutputPaths(s.parts[1]).manifest);
    CHECK(has(s.error(s.parts), "no such file"));
}

TEST_CASE("shards cover the blocks once, whatever their number") {
    for (const std::uint64_t blocks : {0U, 1U, 5U, 97U}) {
        for (const std::uint64_t count : {1U, 2U, 7U, 200U}) {
            std::uint64_t next = 0;
            for (std::uint64_t i = 1; i <= count; ++i) {
                CHECK(first_block({i, count}, blocks) == next);
                next = end_block({i, count}, blocks);
            }
            CHECK(next == blocks);
        }
    }
}

TEST_CASE("more shards than blocks: the empty ones merge as well") {
    Shards s("[scenario]\nmodel='mixtral-8x7b'\ngpu='h100_sxm'\n[[axis]]\nkey='tp'\nvalues=[2,4]\n", 3);
    const std::string out = (s.scratch.path / "merged.csv").string();
    CHECK(merge_sweeps(s.parts, out).manifest.points == 2);
    CHECK(read_file(out) ==
          read_file(s.run("[scenario]\nmodel='mixtral-8x7b'\ngpu='h100_sxm'\n[[axis]]\nkey='tp'\n"
                          "values=[2,4]\n",
                          {1, 1}, "whole")));
}
