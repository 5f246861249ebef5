// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/merge.h"

#include <doctest/doctest.h>

#include <atomic>
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

TEST_CASE("frontier files of parts are sealed like their rows") {
    Shards s;
    const std::string frontier = OutputPaths(s.parts[0]).frontier;
    std::string changed = read_file(frontier);
    const std::size_t digit = changed.find_last_of("123456789");
    changed[digit] = changed[digit] == '1' ? '2' : '1';
    write_file(frontier, changed);
    CHECK(has(s.error(s.parts), "p1.frontier.csv: differs from what its manifest says"));
    std::filesystem::remove(frontier);
    CHECK(has(s.error(s.parts), "p1.frontier.csv: no such file"));
}

TEST_CASE("a merge never writes over its inputs") {
    Shards s;
    const OutputPaths first(s.parts[0]);
    for (const std::string& output : {first.rows, first.frontier, first.manifest}) {
        CAPTURE(output);
        const std::string before = read_file(output);
        CHECK(has(message_of([&] { (void)merge_sweeps(s.parts, output); }), "would overwrite"));
        CHECK(read_file(output) == before);
    }
}

TEST_CASE("the ending of a merged output says what it holds") {
    Shards s;
    for (const std::string name : {"all.csv.gz", "all.jsonl", "all.jsonl.gz", "all.txt"}) {
        const std::string output = (s.scratch.path / name).string();
        CHECK_FALSE(message_of([&] { (void)merge_sweeps(s.parts, output); }).empty());
        CHECK_FALSE(std::filesystem::exists(output));
    }
    CHECK(has(message_of([&] { (void)merge_sweeps(s.parts, (s.scratch.path / "all.jsonl").string()); }),
              "the parts are csv"));
}

TEST_CASE("a merge does not touch an unfinished sweep at its output") {
    Shards s;
    const std::string journal = s.scratch.write("merged.csv.journal", "begun");
    CHECK(has(s.error(s.parts), "an unfinished sweep is here"));
    CHECK(read_file(journal) == "begun");
}

TEST_CASE("a merge that is asked to stop leaves nothing") {
    Shards s;
    const std::atomic<bool> stop{true};
    const std::string out = (s.scratch.path / "merged.csv").string();
    CHECK_FALSE(merge_sweeps(s.parts, out, &stop).complete);
    CHECK_FALSE(std::filesystem::exists(out));
    for (const auto& entry : std::filesystem::directory_iterator(s.scratch.path))
        CHECK_FALSE(has(entry.path().filename().string(), "moecost-"));
}

TEST_CASE("manifests whose numbers contradict each other are refused where they do") {
    Shards s;
    const std::string path = OutputPaths(s.parts[1]).manifest;
    const std::string good = read_file(path);
    const auto with = [&](std::string_view key, std::string_view value) {
        std::string text = good;
        const std::size_t at = text.find(std::string("\"").append(key).append("\": ")) + key.size() + 4;
        text.replace(at, text.find_first_of(",\n", at) - at, value);
        write_file(path, text);
        return s.error(s.parts);
    };
    CHECK(has(with("header_bytes", "20000000000"), "key 'header_bytes': is more than bytes"));
    CHECK(has(with("header_bytes", "1e15"), "key 'header_bytes': is more than bytes"));
    CHECK(has(with("rows", "5"), "key 'rows': and the points that gave none are not all points"));
    CHECK(has(with("points", "1e12"), "key 'points'"));
    CHECK(has(with("shard", "7"), "key 'shard'"));
    const std::size_t at = good.find("\"frontier\": [") + 13;
    const std::size_t number = good.find_first_of("0123456789", at);
    for (const std::string_view point : {"-1", "1e300", "0.5"}) {
        std::string text = good;
        text.replace(number, text.find_first_of(",\n", number) - number, point);
        write_file(path, text);
        CHECK(has(s.error(s.parts), "a member is no point of the grid"));
    }
}
