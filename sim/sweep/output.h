// SPDX-License-Identifier: Apache-2.0
// The rows of a sweep on their way to disk: a part file that grows in the order of the blocks, and a journal of the
// blocks that are complete in it. A killed sweep goes on where the journal ends; the final name appears at the end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "moecost/base/content_hash.h"
#include "moecost/base/file.h"
#include "moecost/sweep/block.h"
#include "moecost/sweep/journal.h"
#include "moecost/sweep/manifest.h"

namespace moecost {

enum class StartMode {
    fresh,    // InputError when an unfinished sweep is in the way
    resume,   // goes on with an unfinished sweep of the same inputs, else starts
    restart   // throws an unfinished sweep away
};

class SweepOutput {
  public:
    SweepOutput(const std::string& path, const SweepIdentity& identity, const Shard& shard,
                std::string header, StartMode mode);

    /// Blocks that are complete on disk, counted from the first of the shard; their counts and frontier candidates.
    [[nodiscard]] std::uint64_t blocks_done() const { return blocks_done_; }
    /// Blocks of the journal whose rows are not what it says: they are dropped, with all that follow.
    [[nodiscard]] std::uint64_t blocks_dropped() const { return blocks_dropped_; }
    [[nodiscard]] const SweepCounts& counts() const { return counts_; }
    [[nodiscard]] const std::vector<std::uint64_t>& candidates() const { return candidates_; }
    void append(const BlockResult& result);
    /// Brings everything so far to the disk, for a sweep that stops.
    void drain();
    /// Gives rows, frontier and manifest their final names. `frontier` is a whole file, or the rows of this one where
    /// only the frontier is wanted. Sizes and fingerprints of the manifest are filled in here.
    void finish(Manifest manifest, const std::string& frontier);
    /// Leaves nothing behind.
    void discard();
    [[nodiscard]] const OutputPaths& paths() const { return paths_; }
    /// False for devices and pipes: rows alone are written, nothing can be resumed.
    [[nodiscard]] bool has_journal() const { return journalled_; }

  private:
    void start();
    void resume();
    [[nodiscard]] std::uint64_t read_journal();
    [[nodiscard]] bool take_line(InputFile& part, std::string_view line);
    [[nodiscard]] bool take_back(InputFile& part, const JournalBlock& block);
    [[nodiscard]] bool same_content(InputFile& part, std::uint64_t bytes, std::uint64_t content);

    OutputPaths paths_;
    SweepIdentity identity_;
    Shard shard_;
    std::string header_;
    bool journalled_ = true;
    bool head_read_ = false;   // of the journal, at a resume
    OutputFile part_;
    OutputFile journal_;
    std::uint64_t bytes_ = 0;
    std::uint64_t blocks_done_ = 0;
    std::uint64_t blocks_dropped_ = 0;
    SweepCounts counts_;
    JournalText text_;
    std::vector<std::uint64_t> candidates_;   // read back at a resume
    ContentHash content_;
    std::unique_ptr<DurableJournal> lines_;   // above the files it writes to: gone before them
};

}   // namespace moecost
