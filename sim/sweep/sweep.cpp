// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/sweep.h"

#include <algorithm>
#include <exception>
#include <filesystem>

#include "moecost/base/format.h"
#include "moecost/base/gzip.h"
#include "moecost/base/parallel.h"

namespace moecost {
namespace {

constexpr std::uint64_t least_window = 16;
constexpr std::size_t max_frontier = 250'000;   // its manifest stays below the limit of JSON
constexpr auto report_interval = std::chrono::milliseconds(100);

std::string stored_header(const Grid& grid, const RowStyle& style) {
    std::string header = header_row(grid, style);
    return style.gzip && !header.empty() ? gzip_member(header) : header;
}

std::vector<Tally> tallies(const std::vector<Expression>& conditions,
                           const std::vector<std::uint64_t>& points) {
    std::vector<Tally> result;
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        result.push_back({conditions[i].text, i < points.size() ? points[i] : 0});
    }
    return result;
}

/// The most frequent first; equal ones by name.
std::vector<Tally> tallies(const std::map<std::string, std::uint64_t, std::less<>>& reasons) {
    std::vector<Tally> result;
    for (const auto& [reason, points] : reasons) result.push_back({reason, points});
    std::stable_sort(result.begin(), result.end(),
                     [](const Tally& a, const Tally& b) { return a.points > b.points; });
    return result;
}

std::uint64_t points_in(const Grid& grid, std::uint64_t first, std::uint64_t end) {
    return std::min(end * block_points, grid.points) - std::min(first * block_points, grid.points);
}

SweepOptions completed(SweepOptions options, const Grid& grid) {
    options.style.keep_infeasible = options.style.keep_infeasible || grid.keep_infeasible;
    return options;
}

/// Filters that exclude each other are a mistake, not an empty answer.
void check_not_empty(const Grid& grid, const Manifest& m) {
    std::uint64_t filtered = 0;
    const Tally* most = nullptr;
    for (const Tally& t : m.filtered) {
        filtered += t.points;
        if (most == nullptr || t.points > most->points) most = &t;
    }
    if (most == nullptr || filtered < m.points || m.points == 0) return;
    std::string message("no point passes: '");
    message.append(most->what).append("' refuses ");
    message.append(grouped(static_cast<long long>(most->points))).append(" of ");
    throw InputError({grid.file}, "filter", message.append(grouped(static_cast<long long>(m.points))),
                     "filters that exclude each other, or axes without a value that fits");
}

}   // namespace

Sweep::Sweep(const DataStore& data, const Grid& grid, SweepOptions options)
    : grid_(grid),
      options_(completed(std::move(options), grid)),
      prototypes_(data, grid),
      identity_(identity_of(data, grid, options_.style, options_.version)),
      first_(first_block(options_.shard, block_count(grid))),
      end_(end_block(options_.shard, block_count(grid))),
      output_(options_.output, identity_, options_.shard, stored_header(grid, options_.style),
              options_.start),
      frontier_(grid.objectives.size()),
      start_(std::chrono::steady_clock::now()),
      reported_(start_) {
    next_ = written_ = first_ + output_.blocks_done();
    window_ = std::max<std::uint64_t>(least_window, 2 * options_.threads);
    points_before_ = points_in(grid, first_, next_);
    points_dropped_ = points_in(grid, next_, std::min(end_, next_ + output_.blocks_dropped()));
    restore_frontier();
}

void Sweep::restore_frontier() {
    if (grid_.objectives.empty() || output_.candidates().empty()) return;
    BlockWorker w = worker();
    for (const std::uint64_t point : output_.candidates()) frontier_.offer(w.member(point));
}

std::optional<std::uint64_t> Sweep::take() {
    if (stopped() || next_ >= end_ || next_ >= written_ + window_) return std::nullopt;
    return next_++;
}

std::optional<std::uint64_t> Sweep::claim() {
    std::unique_lock lock(mutex_);
    written_more_.wait(lock, [this] { return stopped() || next_ >= end_ || next_ < written_ + window_; });
    return take();
}

std::optional<std::uint64_t> Sweep::try_claim() {
    const std::lock_guard lock(mutex_);
    return take();
}

bool Sweep::all_claimed() {
    const std::lock_guard lock(mutex_);
    return next_ >= end_;
}

void Sweep::accept(BlockResult&& result) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(result.block, std::move(result));
    while (!waiting_.empty() && waiting_.begin()->first == written_ && !abandoned_) {
        const BlockResult& next = waiting_.begin()->second;
        output_.append(next);
        for (const FrontierMember& member : next.candidates) frontier_.offer(member);
        if (frontier_.size() > max_frontier) {
            throw InputError({grid_.file}, "frontier", "has more than 250,000 members",
                             "fewer objectives, or constraints that leave less");
        }
        waiting_.erase(waiting_.begin());
        ++written_;
    }
    written_more_.notify_all();
    report(false);
}

void Sweep::abandon() {
    abandoned_ = true;
    const std::lock_guard lock(mutex_);
    written_more_.notify_all();
}

void Sweep::withdraw() {
    if (written_ == first_) output_.discard();
}

SweepProgress Sweep::progress() const {
    SweepProgress p;
    p.all_points = points_in(grid_, first_, end_);
    p.points_before = points_before_;
    p.points = points_in(grid_, first_, written_);
    p.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return p;
}

void Sweep::report(bool always) {
    const auto now = std::chrono::steady_clock::now();
    if (!options_.progress || (!always && now - reported_ < report_interval)) return;
    reported_ = now;
    options_.progress(progress());
}

Manifest Sweep::manifest() const {
    Manifest m;
    m.identity = identity_;
    m.grid_points = grid_.points;
    m.shard = options_.shard;
    m.points = output_.counts().points;
    m.rows = output_.counts().rows;
    m.filtered = tallies(grid_.filters, output_.counts().filtered);
    m.constrained = tallies(grid_.constraints, output_.counts().constrained);
    m.infeasible = tallies(output_.counts().infeasible);
    m.frontier_only = options_.style.no_rows;
    for (const Objective& o : grid_.objectives) {
        std::string text = o.maximise ? "maximise " : "minimise ";
        m.objectives.push_back(text.append(grid_.variables[o.variable].name));
    }
    if (!m.objectives.empty()) m.frontier = frontier_.sorted();
    return m;
}

/// What counts of the journal and of this run say must be what the grid is.
void Sweep::check_counts(const Manifest& m) const {
    const std::uint64_t expected = points_in(grid_, first_, end_);
    if (m.points == expected) return;
    std::string message(options_.output);
    message.append(": holds ")
        .append(grouped(static_cast<long long>(m.points)))
        .append(" points where the grid has ");
    throw SystemError(
        message.append(grouped(static_cast<long long>(expected))).append("; --restart begins anew"));
}

void Sweep::write_final(const Manifest& m) {
    check_counts(m);
    try {
        if (options_.shard.count == 1) check_not_empty(grid_, m);
    } catch (const InputError&) {
        output_.discard();
        throw;
    }
    std::string frontier = options_.style.no_rows ? "" : header_row(grid_, options_.style);
    BlockWorker w = worker();
    for (const FrontierMember& member : m.frontier) frontier.append(w.row(member.point));
    output_.finish(m, frontier);
}

SweepSummary Sweep::finish() {
    SweepSummary summary;
    summary.manifest = manifest();
    summary.complete = written_ == end_;
    summary.points_dropped = points_dropped_;
    report(true);
    if (summary.complete)
        write_final(summary.manifest);
    else
        output_.drain();
    const OutputPaths& paths = output_.paths();
    summary.files.push_back(summary.complete ? paths.rows : paths.part);
    const bool own_file = !grid_.objectives.empty() && !options_.style.no_rows;
    if (summary.complete && output_.has_journal()) {
        if (own_file) summary.files.push_back(paths.frontier);
        summary.files.push_back(paths.manifest);
    }
    summary.progress = progress();
    return summary;
}

SweepSummary run_sweep(const DataStore& data, const Grid& grid, const SweepOptions& options) {
    Sweep sweep(data, grid, options);
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&] {
        try {
            BlockWorker worker = sweep.worker();
            while (const auto block = sweep.claim()) {
                BlockResult result;
                worker.run(*block, result);
                sweep.accept(std::move(result));
            }
        } catch (...) {
            const std::lock_guard lock(failure_mutex);
            if (!failure) failure = std::current_exception();
            sweep.abandon();
        }
    };
    const unsigned threads = run_on_threads(options.threads, work);
    if (failure) {
        sweep.withdraw();
        std::rethrow_exception(failure);
    }
    SweepSummary summary = sweep.finish();
    summary.threads = threads;
    return summary;
}

FinishedOutput finished_output(const DataStore& data, const Grid& grid, const SweepOptions& options) {
    const OutputPaths paths(options.output);
    std::error_code ec;
    const bool finished = std::filesystem::exists(paths.rows, ec) &&
                          std::filesystem::exists(paths.manifest, ec) &&
                          !std::filesystem::exists(paths.part, ec);   // else a later run began anew
    FinishedOutput found;
    if (!finished) return found;
    try {
        const Manifest m = read_manifest(paths.manifest);
        const RowStyle style = completed(options, grid).style;
        if (m.identity != identity_of(data, grid, style, options.version) || m.shard != options.shard) {
            found.problem = std::string(paths.rows)
                                .append(" holds the rows of another grid, shard, data or program version");
            return found;
        }
        const auto nothing = [](std::string_view) {};
        read_sealed(paths.rows, m.bytes, m.content, nothing);
        if (!m.frontier_content.empty())
            read_sealed(paths.frontier, m.frontier_bytes, m.frontier_content, nothing);
        remove_file(paths.journal);
        found.manifest = m;
    } catch (const InputError& e) {
        found.problem = e.what();
    }
    return found;
}

void refuse_other_shard(const DataStore& data, const Grid& grid, const SweepOptions& options) {
    const OutputPaths paths(options.output);
    std::error_code ec;
    if (options.shard.count < 2 || !std::filesystem::exists(paths.manifest, ec)) return;
    std::optional<Manifest> there;
    try {
        there = read_manifest(paths.manifest);
    } catch (const InputError&) {
        return;   // whatever it is, it is no shard
    }
    const RowStyle style = completed(options, grid).style;
    if (there->shard == options.shard || there->shard.count != options.shard.count ||
        there->identity != identity_of(data, grid, style, options.version))
        return;
    const auto name = [](const Shard& s) {
        return std::to_string(s.index).append("/").append(std::to_string(s.count));
    };
    throw InputError({"--output"}, {},
                     std::string(paths.rows).append(" holds shard ").append(name(there->shard)),
                     std::string("each shard has an output of its own, such as shard-")
                         .append(std::to_string(options.shard.index))
                         .append("-of-")
                         .append(std::to_string(options.shard.count))
                         .append(".csv"));
}

}   // namespace moecost
