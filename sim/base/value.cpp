// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/value.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "moecost/base/format.h"

namespace moecost {
namespace {

/// JSON calls a table an object.
std::string_view table_name(const Document& document) {
    const bool json = document.file.ends_with(".json") || document.file.ends_with(".jsonl");
    return json ? "an object" : "a table";
}

std::string_view kind_name(const Document& document, const Value& value) {
    constexpr std::string_view names[] = {"null", "a boolean", "an integer", "a number", "a text", "a list"};
    const std::size_t kind = value.content.index();
    return kind < std::size(names) ? names[kind] : table_name(document);
}

std::string wrong_kind(const Document& document, const Value& value, std::string_view expected) {
    std::string s("expected ");
    return s.append(expected).append(", found ").append(kind_name(document, value));
}

/// A near key where there is one; which other keys there are does not tell what to write.
std::string missing_hint(std::string_view key, const std::vector<std::string>& keys) {
    std::string hint = name_hint(key, keys);
    return hint.starts_with("one of: ") ? std::string() : hint;
}

std::string out_of_range(double value, Range range) {
    std::string s = shortest(value);
    if (range.low > 0 && range.low < 1e-200) return s.append(" is not positive");
    if (range.low == 0 && range.high > 1e200) return s.append(" is negative or not finite");
    return s.append(" is not in ").append(shortest(range.low)).append("..").append(shortest(range.high));
}

}   // namespace

Document parse_document(std::string_view text, std::string file) {
    // No TOML begins with a brace.
    const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    const bool braced = first != std::string_view::npos && text[first] == '{';
    const bool json = file.ends_with(".json") || (braced && !file.ends_with(".toml"));
    return json ? parse_json(text, std::move(file)) : parse_toml(text, std::move(file));
}

Reader::Reader(const Document& document, ReadLog* log) : Reader(document, document.root, {}, log) {}

Reader::Reader(const Document& document, const Value& value, std::string path, ReadLog* log)
    : document_(&document), value_(&value), path_(std::move(path)), log_(log) {
    if (!std::holds_alternative<Value::Table>(value.content)) {
        throw InputError({document.file, value.line, value.column}, path_,
                         wrong_kind(document, value, table_name(document)));
    }
}

std::string Reader::full_key(std::string_view key) const {
    if (path_.empty()) return std::string(key);
    std::string s = path_;
    return key.empty() ? s : s.append(".").append(key);
}

const Value* Reader::raw(std::string_view key) const {
    for (const auto& [name, value] : std::get<Value::Table>(value_->content)) {
        if (name != key) continue;
        if (std::holds_alternative<std::monostate>(value.content)) return nullptr;
        if (log_ != nullptr) log_->push_back(&value);
        return &value;
    }
    return nullptr;
}

Location Reader::where(std::string_view key) const {
    const Value* value = key.empty() ? value_ : raw(key);
    if (value == nullptr) value = value_;
    return {document_->file, value->line, value->column};
}

void Reader::fail(std::string_view key, std::string_view message, std::string hint) const {
    throw InputError(where(key), full_key(key), message, std::move(hint));
}

bool Reader::has(std::string_view key) const { return raw(key) != nullptr; }

const Value& Reader::require(std::string_view key) const {
    const Value* value = raw(key);
    if (value == nullptr) fail(key, "missing", missing_hint(key, keys()));
    return *value;
}

double Reader::checked(std::string_view key, const Value& value, Range range) const {
    double number = 0;
    if (const auto* i = std::get_if<std::int64_t>(&value.content)) {
        number = static_cast<double>(*i);
    } else if (const auto* d = std::get_if<double>(&value.content)) {
        number = *d;
    } else {
        fail(key, wrong_kind(*document_, value, "a number"));
    }
    if (!(number >= range.low && number <= range.high)) fail(key, out_of_range(number, range));
    return number;
}

double Reader::number(std::string_view key, Range range) const { return checked(key, require(key), range); }

std::int64_t Reader::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
    const Value& value = require(key);
    const Range range{static_cast<double>(low), static_cast<double>(high)};
    if (const auto* whole = std::get_if<std::int64_t>(&value.content)) {
        if (*whole < low || *whole > high) fail(key, out_of_range(static_cast<double>(*whole), range));
        return *whole;   // exact beyond 2^53, where the way through a double is not
    }
    const double number = checked(key, value, range);
    if (number != std::floor(number)) fail(key, shortest(number).append(" is not a whole number"));
    if (std::abs(number) > 9e15) fail(key, shortest(number).append(" is too large for a whole number"));
    return static_cast<std::int64_t>(number);
}

std::string Reader::text(std::string_view key) const {
    const Value& value = require(key);
    const auto* s = std::get_if<std::string>(&value.content);
    if (s == nullptr) fail(key, wrong_kind(*document_, value, "a text"));
    return *s;
}

bool Reader::flag(std::string_view key) const {
    const Value& value = require(key);
    const auto* b = std::get_if<bool>(&value.content);
    if (b == nullptr) fail(key, wrong_kind(*document_, value, "true or false"));
    return *b;
}

Reader Reader::table(std::string_view key) const {
    const Value& value = require(key);
    if (!std::holds_alternative<Value::Table>(value.content))
        fail(key, wrong_kind(*document_, value, table_name(*document_)));
    return {*document_, value, full_key(key), log_};
}

const Value::Array& Reader::array(std::string_view key) const {
    const Value& value = require(key);
    const auto* items = std::get_if<Value::Array>(&value.content);
    if (items == nullptr) fail(key, wrong_kind(*document_, value, "a list"));
    return *items;
}

std::vector<Reader> Reader::tables(std::string_view key) const {
    std::vector<Reader> result;
    for (const Value& item : array(key)) {
        std::string path = full_key(key);
        path.append("[").append(std::to_string(result.size())).append("]");
        result.push_back(Reader(*document_, item, std::move(path), log_));
    }
    return result;
}

std::vector<double> Reader::numbers(std::string_view key, Range range) const {
    std::vector<double> result;
    for (const Value& item : array(key)) result.push_back(checked(key, item, range));
    return result;
}

std::vector<std::string> Reader::texts(std::string_view key) const {
    std::vector<std::string> result;
    for (const Value& item : array(key)) {
        const auto* s = std::get_if<std::string>(&item.content);
        if (s == nullptr) fail(key, wrong_kind(*document_, item, "a list of texts"));
        result.push_back(*s);
    }
    return result;
}

double Reader::number_or(std::string_view key, double fallback, Range range) const {
    return has(key) ? number(key, range) : fallback;
}
std::int64_t Reader::integer_or(std::string_view key, std::int64_t fallback, std::int64_t low,
                                std::int64_t high) const {
    return has(key) ? integer(key, low, high) : fallback;
}
std::string Reader::text_or(std::string_view key, std::string_view fallback) const {
    return has(key) ? text(key) : std::string(fallback);
}
bool Reader::flag_or(std::string_view key, bool fallback) const { return has(key) ? flag(key) : fallback; }

std::vector<std::string> Reader::keys() const {
    std::vector<std::string> result;
    for (const auto& [name, value] : std::get<Value::Table>(value_->content)) result.push_back(name);
    return result;
}

void Reader::allow_only(std::initializer_list<std::string_view> allowed) const {
    allow_only(std::span(allowed.begin(), allowed.size()));
}

void Reader::allow_only(std::span<const std::string_view> allowed) const {
    for (const auto& [name, value] : std::get<Value::Table>(value_->content)) {
        if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
        const std::vector<std::string> names(allowed.begin(), allowed.end());
        throw InputError({document_->file, value.line, value.column}, full_key(name), "unknown key",
                         name_hint(name, names));
    }
}

}   // namespace moecost
