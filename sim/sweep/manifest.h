// SPDX-License-Identifier: Apache-2.0
// What a sweep wrote and from which inputs: the JSON file that stands beside its rows. `merge` and --resume trust
// nothing else.
#pragma once

#include <string>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/file.h"
#include "moecost/sweep/block.h"

namespace moecost {

/// What must agree for two files to belong together.
struct SweepIdentity {
    std::string grid;      // fingerprint of the grid, output settings included
    std::string data;      // of the data files
    std::string version;   // of the program
    std::string format;    // csv, csv.gz, jsonl, jsonl.gz
    bool operator==(const SweepIdentity&) const = default;
};

struct Shard {
    std::uint64_t index = 1;   // 1..count
    std::uint64_t count = 1;
    bool operator==(const Shard&) const = default;
};
/// Blocks of a shard: first, and one past the last. Shards cover the grid in order, sizes differ by one at most.
[[nodiscard]] std::uint64_t first_block(const Shard& shard, std::uint64_t blocks);
[[nodiscard]] inline std::uint64_t end_block(const Shard& shard, std::uint64_t blocks) {
    return first_block({shard.index + 1, shard.count}, blocks);
}

struct Tally {
    std::string what;
    std::uint64_t points = 0;
    bool operator==(const Tally&) const = default;
};

struct Manifest {
    SweepIdentity identity;
    std::uint64_t grid_points = 0;
    Shard shard;
    std::uint64_t points = 0;
    std::uint64_t rows = 0;
    std::vector<Tally> filtered, constrained, infeasible;
    std::vector<std::string> objectives;   // "minimise tpot_s"
    bool frontier_only = false;
    std::uint64_t header_bytes = 0;   // of the rows file, as stored
    std::uint64_t bytes = 0;
    std::string content;                    // fingerprint of the rows file, as stored
    std::uint64_t frontier_bytes = 0;       // of the frontier file, where there is one
    std::string frontier_content;           // its fingerprint
    std::vector<FrontierMember> frontier;   // in the order of the frontier file
};

[[nodiscard]] std::string manifest_json(const Manifest& manifest);
/// InputError when it is no manifest of this version, or when its numbers contradict each other.
[[nodiscard]] Manifest read_manifest(const std::string& path);
[[nodiscard]] Manifest manifest_of(const Document& document);

/// Sends a file to `sink` and checks it against what a manifest says. InputError when it differs.
void read_sealed(const std::string& path, std::uint64_t bytes, const std::string& content,
                 const BlockSink& sink);

[[nodiscard]] SweepIdentity identity_of(const DataStore& data, const Grid& grid, const RowStyle& style,
                                        const std::string& version);

/// Names of the files of an output: out.csv.gz gives out.csv.gz.manifest.json and out.frontier.csv.
struct OutputPaths {
    explicit OutputPaths(const std::string& path);
    std::string rows, part, journal, manifest, frontier;
};
/// SystemError when a file of these names could not be written, before work is done for it.
void check_writable(const OutputPaths& paths);
/// Format and compression by the ending of a path; InputError names the known endings.
[[nodiscard]] RowStyle style_of_path(const std::string& path);
[[nodiscard]] std::string format_name(const RowStyle& style);

}   // namespace moecost
