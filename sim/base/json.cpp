// SPDX-License-Identifier: Apache-2.0
// JSON to Value, and JsonWriter, through RapidJSON: it reads iteratively (no stack to exhaust), reports positions
// and accepts bare Infinity and NaN. The only file that includes it.
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <unordered_set>

#include "moecost/base/json_writer.h"
#include "moecost/base/value.h"

namespace moecost {
namespace {

constexpr std::size_t max_depth = 100;
constexpr std::size_t max_bytes = std::size_t{64} << 20;

/// Memory for RapidJSON, which does not look whether it got any: this one throws.
class ThrowingAllocator {
  public:
    static constexpr bool kNeedFree = true;
    void* Malloc(std::size_t size) { return size == 0 ? nullptr : checked(std::malloc(size)); }
    void* Realloc(void* old, std::size_t, std::size_t size) {
        if (size > 0) return checked(std::realloc(old, size));
        std::free(old);
        return nullptr;
    }
    static void Free(void* memory) noexcept { std::free(memory); }
    bool operator==(const ThrowingAllocator&) const { return true; }

  private:
    static void* checked(void* memory) {
        if (memory == nullptr) throw std::bad_alloc();
        return memory;
    }
};
using Encoding = rapidjson::UTF8<>;
using JsonReader = rapidjson::GenericReader<Encoding, Encoding, ThrowingAllocator>;
using JsonBuffer = rapidjson::GenericStringBuffer<Encoding, ThrowingAllocator>;
using JsonPrinter = rapidjson::PrettyWriter<JsonBuffer, Encoding, Encoding, ThrowingAllocator>;

/// Memory stream that counts lines as it is consumed, so that every value knows where it stands.
class CountingStream {
  public:
    using Ch = char;
    explicit CountingStream(std::string_view text) : text_(text) {}
    [[nodiscard]] Ch Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
    Ch Take() {
        const Ch c = Peek();
        if (position_ < text_.size()) ++position_;
        if (c == '\n') {
            ++line_;
            line_start_ = position_;
        }
        return c;
    }
    [[nodiscard]] std::size_t Tell() const { return position_; }
    [[nodiscard]] int line() const { return line_; }
    [[nodiscard]] int column() const { return static_cast<int>(position_ - line_start_) + 1; }
    /// Where the token of the current event begins: the first character after the previous token that separates
    /// nothing. (The reader has consumed scalars when it reports them, brackets not yet.)
    [[nodiscard]] std::pair<int, int> token() {
        for (; token_ < text_.size(); ++token_) {
            const char c = text_[token_];
            if (c == '\n') {
                ++token_line_;
                token_line_start_ = token_ + 1;
            } else if (c != ' ' && c != '\t' && c != '\r' && c != ',' && c != ':') {
                break;
            }
        }
        return {token_line_, static_cast<int>(token_ - token_line_start_) + 1};
    }
    void end_scalar() {
        token_ = position_;
        token_line_ = line_;
        token_line_start_ = line_start_;
    }
    void end_bracket() {
        (void)token();
        ++token_;
    }
    // Output half of the stream concept, unused by the reader.
    Ch* PutBegin() { return nullptr; }
    void Put(Ch) {}
    void Flush() {}
    std::size_t PutEnd(Ch*) { return 0; }

  private:
    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t line_start_ = 0;
    int line_ = 1;
    std::size_t token_ = 0;
    std::size_t token_line_start_ = 0;
    int token_line_ = 1;
};

/// Receives the parser's events and builds the Value tree; refuses duplicates and deep nesting.
class TreeBuilder {
  public:
    TreeBuilder(CountingStream& stream, const std::string& file) : stream_(stream), file_(file) {}
    Value take() { return std::move(root_); }

    bool Null() { return add({}); }
    bool Bool(bool b) { return add({b}); }
    // Numbers come as text: RapidJSON's own exact conversion counts the leading zeros of 0 for "0e5" (undefined).
    bool RawNumber(const char* s, rapidjson::SizeType n, bool) { return add(number({s, n})); }
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }
    bool String(const char* s, rapidjson::SizeType n, bool) { return add({std::string(s, n)}); }
    bool StartObject() { return open({Value::Table{}}); }
    bool StartArray() { return open({Value::Array{}}); }
    bool EndObject(rapidjson::SizeType) { return close(); }
    bool EndArray(rapidjson::SizeType) { return close(); }
    bool Key(const char* s, rapidjson::SizeType n, bool) {
        std::string key(s, n);
        if (!open_.back().seen.insert(key).second)
            throw InputError(here(), key, "stands twice in the same object");
        open_.back().key = std::move(key);
        stream_.end_scalar();
        return true;
    }

  private:
    struct Level {
        Value value;
        std::string key;
        std::unordered_set<std::string> seen;
    };
    [[nodiscard]] Location here() {
        const auto [line, column] = stream_.token();
        return {file_, line, column};
    }
    /// An integer where it fits 64 bits, else the nearest double; what is too small for one is 0.
    [[nodiscard]] decltype(Value::content) number(std::string_view text) {
        std::int64_t integer = 0;
        const char* const end = text.data() + text.size();
        if (const auto r = std::from_chars(text.data(), end, integer); r.ec == std::errc{} && r.ptr == end)
            return integer;
        double real = 0;
        if (std::from_chars(text.data(), end, real).ec == std::errc{}) return real;
        const bool tiny =
            text.find("e-") != text.npos || text.find("E-") != text.npos || text.find("0.") <= 1;
        if (!tiny) throw InputError(here(), {}, "malformed JSON: number too big");
        return 0.0;
    }
    [[nodiscard]] Value value(decltype(Value::content) content) {
        const auto [line, column] = stream_.token();
        return {std::move(content), line, column};
    }
    bool open(decltype(Value::content) content) {
        if (open_.size() >= max_depth) throw InputError(here(), {}, "nested deeper than 100 levels");
        open_.push_back(Level{value(std::move(content)), {}, {}});
        stream_.end_bracket();
        return true;
    }
    bool close() {
        Value done = std::move(open_.back().value);
        open_.pop_back();
        stream_.end_bracket();
        return place(std::move(done));
    }
    bool add(decltype(Value::content) content) {
        Value scalar = value(std::move(content));
        stream_.end_scalar();
        return place(std::move(scalar));
    }
    bool place(Value value) {
        if (++values_ > max_document_values) throw InputError(here(), {}, "more than 2,000,000 values");
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (auto* table = std::get_if<Value::Table>(&open_.back().value.content)) {
            table->emplace_back(open_.back().key, std::move(value));
        } else {
            std::get<Value::Array>(open_.back().value.content).push_back(std::move(value));
        }
        return true;
    }

    CountingStream& stream_;
    const std::string& file_;
    std::vector<Level> open_;
    std::size_t values_ = 0;
    Value root_;
};

}   // namespace

Document parse_json(std::string_view text, std::string file) {
    if (text.size() > max_bytes) throw InputError({file}, {}, "larger than 64 MiB");
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find('\0') != std::string_view::npos)
        throw InputError({file}, {}, "malformed JSON: holds a zero byte");
    CountingStream stream(text);
    TreeBuilder builder(stream, file);
    JsonReader reader;
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNanAndInfFlag |
                               rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
    if (const auto result = reader.Parse<flags>(stream, builder); result.IsError()) {
        throw InputError({file, stream.line(), stream.column()}, {},
                         std::string("malformed JSON: ").append(rapidjson::GetParseError_En(result.Code())));
    }
    return {std::move(file), builder.take()};
}

struct JsonWriter::State {
    JsonBuffer buffer;
    JsonPrinter writer{buffer};
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) { state_->writer.SetIndent(' ', 2); }
JsonWriter::~JsonWriter() = default;

void JsonWriter::key(std::string_view name) {
    if (!name.empty()) state_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}
void JsonWriter::begin_object(std::string_view name) {
    key(name);
    state_->writer.StartObject();
}
void JsonWriter::end_object() { state_->writer.EndObject(); }
void JsonWriter::begin_array(std::string_view name) {
    key(name);
    state_->writer.StartArray();
}
void JsonWriter::end_array() { state_->writer.EndArray(); }

void JsonWriter::number(std::string_view name, double value) {
    key(name);
    if (!std::isfinite(value)) {
        state_->writer.Null();
    } else if (value == std::floor(value) && std::abs(value) < 9e15) {
        state_->writer.Int64(static_cast<std::int64_t>(value));   // counts and bytes read as whole numbers
    } else {
        state_->writer.Double(value);
    }
}
void JsonWriter::text(std::string_view name, std::string_view value) {
    key(name);
    state_->writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}
void JsonWriter::flag(std::string_view name, bool value) {
    key(name);
    state_->writer.Bool(value);
}
void JsonWriter::null(std::string_view name) {
    key(name);
    state_->writer.Null();
}

std::string JsonWriter::str() const {
    std::string s(state_->buffer.GetString(), state_->buffer.GetSize());
    return s.append("\n");
}

}   // namespace moecost
