// SPDX-License-Identifier: Apache-2.0
// A whole sweep: blocks of points evaluated by many threads (or ranks) and written in their order. The files depend on
// the grid, the data and the program alone, not on who evaluated what.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "moecost/sweep/output.h"

namespace moecost {

struct SweepProgress {
    std::uint64_t points = 0;          // done, of this run and of those before it
    std::uint64_t all_points = 0;      // of the shard
    std::uint64_t points_before = 0;   // done before this run
    double seconds = 0;                // of this run
};

struct SweepOptions {
    std::string output;
    RowStyle style;
    unsigned threads = 1;
    Shard shard;
    StartMode start = StartMode::fresh;
    std::string version;
    const std::atomic<bool>* stop = nullptr;                // set: stop after the blocks in work
    std::function<void(const SweepProgress&)> progress{};   // called at most ten times a second
};

struct SweepSummary {
    Manifest manifest;
    std::vector<std::string> files;
    bool complete = false;              // false: stopped, --resume goes on
    std::uint64_t points_dropped = 0;   // of an earlier run, whose rows were damaged: computed again
    unsigned threads = 1;               // that ran
    SweepProgress progress;
};

/// Hands out blocks and takes their results; any number of threads may call claim() and accept().
class Sweep {
  public:
    /// Opens the output, reads back what an earlier run left. InputError, SystemError as for SweepOutput.
    Sweep(const DataStore& data, const Grid& grid, SweepOptions options);

    [[nodiscard]] BlockWorker worker() const { return {grid_, prototypes_, options_.style}; }
    /// The next block, or nothing when none is left or the sweep stops. Waits while too many blocks are ahead of the
    /// slowest one: what a kill loses is bounded by that window of 16 blocks (or two for each thread).
    [[nodiscard]] std::optional<std::uint64_t> claim();
    /// The same without waiting: nothing when none can be had now.
    [[nodiscard]] std::optional<std::uint64_t> try_claim();
    [[nodiscard]] bool all_claimed();
    /// Writes the result when all before it are written, else keeps it until they are.
    void accept(BlockResult&& result);
    /// Makes claim() end everywhere: some thread failed.
    void abandon();
    /// After a failure: a sweep that has no block yet leaves nothing behind.
    void withdraw();
    [[nodiscard]] bool stopped() const { return abandoned_ || (options_.stop != nullptr && *options_.stop); }
    /// After all blocks: frontier, manifest, final names. Not complete when blocks are missing. InputError when the
    /// filters of a whole grid leave no point: nothing stays on disk then.
    [[nodiscard]] SweepSummary finish();

  private:
    void restore_frontier();
    void check_counts(const Manifest& m) const;
    void write_final(const Manifest& m);
    [[nodiscard]] std::optional<std::uint64_t> take();
    [[nodiscard]] Manifest manifest() const;
    void report(bool always);
    [[nodiscard]] SweepProgress progress() const;

    const Grid& grid_;
    SweepOptions options_;
    Prototypes prototypes_;
    SweepIdentity identity_;
    std::uint64_t first_;
    std::uint64_t end_;
    SweepOutput output_;
    Frontier frontier_;
    std::mutex mutex_;
    std::condition_variable written_more_;
    std::atomic<bool> abandoned_{false};
    std::uint64_t next_;      // to hand out
    std::uint64_t written_;   // all below are written
    std::uint64_t window_;
    std::map<std::uint64_t, BlockResult> waiting_;
    std::uint64_t points_before_ = 0;
    std::uint64_t points_dropped_ = 0;
    std::chrono::steady_clock::time_point start_;
    std::chrono::steady_clock::time_point reported_;
};

/// Runs a sweep on the threads of this machine.
[[nodiscard]] SweepSummary run_sweep(const DataStore& data, const Grid& grid, const SweepOptions& options);

/// What a repeated --resume finds: the manifest of a finished output of the same inputs, or why a finished output
/// does not count (its rows or frontier are not what its manifest says), or neither.
struct FinishedOutput {
    std::optional<Manifest> manifest;
    std::string problem;
};
/// InputError where the output holds another shard of the same sweep, finished: each has an output of its own.
void refuse_other_shard(const DataStore& data, const Grid& grid, const SweepOptions& options);
/// Also removes a journal that a kill at the last instant left.
[[nodiscard]] FinishedOutput finished_output(const DataStore& data, const Grid& grid,
                                             const SweepOptions& options);

}   // namespace moecost
