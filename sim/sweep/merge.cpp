// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/merge.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "moecost/base/content_hash.h"
#include "moecost/base/format.h"
#include "moecost/base/gzip.h"

namespace moecost {
namespace {

constexpr std::uint64_t max_frontier_bytes = std::uint64_t{4} << 30;

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
        const bool own = !merged.frontier_only;
        const std::string path = own ? OutputPaths(part.path).frontier : part.path;
        std::string stored;
        read_sealed(path, own ? part.manifest.frontier_bytes : part.manifest.bytes,
                    own ? part.manifest.frontier_content : part.manifest.content,
                    [&](std::string_view block) { stored.append(block); });
        const std::string text =
            own || !merged.identity.format.ends_with(".gz") ? stored : read_text(path, max_frontier_bytes);
        std::size_t at = 0;
        if (own && merged.identity.format.starts_with("csv")) {
            at = std::min(text.find('\n'), text.size() - 1) + 1;
            header = text.substr(0, at);
        } else if (!own && merged.identity.format.starts_with("csv")) {
            at = std::min(text.find('\n'), text.size() - 1) + 1;
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

void check_output(const std::vector<std::string>& parts, const std::string& output,
                  const std::string& format) {
    const OutputPaths out(output);
    std::error_code ec;
    for (const std::string& part : parts) {
        const OutputPaths in(part);
        for (const std::string& read : {in.rows, in.manifest, in.frontier}) {
            for (const std::string& written : {out.rows, out.manifest, out.frontier}) {
                if (std::filesystem::equivalent(read, written, ec))
                    throw InputError({output}, {}, std::string("would overwrite ").append(read));
            }
        }
    }
    const bool regular = !std::filesystem::exists(output, ec) || std::filesystem::is_regular_file(output, ec);
    if (!regular) return;
    if (format_name(style_of_path(output)) != format) {
        std::string message("the parts are ");
        throw InputError({output}, {}, message.append(format).append(", which its ending does not say"),
                         std::string("-o OUT.").append(format));
    }
    if (std::filesystem::exists(out.journal, ec)) {
        throw InputError({out.journal}, {}, "an unfinished sweep is here",
                         "finish it with sweep --resume, or remove it");
    }
    check_writable(out);
}

/// The rows of all parts one after another, under one header as it is stored (compressed files join as well).
class JoinedRows {
  public:
    explicit JoinedRows(const std::string& path) : file_(path) {}
    void write(std::string_view bytes) {
        file_.write(bytes);
        hash_.add(bytes);
        bytes_ += bytes.size();
    }
    /// The rows of a part without the first `skip` bytes; false when it was stopped.
    bool add(const Part& part, std::uint64_t skip, const std::atomic<bool>* stop) {
        std::uint64_t read = 0;
        struct Stopped {};
        try {
            read_sealed(part.path, part.manifest.bytes, part.manifest.content, [&](std::string_view bytes) {
                if (stop != nullptr && *stop) throw Stopped();
                const std::uint64_t before =
                    skip > read ? std::min<std::uint64_t>(skip - read, bytes.size()) : 0;
                read += bytes.size();
                write(bytes.substr(before));
            });
        } catch (const Stopped&) {
            return false;
        }
        return true;
    }
    void seal(Manifest& m) const {
        m.bytes = bytes_;
        m.content = hash_.text();
    }
    [[nodiscard]] bool is_regular() const { return file_.is_regular(); }
    void commit() { file_.commit(); }

  private:
    AtomicFile file_;
    ContentHash hash_;
    std::uint64_t bytes_ = 0;
};

std::string stored_header(const Part& part) {
    std::string header(part.manifest.header_bytes, '\0');
    InputFile file(part.path);
    header.resize(file.read(header));
    return header;
}

}   // namespace

MergeSummary merge_sweeps(const std::vector<std::string>& paths, const std::string& output,
                          const std::atomic<bool>* stop) {
    if (paths.empty()) throw InputError({"PART"}, {}, "no part is given");
    const std::vector<Part> parts = read_parts(paths);
    check_output(paths, output, parts[0].manifest.identity.format);
    MergeSummary summary;
    Manifest& m = summary.manifest = joined(parts);
    if (m.points != m.grid_points) {
        std::string message("the parts hold ");
        message.append(std::to_string(m.points)).append(" of the ");
        throw InputError({parts[0].path}, {},
                         message.append(std::to_string(m.grid_points)).append(" points of the grid"));
    }
    std::string header;
    std::string frontier;
    if (!m.objectives.empty()) frontier = frontier_rows(parts, m, header);
    frontier.insert(0, header);
    JoinedRows rows(output);
    rows.write(stored_header(parts[0]));
    if (m.frontier_only) {
        rows.write(m.identity.format.ends_with(".gz") ? gzip_member(frontier) : frontier);
    } else {
        for (const Part& part : parts) {
            summary.complete = summary.complete && rows.add(part, part.manifest.header_bytes, stop);
        }
    }
    if (!summary.complete) return summary;
    summary.files.push_back(output);
    rows.seal(m);
    const OutputPaths out(output);
    const bool own_file = !m.objectives.empty() && !m.frontier_only && rows.is_regular();
    if (own_file) {
        ContentHash hash;
        hash.add(frontier);
        m.frontier_bytes = frontier.size();
        m.frontier_content = hash.text();
        write_file(out.frontier, frontier);
        summary.files.push_back(out.frontier);
    }
    if (rows.is_regular()) {
        write_file(out.manifest, manifest_json(m));
        summary.files.push_back(out.manifest);
    }
    rows.commit();
    return summary;
}

}   // namespace moecost
