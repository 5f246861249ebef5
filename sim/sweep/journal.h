// SPDX-License-Identifier: Apache-2.0
// The journal of an unfinished sweep: for each block that is complete in the part file one line, with the fingerprint
// of its rows. A line ends in the fingerprint of itself and is written when the rows are on the disk, so that neither
// a killed program nor a crashed machine leaves a line that promises more than there is.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "moecost/base/file.h"
#include "moecost/sweep/block.h"
#include "moecost/sweep/manifest.h"

namespace moecost {

/// What the journal keeps of a block.
struct JournalBlock {
    std::uint64_t block = 0;     // counted from the first of the shard
    std::uint64_t end = 0;       // bytes of the part file, this block included
    std::uint64_t content = 0;   // fingerprint of its rows, as stored
    SweepCounts counts;
    std::vector<std::uint64_t> candidates;
};

/// The first line, which says whose journal it is.
[[nodiscard]] std::string journal_head(const SweepIdentity& identity, const Shard& shard);

/// A line with its fingerprint and its end; and a line without them, false when it does not match its fingerprint.
[[nodiscard]] std::string sealed(std::string line);
[[nodiscard]] bool unseal(std::string_view& line);

/// Blocks as lines and back. Reasons of infeasible points are lines of their own, numbered as they first appear.
class JournalText {
  public:
    /// Sealed lines.
    [[nodiscard]] std::string write(const JournalBlock& block);
    enum class Line { reason, block, broken };
    /// One line without its seal; a block goes to `block`.
    [[nodiscard]] Line read(std::string_view line, JournalBlock& block);

  private:
    std::vector<std::string> reasons_;
};

/// Writes lines to the journal once the rows before them are on the disk, beside the work: a thread of its own, where
/// one can be had. Errors of that thread are thrown by the next call.
class DurableJournal {
  public:
    /// Both files must outlive it.
    DurableJournal(OutputFile& rows, OutputFile& journal);
    DurableJournal(const DurableJournal&) = delete;
    DurableJournal& operator=(const DurableJournal&) = delete;
    ~DurableJournal();   // what was added is written as far as that is possible
    void add(std::string_view lines);
    /// Everything that was added, and all rows, are on the disk afterwards.
    void drain();

  private:
    void work();
    void write(const std::string& lines);

    OutputFile& rows_;
    OutputFile& journal_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string waiting_;
    bool writing_ = false;
    bool ends_ = false;
    std::exception_ptr failure_;
    std::thread thread_;
};

}   // namespace moecost
