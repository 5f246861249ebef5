// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/trace_file.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

constexpr int length_points = 256;

}   // namespace

TraceSummary summarise_trace(const std::string& path) {
    TraceStatistics statistics;
    TraceReader reader(path, [&](const TraceRow& row) { statistics.add(row); });
    read_text_blocks(path, [&](std::string_view block) { reader.feed(block); });
    reader.finish();
    return statistics.summary();
}

Traffic traffic_of(const TraceSummary& s, const std::string& path) {
    if (s.lengths.joint.empty())
        throw InputError({path}, {}, "has no output lengths",
                         "a trace of requests has both lengths in each row");
    Traffic t;
    t.name = path.substr(path.rfind('/') + 1);
    t.input = s.input_mean;
    t.output = s.output_mean;
    t.prefix_hit_rate = std::min(s.prefix_hit_rate, 0.999);
    Lengths shape{condensed(std::get<EmpiricalLength>(s.lengths.input), length_points),
                  condensed(std::get<EmpiricalLength>(s.lengths.output), length_points), s.lengths.joint};
    t.spread_as(std::make_shared<const Lengths>(std::move(shape)));
    if (s.reuse.known()) t.reuse = std::make_shared<const ReuseCurve>(s.reuse);
    if (s.rate > 0) t.load = OpenLoop{s.rate, std::max(s.gap_cv2, 0.0)};
    return t;
}

TraceFile::TraceFile(const std::string& path, const Options& options)
    : path_(path),
      options_(options),
      file_(path),
      cache_(options.cache_blocks),
      reader_(path, [this](const TraceRow& row) { take(row); }) {}

void TraceFile::take(const TraceRow& row) {
    if (seen_++ % options_.one_of != 0) return;
    if (!row.timed) {
        throw InputError({path_}, "timestamp", "requests have no times: they cannot be replayed",
                         "--traffic FILE takes lengths alone, --rate or --concurrency the load");
    }
    double cached = std::floor(options_.hit_rate * row.input);
    if (!row.blocks.empty())
        cached = std::min(options_.block_tokens * static_cast<double>(cache_.hit(row.blocks)), row.input);
    ready_.push_back({row.arrival_s / options_.speed, row.input, row.output, cached});
}

bool TraceFile::next(TracedRequest& request) {
    while (ready_.empty() && !ended_) {
        const std::string_view block = file_.next();
        ended_ = block.empty();
        ended_ ? reader_.finish() : reader_.feed(block);
    }
    if (ready_.empty()) return false;
    request = ready_.front();
    ready_.pop_front();
    return true;
}

}   // namespace moecost
