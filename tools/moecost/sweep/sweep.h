// SPDX-License-Identifier: Apache-2.0
// What the commands `sweep` and `merge` share, and the ways a sweep can run.
#pragma once

#include <atomic>

#include "command.h"
#include "moecost/sweep/sweep.h"

namespace moecost::cli {

/// Points, rows and why the others are none, as lines for people.
[[nodiscard]] std::string sweep_report(const Manifest& manifest, const std::vector<std::string>& files);

/// InputError for a --format that the ending of -o decides.
void refuse_format_beside_output(const Invocation& invocation);

/// From now on SIGINT and SIGTERM ask the work to stop: it is set when one came.
const std::atomic<bool>& stop_on_signals();
/// The exit status after such a signal.
[[nodiscard]] int stopped_status();

/// A commented grid that runs as it stands.
[[nodiscard]] std::string_view example_grid();

/// The ranks of mpirun while it lives. Rank 0 hands out blocks and writes; the others evaluate. InputError in a build
/// without MPI.
class Ranks {
  public:
    Ranks();
    ~Ranks();   // rank 0 tells the others to end
    Ranks(const Ranks&) = delete;
    Ranks& operator=(const Ranks&) = delete;

    [[nodiscard]] bool is_first() const { return rank_ == 0; }
    /// Rank 0: the whole sweep. Alone, it evaluates as well.
    [[nodiscard]] SweepSummary coordinate(const DataStore& data, const Grid& grid,
                                          const SweepOptions& options);
    /// The other ranks: evaluates what rank 0 sends until it says stop.
    void evaluate_blocks(const DataStore& data, const Grid& grid, const RowStyle& style);

  private:
    int rank_ = 0;
    int count_ = 1;
};

/// moecost sweep --tornado SCENARIO.toml
[[nodiscard]] Answer run_tornado(const Invocation& invocation);

}   // namespace moecost::cli
