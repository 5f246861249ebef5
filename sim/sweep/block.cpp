// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/block.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "moecost/base/csv.h"
#include "moecost/base/gzip.h"
#include "moecost/base/number_text.h"
#include "moecost/estimate/answer.h"

namespace moecost {
namespace {

std::string json_text(std::string_view text) {
    std::string s = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') s += '\\';
        if (static_cast<unsigned char>(c) < 0x20)
            s += ' ';
        else
            s += c;
    }
    return s += '"';
}

bool is_json_number(std::string_view text) {
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    return r.ec == std::errc{} && r.ptr == text.data() + text.size() && std::isfinite(value) &&
           !text.starts_with('.');
}

std::string encoded(const std::string& text, RowFormat format) {
    if (format == RowFormat::csv) return csv_field(text);
    if (text == "true" || text == "false" || is_json_number(text)) return text;
    return json_text(text);
}

bool breaks_csv(char c) { return c == ',' || c == '"' || c == '\n' || c == '\r'; }

std::vector<std::size_t> slots_of(const std::vector<Expression>& conditions) {
    std::vector<std::size_t> all;
    for (const Expression& e : conditions) {
        for (const std::size_t slot : e.slots()) all.push_back(slot);
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

void add_each(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
    if (to.size() < from.size()) to.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

void count_reason(SweepCounts& counts, std::string_view reason) {
    const auto at = counts.infeasible.find(reason);
    if (at != counts.infeasible.end())
        ++at->second;
    else
        counts.infeasible.emplace(reason, 1);
}

}   // namespace

void SweepCounts::add(const SweepCounts& other) {
    points += other.points;
    rows += other.rows;
    add_each(filtered, other.filtered);
    add_each(constrained, other.constrained);
    for (const auto& [reason, n] : other.infeasible) infeasible[reason] += n;
}

BlockWorker::BlockWorker(const Grid& grid, const Prototypes& prototypes, const RowStyle& style)
    : grid_(grid),
      style_(style),
      cursor_(grid, prototypes),
      frontier_(grid.objectives.size()),
      values_(grid.variables.size()),
      filter_slots_(slots_of(grid.filters)),
      constraint_slots_(slots_of(grid.constraints)) {
    add_sources();
}

void BlockWorker::add_sources() {
    encoded_.reserve(grid_.columns.size());   // sources point into it
    for (const Variable& column : grid_.columns) {
        Source s;
        const bool first = sources_.empty();
        if (style_.format == RowFormat::csv)
            s.before = first ? "" : ",";
        else
            s.before.append(first ? "{" : ",").append(json_text(column.name)).append(":");
        s.variable = &column;
        s.number = column.number();
        s.is_result = column.is_result();
        for (std::size_t i = 0; i < grid_.axes.size(); ++i) {
            for (const AxisColumn& axis : grid_.axes[i].columns) {
                if (axis.name != column.name) continue;
                std::vector<std::string>& texts = encoded_.emplace_back();
                for (const std::string& text : axis.texts) {
                    texts.push_back(std::string(s.before).append(encoded(text, style_.format)));
                }
                s.texts = &texts;
                s.axis = i;
            }
        }
        sources_.push_back(std::move(s));
    }
}

void BlockWorker::run(std::uint64_t block, BlockResult& result) {
    result.block = block;
    result.counts = {};
    result.counts.filtered.resize(grid_.filters.size());
    result.counts.constrained.resize(grid_.constraints.size());
    result.candidates.clear();
    buffer_.clear();
    const std::uint64_t first = block * block_points;
    const std::uint64_t end = std::min(first + block_points, grid_.points);
    cursor_.seek(first);
    for (std::uint64_t point = first; point < end; ++point) {
        evaluate_point(result);
        if (point + 1 < end) cursor_.advance();
    }
    result.counts.points = end - first;
    const std::string_view rows = buffer_.text();
    if (style_.gzip && !rows.empty())
        result.bytes = gzip_member(rows);
    else
        result.bytes.assign(rows);
}

bool BlockWorker::refuses(const std::vector<Expression>& conditions, const std::vector<std::size_t>& slots,
                          const View& view, bool wanted, std::vector<std::uint64_t>& counts) {
    if (!wanted) return false;
    for (const std::size_t slot : slots) values_[slot] = cursor_.value(grid_.variables[slot], view);
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        if (conditions[i].holds(values_)) continue;
        ++counts[i];
        return true;
    }
    return false;
}

/// With distributions where a name of the grid asks for them.
Expected<Estimate> BlockWorker::evaluated(const Scenario& scenario) {
    if (!grid_.tails) {
        cursor_.select(plans_);
        return evaluate(scenario, cursor_.weights(), plans_);
    }
    AnswerOptions how;
    how.by = AnswerOptions::By::closed_form;
    return answer(scenario, how);
}

void BlockWorker::evaluate_point(BlockResult& result) {
    View view = cursor_.inputs();
    const bool filter = !grid_.filters.empty() && cursor_.has_inputs();
    if (refuses(grid_.filters, filter_slots_, view, filter, result.counts.filtered)) return;
    if (cursor_.problem()) {
        count_reason(result.counts, cursor_.problem()->reason);
        if (style_.keep_infeasible && !style_.no_rows) write_row(view, cursor_.problem()->reason);
        return;
    }
    const Expected<Estimate> estimate = evaluated(*view.scenario);
    if (!estimate) {
        count_reason(result.counts, estimate.error().reason);
        if (style_.keep_infeasible && !style_.no_rows) write_row(view, estimate.error().reason);
        return;
    }
    view.estimate = &*estimate;
    if (refuses(grid_.constraints, constraint_slots_, view, !grid_.constraints.empty(),
                result.counts.constrained)) {
        if (style_.keep_infeasible && !style_.no_rows) write_row(view, "outside the constraints");
        return;
    }
    ++result.counts.rows;
    if (!grid_.objectives.empty()) {
        const FrontierMember member = member_of(view);
        if (std::isfinite(member.values[0] + member.values[1] + member.values[2] + member.values[3]) &&
            frontier_.offer(member)) {
            result.candidates.push_back(member);
        }
    }
    if (!style_.no_rows) write_row(view, {});
}

FrontierMember BlockWorker::member_of(const View& view) const {
    FrontierMember m;
    m.point = cursor_.point();
    for (std::size_t i = 0; i < grid_.objectives.size(); ++i) {
        const Objective& o = grid_.objectives[i];
        const double value = cursor_.value(grid_.variables[o.variable], view);
        m.values[i] = o.maximise ? -value : value;
    }
    return m;
}

FrontierMember BlockWorker::member(std::uint64_t point) {
    cursor_.seek(point);
    View view = cursor_.inputs();
    const Expected<Estimate> estimate = evaluated(*view.scenario);
    if (!estimate) return {};
    view.estimate = &*estimate;
    return member_of(view);
}

std::string BlockWorker::row(std::uint64_t point) {
    cursor_.seek(point);
    buffer_.clear();
    View view = cursor_.inputs();
    const Expected<Estimate> estimate = evaluated(*view.scenario);
    if (estimate) view.estimate = &*estimate;
    write_row(view, {});
    return std::string(buffer_.text());
}

void RowBuffer::grow(std::size_t more) {
    capacity_ = std::max<std::size_t>(2 * capacity_, size_ + more + 4096);
    auto larger = std::make_unique<char[]>(capacity_);
    std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
}

void BlockWorker::append_number(std::string_view before, double value) {
    char* const room = buffer_.room(before.size() + longest_figure);
    if (before.size() == 1)
        *room = before[0];
    else
        std::memcpy(room, before.data(), before.size());
    char* const start = room + before.size();
    char* const end = write_figure(start, value);
    buffer_.commit(end);
    if (end == start && style_.format == RowFormat::jsonl) append("null");
}

void BlockWorker::write_text(std::string_view text) {
    if (style_.format == RowFormat::jsonl)
        append(json_text(text));
    else if (std::none_of(text.begin(), text.end(), breaks_csv))
        append(text);
    else
        append(csv_field(text));
}

void BlockWorker::write_value(const Source& source, const View& view) {
    if (source.texts != nullptr) return append((*source.texts)[cursor_.digits()[source.axis]]);
    const bool missing = view.estimate == nullptr && (source.is_result || !cursor_.has_inputs());
    if (source.number != nullptr && !missing) return append_number(source.before, source.number(view));
    const Variable& v = *source.variable;
    if (!v.known()) return append_number(source.before, static_cast<double>(cursor_.point()));
    if (!missing && v.is_number()) return append_number(source.before, cursor_.value(v, view));
    append(source.before);
    if (!missing)
        write_text(v.text()(view));
    else if (style_.format == RowFormat::jsonl)
        append("null");
}

void BlockWorker::write_row(const View& view, std::string_view reason) {
    if (visitor_) return visitor_(cursor_, view, reason);
    for (const Source& source : sources_) write_value(source, view);
    if (style_.keep_infeasible) {
        append(style_.format == RowFormat::csv ? "," : ",\"infeasible\":");
        if (!reason.empty())
            write_text(reason);
        else if (style_.format == RowFormat::jsonl)
            append("null");
    }
    append(style_.format == RowFormat::csv ? "\n" : "}\n");
}

std::string header_row(const Grid& grid, const RowStyle& style) {
    if (style.format != RowFormat::csv) return {};
    std::string header;
    for (const Variable& column : grid.columns)
        header.append(header.empty() ? "" : ",").append(csv_field(column.name));
    if (style.keep_infeasible) header.append(",infeasible");
    return header.append("\n");
}

}   // namespace moecost
