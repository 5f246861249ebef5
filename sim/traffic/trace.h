// SPDX-License-Identifier: Apache-2.0
// Traces of requests: read in blocks of text, one row at a time, and summed up in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/error.h"
#include "moecost/traffic/lengths.h"
#include "moecost/traffic/load.h"
#include "moecost/traffic/prefix_cache.h"
#include "moecost/traffic/reuse.h"

namespace moecost {

/// A path that ends in .csv, .jsonl, .ndjson or one of these and .gz.
[[nodiscard]] bool is_trace_path(std::string_view path);

/// One row. Traces without times have `timed` false; `weight` requests are like it (length tables).
struct TraceRow {
    double arrival_s = 0;   // since the first row
    double input = 1, output = 1;
    bool timed = true;
    bool has_output = true;
    double weight = 1;
    std::vector<std::uint64_t> blocks{};   // hashes of the prompt's blocks, where the trace has them
};

/// Reads what it is fed, in pieces of any size. The first line tells the format:
///   CSV with a header    Azure LLM inference traces (TIMESTAMP,ContextTokens,GeneratedTokens), Vidur length tables, BurstGPT,
///                        or any with an input and an output column, with or without a time; length tables of ServeGen
///                        (tokens,probability: input lengths alone)
///   JSON lines           Mooncake (timestamp in ms, input_length, output_length, hash_ids), AIPerf profile exports, or
///                        objects with the names of the CSV columns
/// Times are seconds, or by the ending of their name _ms, _us, _ns, or dates 2023-11-16 18:17:03.97; they must ascend.
/// Lengths are at least one token. InputError names the line, what was found and what is allowed.
class TraceReader {
  public:
    TraceReader(std::string file, std::function<void(const TraceRow&)> sink);
    void feed(std::string_view text);
    /// The last line may lack its end.
    void finish();
    [[nodiscard]] double rows() const { return rows_; }

  private:
    enum class Format { unknown, csv, json };
    struct Column {
        int index = -1;
        double unit = 1;
    };
    void line(std::string_view text);
    void header(std::string_view text);
    void csv_row(std::string_view text);
    void json_row(std::string_view text);
    void emit(TraceRow row, double time);
    [[nodiscard]] double number(std::string_view field, std::string_view key, double low, double high) const;
    [[noreturn]] void fail(std::string_view key, std::string_view message, std::string hint = {}) const;

    std::string file_;
    std::function<void(const TraceRow&)> sink_;
    std::string rest_;
    Format format_ = Format::unknown;
    int line_ = 0;
    double rows_ = 0;
    Column time_, input_, output_, weight_;
    std::vector<std::string> names_;
    double first_time_ = 0, last_time_ = 0;
};

/// Seconds of a date `2023-11-16 18:17:03.9799600` (space or T between), of its own epoch; negative: it is none.
[[nodiscard]] double seconds_of_date(std::string_view text);

/// Counts of arrivals in windows of one length: sample variance over mean, 1 for Poisson.
class DispersionIndex {
  public:
    explicit DispersionIndex(double window_s) : window_(window_s) {}
    void arrival(double time_s);
    [[nodiscard]] double value() const;   // of complete windows; 0: fewer than two
    [[nodiscard]] double window_s() const { return window_; }

  private:
    double window_;
    double index_ = 0, count_ = 0;
    double windows_ = 0, sum_ = 0, squares_ = 0;
};

/// What a trace says about its traffic.
struct TraceSummary {
    double requests = 0;
    double duration_s = 0;
    double rate = 0;                      // requests/s; 0: no times
    double gap_cv2 = 0;                   // squared coefficient of variation of the gaps
    std::array<double, 3> dispersion{};   // index of dispersion in windows of 1, 10 and 60 s
    double input_mean = 0, input_sd = 0, input_max = 0;
    double output_mean = 0, output_sd = 0, output_max = 0;
    double correlation = 0;               // of input and output lengths (Pearson)
    double prefix_hit_rate = 0;           // of prompt tokens, by the trace's block hashes
    Lengths lengths;                      // empirical; joint: a sample of at most 16,384 requests
    ReuseCurve reuse;                     // by the block hashes; not known() without them
    std::vector<double> rate_over_time;   // requests/s in intervals of `interval_s`
    double interval_s = 60;
};

/// Sums up rows as they come, in memory that does not grow with the trace (but for the blocks of an unlimited cache).
class TraceStatistics {
  public:
    /// `block_tokens` of a block hash; `cache_blocks` the capacity of the prefix cache, 0: unlimited.
    explicit TraceStatistics(double block_tokens = 512, std::size_t cache_blocks = 0);
    /// Returns the prompt tokens found in the cache.
    double add(const TraceRow& row);
    [[nodiscard]] TraceSummary summary() const;

  private:
    void add_time(double time_s);
    void add_lengths(const TraceRow& row);
    double block_tokens_;
    PrefixCache cache_;
    ReuseCounter reuse_;
    LengthHistogram input_, output_;
    std::vector<LengthPair> sample_;
    Random random_{1};
    double requests_ = 0, timed_ = 0, first_ = 0, last_ = 0, gap_squares_ = 0;
    double pairs_ = 0, products_ = 0;
    double hit_tokens_ = 0, prompt_tokens_ = 0;
    std::array<DispersionIndex, 3> dispersion_;
    std::vector<double> counts_;
    double interval_ = 60;
};

}   // namespace moecost
