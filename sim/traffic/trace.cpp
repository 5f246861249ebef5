// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/trace.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "moecost/base/value.h"

namespace moecost {
namespace {

constexpr std::size_t longest_line = std::size_t{4} << 20;
constexpr double most_tokens = 1e9;

constexpr std::string_view time_names[] = {"timestamp",    "arrival_s",    "arrival_time",    "arrived_at",
                                           "time",         "start_time",   "timestamp_s",     "arrival_ms",
                                           "timestamp_ms", "timestamp_ns", "request_start_ns"};
constexpr std::string_view input_names[] = {
    "contexttokens",  "input_tokens",   "input_length", "num_prefill_tokens", "prompt_tokens",
    "request tokens", "request_tokens", "isl",          "prompt_len",         "input_len"};
constexpr std::string_view output_names[] = {
    "generatedtokens", "output_tokens",   "output_length", "num_decode_tokens", "completion_tokens",
    "response tokens", "response_tokens", "osl",           "output_len"};

std::string lower(std::string_view text) {
    std::string s(text);
    for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return s;
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::string_view (&names)[N]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

double unit_of(std::string_view name) {
    return name.ends_with("_ms") ? 1e-3 : name.ends_with("_us") ? 1e-6 : name.ends_with("_ns") ? 1e-9 : 1;
}

std::string_view field(std::string_view text, int index) {
    for (; index > 0; --index) {
        const std::size_t comma = text.find(',');
        if (comma == std::string_view::npos) return {};
        text.remove_prefix(comma + 1);
    }
    text = text.substr(0, text.find(','));
    if (text.size() > 1 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return text;
}

std::string quoted(std::string_view text, std::string_view message) {
    return std::string("'").append(text).append("' ").append(message);
}

}   // namespace

bool is_trace_path(std::string_view path) {
    if (path.ends_with(".gz")) path.remove_suffix(3);
    return path.ends_with(".csv") || path.ends_with(".jsonl") || path.ends_with(".ndjson");
}

double seconds_of_date(std::string_view text) {
    if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return -1;
    const auto part = [&](std::size_t at, std::size_t length) {
        int value = -1;
        const char* const end = text.data() + at + length;
        const auto r = std::from_chars(text.data() + at, end, value);
        return r.ec == std::errc{} && r.ptr == end ? value : -1;
    };
    int year = part(0, 4);
    const int month = part(5, 2), day = part(8, 2), hour = part(11, 2), minute = part(14, 2),
              second = part(17, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || minute < 0 || second < 0)
        return -1;
    // Days since 1970 by the civil calendar (years that begin in March).
    if (month <= 2) --year;
    const int era = year / 400;
    const int of_era = year - era * 400;
    const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int whole_days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    const double days = whole_days;
    double part_of_second = 0;
    if (text.size() > 20 && text[19] == '.') {
        double unit = 0.1;
        for (std::size_t i = 20; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, unit /= 10)
            part_of_second += unit * (text[i] - '0');
    }
    return days * 86400 + hour * 3600 + minute * 60 + second + part_of_second;
}

TraceReader::TraceReader(std::string file, std::function<void(const TraceRow&)> sink)
    : file_(std::move(file)), sink_(std::move(sink)) {}

void TraceReader::fail(std::string_view key, std::string_view message, std::string hint) const {
    throw InputError({file_, line_}, key, message, std::move(hint));
}

void TraceReader::feed(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            rest_.append(text);
            if (rest_.size() > longest_line) {
                ++line_;
                fail({}, "a line is longer than 4 MiB: this is no trace of requests");
            }
            return;
        }
        if (rest_.empty()) {
            line(text.substr(0, end));
        } else {
            rest_.append(text.substr(0, end));
            line(rest_);
            rest_.clear();
        }
        text.remove_prefix(end + 1);
    }
}

void TraceReader::finish() {
    if (!rest_.empty()) line(rest_);
    rest_.clear();
    if (rows_ == 0) fail({}, "no requests: a trace needs at least one row");
}

void TraceReader::line(std::string_view text) {
    ++line_;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find_first_not_of(" \t") == std::string_view::npos) return;
    if (format_ == Format::unknown) {
        format_ = text.front() == '{' ? Format::json : Format::csv;
        if (format_ == Format::csv) return header(text);
    }
    format_ == Format::json ? json_row(text) : csv_row(text);
}

void TraceReader::header(std::string_view text) {
    int count = 1;
    for (const char c : text) count += c == ',' ? 1 : 0;
    for (int i = 0; i < count; ++i) {
        const std::string name = lower(field(text, i));
        names_.push_back(name);
        if (time_.index < 0 && is_one_of(name, time_names)) time_ = {i, unit_of(name)};
        if (input_.index < 0 && is_one_of(name, input_names)) input_ = {i, 1};
        if (output_.index < 0 && is_one_of(name, output_names)) output_ = {i, 1};
        if (name == "probability") weight_ = {i, 1};
    }
    if (weight_.index >= 0 && names_.front() == "tokens") {
        input_ = {0, 1};
        return;
    }
    if (input_.index < 0 || output_.index < 0) {
        const bool in = input_.index < 0;
        fail(in ? "input_tokens" : "output_tokens", "column is missing",
             in ? "one of: ContextTokens, input_tokens, input_length, num_prefill_tokens, prompt_tokens"
                : "one of: GeneratedTokens, output_tokens, output_length, num_decode_tokens, "
                  "completion_tokens");
    }
}

double TraceReader::number(std::string_view text, std::string_view key, double low, double high) const {
    double value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) fail(key, quoted(text, "is not a number"));
    if (!(value >= low && value <= high)) {
        fail(key, quoted(text, low == 1 ? "is not in 1..1e9: a request has at least one token"
                                        : "is out of range"));
    }
    return value;
}

void TraceReader::csv_row(std::string_view text) {
    const auto named = [&](int i) { return std::string_view(names_[static_cast<std::size_t>(i)]); };
    TraceRow row;
    row.timed = time_.index >= 0;
    row.has_output = output_.index >= 0;
    row.input = number(field(text, input_.index), named(input_.index), 1, most_tokens);
    if (row.has_output) row.output = number(field(text, output_.index), named(output_.index), 1, most_tokens);
    if (weight_.index >= 0) row.weight = number(field(text, weight_.index), "probability", 0, 1e300);
    double time = 0;
    if (row.timed) {
        const std::string_view stamp = field(text, time_.index);
        const double date = seconds_of_date(stamp);
        time = date >= 0 ? date : time_.unit * number(stamp, named(time_.index), -1e300, 1e300);
    }
    emit(std::move(row), time);
}

namespace {

const Value* member(const Value& object, std::string_view key) {
    const auto* table = std::get_if<Value::Table>(&object.content);
    if (table == nullptr) return nullptr;
    for (const auto& [name, value] : *table)
        if (name == key) return &value;
    return nullptr;
}

/// A number, or the `value` of an AIPerf metric.
bool as_number(const Value* value, double& number) {
    if (value == nullptr) return false;
    if (const Value* inner = member(*value, "value")) value = inner;
    if (const auto* i = std::get_if<std::int64_t>(&value->content)) {
        number = static_cast<double>(*i);
        return true;
    }
    if (const auto* d = std::get_if<double>(&value->content)) {
        number = *d;
        return true;
    }
    return false;
}

template <std::size_t N>
bool first_number(const Value& object, const std::string_view (&names)[N], double& number,
                  std::string_view& found) {
    for (const std::string_view name : names) {
        if (as_number(member(object, name), number)) {
            found = name;
            return true;
        }
    }
    return false;
}

}   // namespace

void TraceReader::json_row(std::string_view text) {
    Document document;
    try {
        document = parse_json(text, file_);
    } catch (const InputError& e) {
        std::string message(e.what());
        fail({}, message.substr(message.rfind(": ") + 2));
    }
    const Value* object = &document.root;
    const Value* metrics = member(*object, "metrics");   // AIPerf
    TraceRow row;
    double time = 0;
    std::string_view name;
    if (metrics != nullptr) {
        const Value* metadata = member(*object, "metadata");
        double start = 0;
        row.timed = metadata != nullptr && as_number(member(*metadata, "request_start_ns"), start);
        time = start * 1e-9;
        if (!as_number(member(*metrics, "input_sequence_length"), row.input))
            fail("metrics.input_sequence_length", "is missing");
        if (!as_number(member(*metrics, "output_sequence_length"), row.output))
            fail("metrics.output_sequence_length", "is missing");
    } else {
        if (!first_number(*object, input_names, row.input, name)) fail("input_length", "is missing");
        if (!first_number(*object, output_names, row.output, name)) fail("output_length", "is missing");
        const Value* hashes = member(*object, "hash_ids");
        row.timed = first_number(*object, time_names, time, name);
        if (row.timed) time *= hashes != nullptr && name == "timestamp" ? 1e-3 : unit_of(name);
        if (hashes != nullptr) {
            const auto* list = std::get_if<Value::Array>(&hashes->content);
            if (list == nullptr) fail("hash_ids", "is not a list of whole numbers");
            for (const Value& v : *list) {
                const auto* id = std::get_if<std::int64_t>(&v.content);
                if (id == nullptr) fail("hash_ids", "is not a list of whole numbers");
                row.blocks.push_back(static_cast<std::uint64_t>(*id));
            }
        }
    }
    for (const auto& [value, key] :
         {std::pair{row.input, "input_length"}, std::pair{row.output, "output_length"}}) {
        if (!(value >= 1 && value <= most_tokens))
            fail(key, "is not in 1..1e9: a request has at least one token");
    }
    emit(std::move(row), time);
}

void TraceReader::emit(TraceRow row, double time) {
    if (row.timed) {
        if (rows_ == 0) first_time_ = last_time_ = time;
        if (time < last_time_) fail({}, "is earlier than the row before: sort the trace by time");
        last_time_ = time;
        row.arrival_s = time - first_time_;
    }
    rows_ += 1;
    sink_(row);
}

}   // namespace moecost
