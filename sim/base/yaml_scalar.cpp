// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/yaml_scalar.h"

#include <charconv>
#include <optional>

#include "moecost/base/written_number.h"

namespace moecost::yaml {
namespace {

constexpr std::size_t npos = std::string_view::npos;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

void append_utf8(std::string& out, int code) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | (code >> 6));
        tail(0);
    } else if (code >= 0xd800 && code < 0xe000) {   // half of a pair
        out += '?';
    } else {
        out += static_cast<char>(0xe0 | (code >> 12));
        tail(6);
        tail(0);
    }
}

/// The number of so many hexadecimal digits behind the letter at i, which is moved to the last of them; nothing where they are not there.
std::optional<int> hexadecimal(std::string_view text, std::size_t& i, std::size_t digits) {
    if (i + digits >= text.size()) return std::nullopt;
    int code = 0;
    const char* end = text.data() + i + 1 + digits;
    const auto r = std::from_chars(text.data() + i + 1, end, code, 16);
    if (r.ec != std::errc{} || r.ptr != end || code < 0) return std::nullopt;
    i += digits;
    return code;
}

/// \n, \t, \r, \0, \", \\, \/, \xXX and \uXXXX; anything else stands for itself.
void append_escaped(std::string& out, std::string_view text, std::size_t& i) {
    const char c = text[i];
    if (c == 'n')
        out += '\n';
    else if (c == 't')
        out += '\t';
    else if (c == '0')
        out += '\0';
    else if (c == 'r')
        out += '\r';
    else if (const auto code = c == 'x'   ? hexadecimal(text, i, 2)
                               : c == 'u' ? hexadecimal(text, i, 4)
                                          : std::nullopt)
        append_utf8(out, *code);
    else
        out += c;
}

class Flow {
  public:
    Flow(std::string_view text, const Location& where) : text_(text), where_(where) {}

    Value whole() {
        Value v = value();
        blanks();
        if (at_ != text_.size()) fail("something follows the value");
        return v;
    }

  private:
    [[noreturn]] void fail(std::string_view message) const { throw InputError(where_, {}, message); }
    void blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    bool take(char c) {
        blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    Value located(Value v) const {
        v.line = where_.line;
        v.column = 1;
        return v;
    }
    Value value() {
        if (++depth_ > 100) fail("nesting beyond 100 levels");
        blanks();
        Value v;
        if (take('{'))
            v.content = table();
        else if (take('['))
            v.content = array();
        else if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\''))
            v.content = quoted();
        else
            v = plain();
        --depth_;
        return located(std::move(v));
    }
    Value::Array array() {
        Value::Array items;
        while (!take(']')) {
            if (at_ >= text_.size()) fail("'[' is not closed");
            items.push_back(value());
            if (take(',')) continue;
            if (at_ >= text_.size()) fail("'[' is not closed");
            if (text_[at_] != ']') fail("expected ',' or ']'");
        }
        return items;
    }
    Value::Table table() {
        Value::Table entries;
        while (!take('}')) {
            if (at_ >= text_.size()) fail("'{' is not closed");
            std::string key = key_text();
            for (const auto& [name, other] : entries) {
                if (name == key) fail(std::string("key '").append(key).append("' stands twice"));
            }
            Value v = take(':') ? value() : Value{};
            entries.emplace_back(std::move(key), std::move(v));
            if (take(',')) continue;
            if (at_ >= text_.size()) fail("'{' is not closed");
            if (text_[at_] != '}') fail("expected ',' or '}'");
        }
        return entries;
    }
    std::string key_text() {
        blanks();
        if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) return quoted();
        const std::size_t end = text_.find_first_of(":,}", at_);
        if (end == npos) fail("a key without ':'");
        std::string_view key = text_.substr(at_, end - at_);
        while (!key.empty() && is_blank(key.back())) key.remove_suffix(1);
        at_ = end;
        return std::string(key);
    }
    std::string quoted() {
        const std::size_t end = end_of_quoted(text_, at_);
        if (end == npos) fail("a quote is not closed");
        const char mark = text_[at_];
        std::string s;
        for (std::size_t i = at_ + 1; i + 1 < end; ++i) {
            if (mark == '"' && text_[i] == '\\')
                append_escaped(s, text_, ++i);
            else {
                s += text_[i];
                if (mark == '\'' && text_[i] == '\'') ++i;
            }
        }
        at_ = end;
        return s;
    }
    Value plain() {
        std::size_t end = depth_ > 1 ? text_.find_first_of(",]}", at_) : text_.size();
        end = std::min(end, text_.size());
        std::string_view word = text_.substr(at_, end - at_);
        while (!word.empty() && is_blank(word.back())) word.remove_suffix(1);
        at_ = end;
        return plain_scalar(word);
    }

    std::string_view text_;
    Location where_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}   // namespace

Value plain_scalar(std::string_view text) {
    Value v;
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return v;
    if (text == "true" || text == "True" || text == "TRUE")
        v.content = true;
    else if (text == "false" || text == "False" || text == "FALSE")
        v.content = false;
    else {
        std::int64_t whole = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
        if (error == std::errc{} && end == text.data() + text.size())
            v.content = whole;
        else if (const auto number = plain_number(text))
            v.content = *number;
        else
            v.content = std::string(text);
    }
    return v;
}

Value flow_value(std::string_view text, const Location& where) { return Flow(text, where).whole(); }

std::size_t end_of_quoted(std::string_view text, std::size_t start) {
    const char mark = text[start];
    for (std::size_t i = start + 1; i < text.size(); ++i) {
        if (mark == '"' && text[i] == '\\')
            ++i;
        else if (text[i] == mark) {
            if (mark == '"' || i + 1 >= text.size() || text[i + 1] != '\'') return i + 1;
            ++i;
        }
    }
    return npos;
}

int open_brackets(std::string_view text) {
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool starts = i == 0 || std::string_view(" ,[{:").find(text[i - 1]) != npos;
        if ((c == '"' || c == '\'') && starts) {
            const std::size_t end = end_of_quoted(text, i);
            if (end == npos) return open + 1;
            i = end - 1;
        } else if (c == '{' || c == '[')
            ++open;
        else if (c == '}' || c == ']')
            --open;
    }
    return open;
}

}   // namespace moecost::yaml
