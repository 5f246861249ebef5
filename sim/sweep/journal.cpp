// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/journal.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "moecost/base/content_hash.h"

namespace moecost {
namespace {

constexpr std::size_t seal_size = 17;                         // a blank and sixteen digits
constexpr std::size_t lines_at_once = std::size_t{1} << 14;   // without a thread of its own

std::string numbers(const std::vector<std::uint64_t>& list) {
    std::string s(" ");
    s.append(std::to_string(list.size()));
    for (const std::uint64_t n : list) s.append(" ").append(std::to_string(n));
    return s;
}

/// Reads whole numbers from a line, one after another.
class Words {
  public:
    explicit Words(std::string_view text) : rest_(text) {}
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    std::uint64_t number() {
        std::uint64_t value = 0;
        if (rest_.starts_with(' ')) rest_.remove_prefix(1);
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

std::string journal_head(const SweepIdentity& identity, const Shard& shard) {
    std::string s("moecost-sweep-journal 2 grid ");
    s.append(identity.grid).append(" data ").append(identity.data);
    s.append(" version ").append(identity.version).append(" format ").append(identity.format);
    s.append(" shard ").append(std::to_string(shard.index)).append("/");
    return s.append(std::to_string(shard.count));
}

std::string sealed(std::string line) {
    ContentHash hash;
    hash.add(line);
    return line.append(" ").append(hash.text()).append("\n");
}

bool unseal(std::string_view& line) {
    if (line.size() < seal_size) return false;
    ContentHash hash;
    hash.add(line.substr(0, line.size() - seal_size));
    if (line.substr(line.size() - seal_size + 1) != hash.text()) return false;
    line.remove_suffix(seal_size);
    return true;
}

std::string JournalText::write(const JournalBlock& block) {
    std::string lines;
    std::vector<std::uint64_t> infeasible;   // pairs of reason and points
    for (const auto& [reason, points] : block.counts.infeasible) {
        const auto at = std::find(reasons_.begin(), reasons_.end(), reason);
        const auto id = static_cast<std::uint64_t>(at - reasons_.begin());
        if (at == reasons_.end()) {
            lines.append(sealed(std::string("R").append(std::to_string(id)).append(" ").append(reason)));
            reasons_.push_back(reason);
        }
        infeasible.push_back(id);
        infeasible.push_back(points);
    }
    std::string line("B");
    line.append(std::to_string(block.block));
    for (const std::uint64_t n : {block.end, block.content, block.counts.points, block.counts.rows})
        line.append(" ").append(std::to_string(n));
    line.append(numbers(block.counts.filtered)).append(numbers(block.counts.constrained));
    line.append(numbers(infeasible)).append(numbers(block.candidates));
    return lines.append(sealed(std::move(line)));
}

JournalText::Line JournalText::read(std::string_view line, JournalBlock& block) {
    if (line.empty()) return Line::broken;
    Words words(line.substr(1));
    if (line.starts_with('R')) {
        if (words.number() != reasons_.size() || !words.good()) return Line::broken;
        reasons_.emplace_back(words.rest());
        return Line::reason;
    }
    if (!line.starts_with('B')) return Line::broken;
    block = {};
    block.block = words.number();
    block.end = words.number();
    block.content = words.number();
    block.counts.points = words.number();
    block.counts.rows = words.number();
    block.counts.filtered = words.list();
    block.counts.constrained = words.list();
    const std::vector<std::uint64_t> infeasible = words.list();
    block.candidates = words.list();
    if (!words.good() || !words.at_end() || infeasible.size() % 2 != 0) return Line::broken;
    for (std::size_t i = 0; i < infeasible.size(); i += 2) {
        if (infeasible[i] >= reasons_.size()) return Line::broken;
        block.counts.infeasible[reasons_[infeasible[i]]] += infeasible[i + 1];
    }
    return Line::block;
}

DurableJournal::DurableJournal(OutputFile& rows, OutputFile& journal) : rows_(rows), journal_(journal) {
    try {
        thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {
        return;   // no thread can be had: add() writes
    }
}

DurableJournal::~DurableJournal() {
    try {
        drain();
    } catch (const std::exception&) {   // told by an earlier call, or the sweep has failed for another reason
    }
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void DurableJournal::write(const std::string& lines) {
    rows_.flush();
    journal_.write(lines);
}

void DurableJournal::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ends_ || (!waiting_.empty() && !failure_); });
        if (ends_) return;
        const std::string lines = std::exchange(waiting_, {});
        writing_ = true;
        lock.unlock();
        std::exception_ptr failure;
        try {
            write(lines);
        } catch (const std::exception&) {
            failure = std::current_exception();
        }
        lock.lock();
        writing_ = false;
        failure_ = failure;
        changed_.notify_all();
    }
}

void DurableJournal::add(std::string_view lines) {
    std::unique_lock lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    waiting_.append(lines);
    if (thread_.joinable())
        changed_.notify_all();
    else if (waiting_.size() > lines_at_once)
        write(std::exchange(waiting_, {}));
}

void DurableJournal::drain() {
    std::unique_lock lock(mutex_);
    if (thread_.joinable())
        changed_.wait(lock, [this] { return failure_ || (waiting_.empty() && !writing_); });
    else
        write(std::exchange(waiting_, {}));
    if (failure_) std::rethrow_exception(failure_);
}

}   // namespace moecost
