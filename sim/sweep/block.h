// SPDX-License-Identifier: Apache-2.0
// A block of consecutive points: the unit of work that threads, shards and MPI ranks share. Its rows, counts and
// frontier candidates depend on the grid and the block alone.
#pragma once

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moecost/base/frontier.h"
#include "moecost/sweep/cursor.h"

namespace moecost {

inline constexpr std::uint64_t block_points = 1024;

enum class RowFormat { csv, jsonl };

/// What happened to points. Each is exactly one of: a row, filtered, infeasible, outside a constraint.
struct SweepCounts {
    std::uint64_t points = 0;
    std::uint64_t rows = 0;                   // that can be served and hold the constraints
    std::vector<std::uint64_t> filtered;      // by the first filter that refused
    std::vector<std::uint64_t> constrained;   // by the first constraint that broke
    std::map<std::string, std::uint64_t, std::less<>> infeasible;   // by reason

    void add(const SweepCounts& other);
    bool operator==(const SweepCounts&) const = default;
};

struct BlockResult {
    std::uint64_t block = 0;
    std::string bytes;   // rows as the file holds them
    SweepCounts counts;
    std::vector<FrontierMember> candidates;   // members of the frontier, as far as this worker knows
};

/// How rows look in the file.
struct RowStyle {
    RowFormat format = RowFormat::csv;
    bool gzip = false;
    bool keep_infeasible = false;   // points that give no result are rows too, with the reason
    bool no_rows = false;           // only the frontier is wanted
};

/// Characters that grow: rows are many small pieces, for which the checks of std::string cost more than the copy.
class RowBuffer {
  public:
    void clear() { size_ = 0; }
    [[nodiscard]] std::string_view text() const { return {data_.get(), size_}; }
    void append(std::string_view piece) {
        if (size_ + piece.size() > capacity_) grow(piece.size());
        std::memcpy(data_.get() + size_, piece.data(), piece.size());
        size_ += piece.size();
    }
    /// Room for `n` characters at the end, of which commit() keeps those before `end`.
    [[nodiscard]] char* room(std::size_t n) {
        if (size_ + n > capacity_) grow(n);
        return data_.get() + size_;
    }
    void commit(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }

  private:
    void grow(std::size_t more);
    std::unique_ptr<char[]> data_ = std::make_unique<char[]>(1);
    std::size_t size_ = 0;
    std::size_t capacity_ = 1;
};

/// Evaluates blocks. A worker is used by one thread and takes its blocks in ascending order: then its candidates
/// never miss a member of the frontier, whatever other workers do.
class BlockWorker {
  public:
    BlockWorker(const Grid& grid, const Prototypes& prototypes, const RowStyle& style);
    void run(std::uint64_t block, BlockResult& result);
    /// Each row goes to `visitor` in place of the text of a block; `reason` as in a file of infeasible rows.
    using RowVisitor = std::function<void(const Cursor& at, const View& view, std::string_view reason)>;
    void hand_rows_to(RowVisitor visitor) { visitor_ = std::move(visitor); }
    /// The row of one point without compression; its objectives as minimised values.
    [[nodiscard]] std::string row(std::uint64_t point);
    [[nodiscard]] FrontierMember member(std::uint64_t point);

  private:
    /// Where a column takes its text from.
    struct Source {
        std::string before;                                // separator, or the key of JSON
        const std::vector<std::string>* texts = nullptr;   // of an axis, `before` included
        std::size_t axis = 0;
        const Variable* variable = nullptr;
        double (*number)(const View&) = nullptr;   // of the variable, where that is all it takes
        bool is_result = false;
    };
    [[nodiscard]] Expected<Estimate> evaluated(const Scenario& scenario);
    void evaluate_point(BlockResult& result);
    void add_sources();
    [[nodiscard]] bool refuses(const std::vector<Expression>& conditions,
                               const std::vector<std::size_t>& slots, const View& view, bool wanted,
                               std::vector<std::uint64_t>& counts);
    void write_row(const View& view, std::string_view reason);
    void write_value(const Source& source, const View& view);
    void write_text(std::string_view text);
    [[nodiscard]] FrontierMember member_of(const View& view) const;
    void append(std::string_view text) { buffer_.append(text); }
    void append_number(std::string_view before, double value);

    const Grid& grid_;
    RowStyle style_;
    Cursor cursor_;
    StepPlans plans_;
    Frontier frontier_;
    std::vector<Source> sources_;
    std::vector<std::vector<std::string>> encoded_;   // texts of the axis columns
    std::vector<double> values_;                      // of Grid::variables
    std::vector<std::size_t> filter_slots_;
    std::vector<std::size_t> constraint_slots_;
    RowBuffer buffer_;
    RowVisitor visitor_;
};

/// The header line of CSV rows; empty for JSONL.
[[nodiscard]] std::string header_row(const Grid& grid, const RowStyle& style);
/// Blocks of the whole grid.
[[nodiscard]] inline std::uint64_t block_count(const Grid& grid) {
    return (grid.points + block_points - 1) / block_points;
}

}   // namespace moecost
