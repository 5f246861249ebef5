// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/merge.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "moecost/base/content_hash.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"
#include "moecost/sweep/output.h"

namespace moecost {
namespace {

struct Part {
    std::string path;
    Manifest manifest;
};

std::string shard_name(std::uint64_t index, std::uint64_t count) {
    std::string s("shard ");
    return s.append(std::to_string(index)).append(" of ").append(std::to_string(count));
}

void check_same_sweep(const Part& first, const Part& other) {
    const auto differ = [&](std::string_view what) {
        std::string message("comes from another ");
        message.append(what).append(" than ").append(first.path);
        throw InputError({other.path}, {}, message, "merge only shards of one sweep");
    };
    const SweepIdentity& a = first.manifest.identity;
    const SweepIdentity& b = other.manifest.identity;
    if (a.grid != b.grid) differ("grid");
    if (a.data != b.data) differ("set of data files");
    if (a.version != b.version) differ("program version");
    if (a.format != b.format) differ("format");
    if (first.manifest.shard.count != other.manifest.shard.count) differ("number of shards");
}

std::vector<Part> read_parts(const std::vector<std::string>& paths) {
    std::vector<Part> parts;
    for (const std::string& path : paths) {
        std::error_code ec;
        if (!std::filesystem::exists(path, ec)) throw InputError({path}, {}, "no such file");
        if (std::filesystem::exists(OutputPaths(path).journal, ec)) {
            throw InputError({path}, {}, "is not finished", "run it again with --resume");
        }
        parts.push_back({path, read_manifest(OutputPaths(path).manifest)});
        check_same_sweep(parts[0], parts.back());
    }
    std::sort(parts.begin(), parts.end(),
              [](const Part& a, const Part& b) { return a.manifest.shard.index < b.manifest.shard.index; });
    const std::uint64_t count = parts[0].manifest.shard.count;
    std::uint64_t expected = 1;
    for (const Part& part : parts) {
        const std::uint64_t index = part.manifest.shard.index;
        if (index < expected) {
            throw InputError({part.path}, {}, shard_name(index, count).append(" is given twice"));
        }
        if (index > expected) break;
        ++expected;
    }
    if (expected <= count) {
        std::string given = std::to_string(parts.size());
        given.append(" of ").append(std::to_string(count)).append(" are given");
        throw InputError({"PART"}, {}, shard_name(expected, count).append(" is missing"), given);
    }
    return parts;
}

/// Sends the bytes of a part to `sink` after `skip`, and checks them against the manifest.
template <class Sink>
void read_rows(const Part& part, std::uint64_t skip, Sink sink) {
    std::ifstream in(part.path, std::ios::binary);
    ContentHash hash;
    std::uint64_t bytes = 0;
    std::string buffer(1 << 20, '\0');
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
        const std::string_view read(buffer.data(), static_cast<std::size_t>(in.gcount()));
        hash.add(read);
        const std::uint64_t header = skip > bytes ? std::min<std::uint64_t>(skip - bytes, read.size()) : 0;
        bytes += read.size();
        sink(read.substr(header));
    }
    if (bytes != part.manifest.bytes) {
        std::string message = std::to_string(bytes);
        message.append(" bytes where its manifest says ").append(std::to_string(part.manifest.bytes));
        throw InputError({part.path}, {}, message, "the file was truncated or is still being copied");
    }
    if (hash.text() != part.manifest.content)
        throw InputError({part.path}, {}, "differs from what its manifest says");
}

void add_tallies(std::vector<Tally>& to, const std::vector<Tally>& from) {
    for (const Tally& t : from) {
        const auto at =
            std::find_if(to.begin(), to.end(), [&](const Tally& other) { return other.what == t.what; });
        if (at == to.end())
            to.push_back(t);
        else
            at->points += t.points;
    }
}

Manifest joined(const std::vector<Part>& parts) {
    Manifest m = parts[0].manifest;
    m.shard = {};
    std::map<std::uint64_t, FrontierMember> candidates;
    Frontier frontier(m.objectives.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (const FrontierMember& member : parts[i].manifest.frontier) frontier.offer(member);
        if (i == 0) continue;
        m.points += parts[i].manifest.points;
        m.rows += parts[i].manifest.rows;
        add_tallies(m.filtered, parts[i].manifest.filtered);
        add_tallies(m.constrained, parts[i].manifest.constrained);
        add_tallies(m.infeasible, parts[i].manifest.infeasible);
    }
    std::sort(m.infeasible.begin(), m.infeasible.end(), [](const Tally& a, const Tally& b) {
        return a.points != b.points ? a.points > b.points : a.what < b.what;
    });
    m.frontier = m.objectives.empty() ? std::vector<FrontierMember>{} : frontier.sorted();
    return m;
}

/// Rows of the joined frontier: the parts hold the rows of theirs, in the order of their manifests.
std::string frontier_rows(const std::vector<Part>& parts, const Manifest& merged, std::string& header) {
    std::map<std::uint64_t, std::string> rows;
    for (const FrontierMember& member : merged.frontier) rows.emplace(member.point, std::string());
    for (const Part& part : parts) {
        const std::string path = merged.frontier_only ? part.path : OutputPaths(part.path).frontier;
        const std::string text = read_file(path);
        std::size_t at = 0;
        if (merged.identity.format.starts_with("csv")) {
            at = std::min(text.find('\n'), text.size() - 1) + 1;
            header = text.substr(0, at);
        }
        for (const FrontierMember& member : part.manifest.frontier) {
            const std::size_t end = text.find('\n', at);
            if (end == std::string::npos)
                throw InputError({path}, {}, "has fewer rows than its manifest says");
            const auto row = rows.find(member.point);
            if (row != rows.end()) row->second = text.substr(at, end + 1 - at);
            at = end + 1;
        }
    }
    std::string result;
    for (const FrontierMember& member : merged.frontier) result.append(rows[member.point]);
    return result;
}

}   // namespace

MergeSummary merge_sweeps(const std::vector<std::string>& paths, const std::string& output) {
    if (paths.empty()) throw InputError({"PART"}, {}, "no part is given");
    const std::vector<Part> parts = read_parts(paths);
    for (const std::string& path : paths) {
        std::error_code ec;
        if (std::filesystem::equivalent(path, output, ec))
            throw InputError({output}, {}, "is one of the parts");
    }
    MergeSummary summary;
    summary.manifest = joined(parts);
    std::string header;
    std::string frontier;
    if (!summary.manifest.objectives.empty()) frontier = frontier_rows(parts, summary.manifest, header);
    // The header of the first part as it is stored, so that compressed files join as well.
    std::string stored(summary.manifest.header_bytes, '\0');
    std::ifstream(parts[0].path, std::ios::binary)
        .read(stored.data(), static_cast<std::streamsize>(stored.size()));
    SweepOutput out(output, summary.manifest.identity, {}, stored, StartMode::restart);
    try {
        for (const Part& part : parts) {
            read_rows(part, part.manifest.header_bytes, [&](std::string_view bytes) {
                if (summary.manifest.frontier_only) return;
                BlockResult block;
                block.bytes = bytes;
                out.append(block);
            });
        }
    } catch (const InputError&) {
        out.discard();
        throw;
    }
    out.finish(summary.manifest, summary.manifest.frontier_only ? frontier : header.append(frontier));
    summary.files.push_back(output);
    const bool own_file = !summary.manifest.objectives.empty() && !summary.manifest.frontier_only;
    if (own_file) summary.files.push_back(out.paths().frontier);
    if (out.has_journal()) summary.files.push_back(out.paths().manifest);
    return summary;
}

}   // namespace moecost
