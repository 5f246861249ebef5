// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

namespace moecost {
namespace {

/// CSV text as records, one after another. A field is a view of the text, or of `unquoted` where it had quotes.
class RecordReader {
  public:
    RecordReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    /// False at the end of the text. Blank lines are no records.
    bool next() {
        while (at_ < text_.size()) {
            read_record();
            if (fields.size() > 1 || !fields[0].empty()) return true;
        }
        return false;
    }
    std::vector<std::string_view> fields;
    int line = 0;   // the record starts on

  private:
    [[nodiscard]] bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }
    [[noreturn]] void fail(int at_line, std::string_view message) const {
        throw InputError({file_, at_line}, {}, message);
    }
    void read_record() {
        line = next_line_;
        start_ = at_;
        fields.clear();
        unquoted_.clear();
        do {
            fields.push_back(is('"') ? quoted_field() : plain_field());
            check_length();
        } while (ends_with_comma());
        ++next_line_;
    }
    std::string_view plain_field() {
        const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
        std::string_view field = text_.substr(at_, end - at_);
        at_ = end;
        if (field.ends_with('\r')) field.remove_suffix(1);
        return field;
    }
    std::string_view quoted_field() {
        std::string field;
        for (++at_;; ++at_) {
            if (at_ >= text_.size()) fail(line, "quoted field is not closed");
            if (text_[at_] == '\n') ++next_line_;
            if (text_[at_] == '"' && (++at_, !is('"'))) break;
            field += text_[at_];
            check_length();
        }
        unquoted_.push_back(std::make_unique<std::string>(std::move(field)));
        return *unquoted_.back();
    }
    bool ends_with_comma() {
        if (is('\r')) ++at_;
        const bool comma = is(',');
        if (!comma && at_ < text_.size() && text_[at_] != '\n')
            fail(next_line_, "text after the closing quote of a field");
        ++at_;
        return comma;
    }
    void check_length() const {
        if (at_ - start_ > max_csv_row_bytes) fail(line, "a row is longer than 1 MiB");
    }

    std::string_view text_;
    const std::string& file_;
    std::size_t at_ = 0;
    std::size_t start_ = 0;
    int next_line_ = 1;
    std::vector<std::unique_ptr<std::string>> unquoted_;
};

}   // namespace

CsvTable::CsvTable(std::string_view text, std::string file) : file_(std::move(file)) {
    if (text.size() > max_csv_bytes) throw InputError({file_}, {}, "larger than 64 MiB");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    RecordReader records(text, file_);
    if (!records.next()) throw InputError({file_}, {}, "empty: a header row is needed");
    header_.assign(records.fields.begin(), records.fields.end());
    const auto separators =
        std::count_if(text.begin(), text.end(), [](char c) { return c == ',' || c == '\n'; });
    ends_.reserve(static_cast<std::size_t>(separators) + 1);
    text_.reserve(text.size());
    while (records.next()) add_record(records.fields, records.line);
}

void CsvTable::add_record(const std::vector<std::string_view>& record, int line) {
    if (record.size() != header_.size()) {
        std::string message = std::to_string(record.size());
        message.append(" fields where the header has ").append(std::to_string(header_.size()));
        throw InputError({file_, line}, {}, message);
    }
    if (lines_.size() == max_csv_rows) throw InputError({file_, line}, {}, "more than 1,000,000 rows");
    lines_.push_back(line);
    for (const std::string_view field : record) {
        text_.append(field);
        ends_.push_back(static_cast<std::uint32_t>(text_.size()));
    }
}

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
    const auto it = std::find(header_.begin(), header_.end(), name);
    if (it == header_.end()) return std::nullopt;
    return static_cast<std::size_t>(it - header_.begin());
}

std::size_t CsvTable::column(std::string_view name) const {
    if (const auto c = find_column(name)) return *c;
    throw InputError({file_, 1}, name, "column is missing", name_hint(name, header_));
}

std::string_view CsvTable::text(std::size_t row, std::size_t column) const {
    const std::size_t field = row * header_.size() + column;
    const std::size_t start = field == 0 ? 0 : ends_[field - 1];
    return std::string_view(text_).substr(start, ends_[field] - start);
}

std::optional<double> CsvTable::number(std::size_t row, std::size_t column) const {
    const std::string_view field = text(row, column);
    if (field.empty()) return std::nullopt;
    double value = 0;
    const auto r = std::from_chars(field.data(), field.data() + field.size(), value);
    if (r.ec != std::errc{} || r.ptr != field.data() + field.size() || !std::isfinite(value)) {
        fail(row, column, std::string("'").append(field).append("' is not a number"));
    }
    return value;
}

Location CsvTable::where(std::size_t row) const { return {file_, lines_[row]}; }

void CsvTable::fail(std::size_t row, std::size_t column, std::string_view message) const {
    throw InputError(where(row), header_[column], message);
}

std::string csv_field(std::string_view text) {
    // A byte-order mark at the start of a file is none of its first field.
    const bool marked = text.starts_with("\xef\xbb\xbf");
    if (!marked && text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
    std::string s = "\"";
    for (const char c : text) {
        if (c == '"') s += '"';
        s += c;
    }
    return s += '"';
}

}   // namespace moecost
