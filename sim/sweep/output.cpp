// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/output.h"

#include <algorithm>
#include <filesystem>

#include "moecost/base/gzip.h"

namespace moecost {
namespace {

std::uint64_t content_of(std::string_view bytes) {
    ContentHash hash;
    hash.add(bytes);
    return hash.value();
}

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
    check_writable(paths_);
    journal_ = OutputFile(paths_.journal, true);
    journal_.lock();
    part_ = OutputFile(paths_.part, true);
    if (unfinished && mode == StartMode::resume)
        resume();
    else
        start();
    lines_ = std::make_unique<DurableJournal>(part_, journal_);
}

void SweepOutput::start() {
    journal_.truncate(0);
    part_.truncate(0);
    part_.write(header_);
    bytes_ = header_.size();
    content_.add(header_);
    journal_.write(sealed(journal_head(identity_, shard_)));
}

/// Reads rows back: into the fingerprint of the file where they are what the journal says, else false.
bool SweepOutput::same_content(InputFile& part, std::uint64_t bytes, std::uint64_t content) {
    constexpr std::uint64_t piece = 1 << 20;
    std::string buffer;
    ContentHash hash;
    ContentHash whole = content_;
    while (bytes > 0) {
        buffer.resize(std::min(piece, bytes));
        if (part.read(buffer) < buffer.size()) return false;
        hash.add(buffer);
        whole.add(buffer);
        bytes -= buffer.size();
    }
    if (hash.value() != content) return false;
    content_ = whole;
    return true;
}

bool SweepOutput::take_back(InputFile& part, const JournalBlock& block) {
    const bool next = block.block == blocks_done_ && block.end >= bytes_;
    if (!next || !same_content(part, block.end - bytes_, block.content)) return false;
    counts_.add(block.counts);
    candidates_.insert(candidates_.end(), block.candidates.begin(), block.candidates.end());
    bytes_ = block.end;
    ++blocks_done_;
    return true;
}

/// The line is part of what holds: its rows, if it has any, are what it says.
bool SweepOutput::take_line(InputFile& part, std::string_view line) {
    if (!head_read_) {
        head_read_ = true;
        if (line != journal_head(identity_, shard_)) {
            throw InputError({paths_.journal}, {},
                             "belongs to a sweep of another grid, data, program version or shard",
                             "--restart begins anew");
        }
        bytes_ = header_.size();
        return same_content(part, header_.size(), content_of(header_));
    }
    JournalBlock block;
    const JournalText::Line kind = text_.read(line, block);
    return kind == JournalText::Line::reason || (kind == JournalText::Line::block && take_back(part, block));
}

/// Bytes of the journal that hold. Rows follow one another: after a line that does not hold, all are dropped.
std::uint64_t SweepOutput::read_journal() {
    InputFile part(paths_.part);
    std::uint64_t good = 0;
    std::uint64_t read = 0;
    bool holds = true;
    LineSplitter lines(paths_.journal, [&](std::string_view line) {
        read += line.size() + 1;
        if (!unseal(line)) {
            holds = false;
            return;
        }
        holds = holds && take_line(part, line);
        if (holds)
            good = read;
        else if (line.starts_with('B'))
            ++blocks_dropped_;
    });
    read_file_blocks(paths_.journal, [&](std::string_view block) { lines.push(block); });
    return good;   // a line without its end is not there
}

void SweepOutput::resume() {
    const std::uint64_t good = read_journal();
    if (good == 0) {
        content_ = {};
        bytes_ = 0;
        start();
        return;
    }
    journal_.truncate(good);   // whatever follows was being written, or its rows are gone
    part_.truncate(bytes_);
}

void SweepOutput::append(const BlockResult& result) {
    part_.write(result.bytes);
    bytes_ += result.bytes.size();
    content_.add(result.bytes);
    counts_.add(result.counts);
    if (journalled_) {
        JournalBlock block{blocks_done_, bytes_, content_of(result.bytes), result.counts, {}};
        for (const FrontierMember& member : result.candidates) block.candidates.push_back(member.point);
        lines_->add(text_.write(block));
    }
    ++blocks_done_;
}

void SweepOutput::drain() {
    if (journalled_) lines_->drain();
}

void SweepOutput::discard() {
    if (!journalled_) return;
    lines_.reset();
    remove_file(paths_.part);
    remove_file(paths_.journal);
}

void SweepOutput::finish(Manifest manifest, const std::string& frontier) {
    const bool own_frontier = !manifest.frontier_only && !manifest.objectives.empty();
    drain();
    if (manifest.frontier_only) {
        const std::string stored = identity_.format.ends_with(".gz") ? gzip_member(frontier) : frontier;
        part_.write(stored);
        bytes_ += stored.size();
        content_.add(stored);
    }
    if (!journalled_) return;
    part_.flush();
    manifest.header_bytes = header_.size();
    manifest.bytes = bytes_;
    manifest.content = content_.text();
    if (own_frontier) {
        manifest.frontier_bytes = frontier.size();
        manifest.frontier_content = hexadecimal(content_of(frontier));
        write_file(paths_.frontier, frontier);
    }
    write_file(paths_.manifest, manifest_json(manifest));
    rename_file(paths_.part, paths_.rows);
    remove_file(paths_.journal);
}

}   // namespace moecost
