// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/output.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "moecost/base/gzip.h"

namespace moecost {
namespace {

/// A line of the journal ends in the fingerprint of the rest: a torn line is no line.
std::string sealed(std::string line) {
    ContentHash hash;
    hash.add(line);
    return line.append(" ").append(hash.text()).append("\n");
}

bool unseal(std::string_view& line) {
    constexpr std::size_t seal = 17;
    if (line.size() < seal) return false;
    ContentHash hash;
    hash.add(line.substr(0, line.size() - seal));
    if (line.substr(line.size() - seal + 1) != hash.text()) return false;
    line.remove_suffix(seal);
    return true;
}

std::string numbers(const std::vector<std::uint64_t>& list) {
    std::string s = std::to_string(list.size());
    for (const std::uint64_t n : list) s.append(" ").append(std::to_string(n));
    return s;
}

/// Reads whole numbers from a line, one after another.
class Words {
  public:
    explicit Words(std::string_view text) : rest_(text) {}
    [[nodiscard]] bool good() const { return good_; }
    std::uint64_t number() {
        if (rest_.starts_with(' ')) rest_.remove_prefix(1);
        std::uint64_t value = 0;
        const auto r = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        good_ = good_ && r.ec == std::errc{};
        rest_.remove_prefix(static_cast<std::size_t>(r.ptr - rest_.data()));
        return value;
    }
    std::vector<std::uint64_t> list() {
        std::vector<std::uint64_t> result;
        for (std::uint64_t n = number(); good_ && n > 0; --n) result.push_back(number());
        return result;
    }
    std::string_view rest() {
        if (rest_.starts_with(' ')) rest_.remove_prefix(1);
        return rest_;
    }

  private:
    std::string_view rest_;
    bool good_ = true;
};

}   // namespace

SweepOutput::SweepOutput(const std::string& path, const SweepIdentity& identity, const Shard& shard,
                         std::string header, StartMode mode)
    : paths_(path), identity_(identity), shard_(shard), header_(std::move(header)) {
    std::error_code ec;
    const auto status = std::filesystem::status(path, ec);
    if (std::filesystem::is_directory(status)) throw SystemError(std::string(path).append(": is a folder"));
    journalled_ = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
    if (!journalled_) {
        part_ = OutputFile(path, true);
        part_.write(header_);
        return;
    }
    const bool unfinished = std::filesystem::exists(paths_.journal, ec);
    if (unfinished && mode == StartMode::fresh) {
        throw InputError({paths_.journal}, {}, "an unfinished sweep is here",
                         "--resume goes on, --restart begins anew");
    }
    journal_ = OutputFile(paths_.journal, true);
    journal_.lock();
    part_ = OutputFile(paths_.part, true);
    if (unfinished && mode == StartMode::resume) {
        resume();
        return;
    }
    journal_.truncate(0);
    part_.truncate(0);
    part_.write(header_);
    bytes_ = header_.size();
    content_.add(header_);
    journal_.write(sealed(journal_head()));
}

std::string SweepOutput::journal_head() const {
    std::string s("moecost-journal 1 grid ");
    s.append(identity_.grid)
        .append(" data ")
        .append(identity_.data)
        .append(" version ")
        .append(identity_.version);
    s.append(" format ")
        .append(identity_.format)
        .append(" shard ")
        .append(std::to_string(shard_.index))
        .append("/");
    return s.append(std::to_string(shard_.count));
}

bool SweepOutput::apply_line(std::string_view line, std::vector<std::string>& reasons) {
    Words words(line.substr(1));
    if (line.starts_with('R')) {
        if (words.number() != reasons.size()) return false;
        reasons.emplace_back(words.rest());
        return words.good();
    }
    if (!line.starts_with('B')) return false;
    const std::uint64_t block = words.number();
    const std::uint64_t bytes = words.number();
    SweepCounts counts;
    counts.points = words.number();
    counts.rows = words.number();
    counts.filtered = words.list();
    counts.constrained = words.list();
    const std::vector<std::uint64_t> infeasible = words.list();   // pairs of reason and points
    const std::vector<std::uint64_t> candidates = words.list();
    if (!words.good() || block != blocks_done_ || infeasible.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < infeasible.size(); i += 2) {
        if (infeasible[i] >= reasons.size()) return false;
        counts.infeasible[reasons[infeasible[i]]] += infeasible[i + 1];
    }
    counts_.add(counts);
    candidates_.insert(candidates_.end(), candidates.begin(), candidates.end());
    bytes_ = bytes;
    ++blocks_done_;
    return true;
}

void SweepOutput::resume() {
    const std::string text = read_file(paths_.journal);
    std::size_t at = 0;
    bool first = true;
    bytes_ = header_.size();
    while (at < text.size()) {
        const std::size_t end = text.find('\n', at);
        if (end == std::string::npos) break;
        std::string_view line = std::string_view(text).substr(at, end - at);
        if (!unseal(line)) break;
        if (first && line != journal_head()) {
            throw InputError({paths_.journal}, {},
                             "belongs to a sweep of another grid, data, program version or shard",
                             "--restart begins anew");
        }
        if (!first && !apply_line(line, reasons_)) break;
        first = false;
        at = end + 1;
    }
    std::error_code ec;
    const auto size = std::filesystem::file_size(paths_.part, ec);
    if (!first && (ec || size < bytes_)) {
        throw InputError({paths_.part}, {}, "is shorter than its journal says", "--restart begins anew");
    }
    journal_.truncate(at);   // whatever follows was being written
    if (first) {
        part_.truncate(0);
        part_.write(header_);
        journal_.write(sealed(journal_head()));
    } else {
        part_.truncate(bytes_);
    }
    hash_part(bytes_);
}

void SweepOutput::hash_part(std::uint64_t bytes) {
    read_file_blocks(paths_.part, [&](std::string_view block) {
        content_.add(block);
        bytes -= std::min<std::uint64_t>(bytes, block.size());
    });
    if (bytes > 0) throw SystemError(std::string(paths_.part).append(": cannot read"));
}

void SweepOutput::append(const BlockResult& result) {
    part_.write(result.bytes);
    bytes_ += result.bytes.size();
    content_.add(result.bytes);
    counts_.add(result.counts);
    if (!journalled_) {
        ++blocks_done_;
        return;
    }
    std::string lines;
    std::vector<std::uint64_t> infeasible;
    for (const auto& [reason, points] : result.counts.infeasible) {
        const auto at = std::find(reasons_.begin(), reasons_.end(), reason);
        const auto id = static_cast<std::uint64_t>(at - reasons_.begin());
        if (at == reasons_.end()) {
            lines.append(sealed(std::string("R").append(std::to_string(id)).append(" ").append(reason)));
            reasons_.push_back(reason);
        }
        infeasible.push_back(id);
        infeasible.push_back(points);
    }
    std::vector<std::uint64_t> candidates;
    for (const FrontierMember& member : result.candidates) candidates.push_back(member.point);
    std::string line("B");
    line.append(std::to_string(blocks_done_)).append(" ").append(std::to_string(bytes_));
    line.append(" ").append(std::to_string(result.counts.points));
    line.append(" ").append(std::to_string(result.counts.rows));
    line.append(" ")
        .append(numbers(result.counts.filtered))
        .append(" ")
        .append(numbers(result.counts.constrained));
    line.append(" ").append(numbers(infeasible)).append(" ").append(numbers(candidates));
    journal_.write(lines.append(sealed(std::move(line))));
    ++blocks_done_;
}

void SweepOutput::discard() {
    std::error_code ec;
    if (!journalled_) return;
    std::filesystem::remove(paths_.part, ec);
    std::filesystem::remove(paths_.journal, ec);
}

void SweepOutput::finish(Manifest manifest, const std::string& frontier) {
    if (manifest.frontier_only) {
        const std::string stored = identity_.format.ends_with(".gz") ? gzip_member(frontier) : frontier;
        part_.write(stored);
        bytes_ += stored.size();
        content_.add(stored);
    } else if (journalled_ && !manifest.objectives.empty()) {
        write_file(paths_.frontier, frontier);
    }
    if (!journalled_) return;
    part_.flush();
    manifest.header_bytes = header_.size();
    manifest.bytes = bytes_;
    manifest.content = content_.text();
    write_file(paths_.manifest, manifest_json(manifest));
    std::error_code ec;
    std::filesystem::rename(paths_.part, paths_.rows, ec);
    if (ec) throw SystemError(std::string(paths_.rows).append(": ").append(ec.message()));
    std::filesystem::remove(paths_.journal, ec);
}

}   // namespace moecost
