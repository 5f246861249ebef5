// SPDX-License-Identifier: Apache-2.0
// A parsed TOML or JSON document with positions, and a Reader that turns it into typed values or a clear InputError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "moecost/base/error.h"

namespace moecost {

/// One value of a document. Tables keep the order of the file; a null equals an absent key.
struct Value {
    using Array = std::vector<Value>;
    using Table = std::vector<std::pair<std::string, Value>>;
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Table> content;
    int line = 0;
    int column = 0;
};
/// A null. Its body completes the recursive type before any other use, which clang 14 (and its clang-tidy) needs.
[[nodiscard]] inline Value null_value() { return {}; }

struct Document {
    std::string file;
    Value root;
};

/// A document holds no more: a value takes up to 150 bytes of memory, and a text of 64 MiB could hold 32 million.
inline constexpr std::size_t max_document_values = 2'000'000;

/// Parses text; `file` is only used in messages. Both reject duplicate keys, text beyond 64 MiB, more values than
/// that and nesting beyond 100 levels. JSON accepts the bare tokens NaN, Infinity and -Infinity (Hugging Face configs hold them).
[[nodiscard]] Document parse_toml(std::string_view text, std::string file);
[[nodiscard]] Document parse_json(std::string_view text, std::string file);
/// Chooses the parser by the ending of the file name; where that says nothing (a pipe), by the first character.
[[nodiscard]] Document parse_document(std::string_view text, std::string file);

/// Inclusive range of a number that makes sense; the message of an error names it.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
};
inline constexpr Range positive{1e-300, 1e300};
inline constexpr Range non_negative{0, 1e300};
inline constexpr Range fraction{0, 1};

/// The values of a document that were asked for, in any order and more than once: for whoever must name what nothing
/// read.
using ReadLog = std::vector<const Value*>;

/// A table of a document seen through typed, checked access. Copyable; the document must outlive it, and so must the
/// log, when one is given: it holds every value that this reader or one of its tables found under a key.
class Reader {
  public:
    explicit Reader(const Document& document, ReadLog* log = nullptr);

    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] double number(std::string_view key, Range range) const;
    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high) const;
    [[nodiscard]] std::string text(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key) const;
    [[nodiscard]] Reader table(std::string_view key) const;
    [[nodiscard]] std::vector<Reader> tables(std::string_view key) const;
    [[nodiscard]] std::vector<double> numbers(std::string_view key, Range range) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;

    [[nodiscard]] double number_or(std::string_view key, double fallback, Range range) const;
    [[nodiscard]] std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t low,
                                          std::int64_t high) const;
    [[nodiscard]] std::string text_or(std::string_view key, std::string_view fallback) const;
    [[nodiscard]] bool flag_or(std::string_view key, bool fallback) const;

    /// The raw value of a key (null counts as absent: nullptr), for readers that accept several types.
    [[nodiscard]] const Value* raw(std::string_view key) const;
    [[nodiscard]] std::vector<std::string> keys() const;
    /// Fails on any key that is not listed, naming the nearest allowed one.
    void allow_only(std::initializer_list<std::string_view> allowed) const;
    void allow_only(std::span<const std::string_view> allowed) const;
    /// The position of a key (or of the table itself), for messages composed elsewhere.
    [[nodiscard]] Location where(std::string_view key = {}) const;
    /// Throws an InputError that names this table's path and the key.
    [[noreturn]] void fail(std::string_view key, std::string_view message, std::string hint = {}) const;

  private:
    Reader(const Document& document, const Value& value, std::string path, ReadLog* log);
    [[nodiscard]] const Value& require(std::string_view key) const;
    [[nodiscard]] const Value::Array& array(std::string_view key) const;
    [[nodiscard]] double checked(std::string_view key, const Value& value, Range range) const;
    [[nodiscard]] std::string full_key(std::string_view key) const;

    const Document* document_;
    const Value* value_;
    std::string path_;
    ReadLog* log_;
};

}   // namespace moecost
