// SPDX-License-Identifier: Apache-2.0
// Files of traces, plain or gzip, of any size: as a traffic, and request by request for the event simulation.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "moecost/base/gzip.h"
#include "moecost/traffic/trace.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

/// Reads a trace once, in memory that does not grow with it. Errors as TraceReader.
[[nodiscard]] TraceSummary summarise_trace(const std::string& path);

/// The traffic of a trace: mean lengths and how they spread (256 lengths of each, a sample of pairs), prefix reuse by its
/// block hashes; at its own rate and burstiness where it has times, else the load is left alone. InputError: a table of
/// lengths that has no outputs.
[[nodiscard]] Traffic traffic_of(const TraceSummary& summary, const std::string& path);

/// The requests of a file one after another, read as they are asked for. `cached`: prompt tokens whose blocks a cache of
/// `cache_blocks` blocks (0: unlimited) still holds; `hit_rate` of each prompt where the trace has no block hashes.
class TraceFile {
  public:
    struct Options {
        double block_tokens = 512;
        std::size_t cache_blocks = 0;
        double hit_rate = 0;
        double speed = 1;         // 2 plays the trace in half the time
        std::size_t one_of = 1;   // every that many-th request: the part of one of so many instances
    };
    TraceFile(const std::string& path, const Options& options);
    /// False at the end. InputError: a request without a time.
    [[nodiscard]] bool next(TracedRequest& request);

  private:
    void take(const TraceRow& row);
    std::string path_;
    Options options_;
    TextFile file_;
    PrefixCache cache_;
    std::deque<TracedRequest> ready_;
    std::size_t seen_ = 0;
    bool ended_ = false;
    TraceReader reader_;
};

}   // namespace moecost
