// SPDX-License-Identifier: Apache-2.0
// Blocks of YAML by indentation, and the writer.
#include "moecost/base/yaml.h"

#include <algorithm>

#include "moecost/base/format.h"
#include "moecost/base/yaml_scalar.h"

namespace moecost {
namespace {

using yaml::end_of_quoted;
constexpr std::size_t npos = std::string_view::npos;

struct Line {
    int number = 0;
    std::size_t indent = 0;
    std::string_view raw;
    std::string_view text;   // without indentation, comment and blanks at the end
};

std::string_view trimmed_right(std::string_view s) {
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
    return s;
}

/// A '#' after a blank or at the start, outside quotes, starts a comment.
std::string_view without_comment(std::string_view s) {
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool starts = i == 0 || s[i - 1] == ' ' || s[i - 1] == '\t';
        if (s[i] == '#' && starts) return trimmed_right(s.substr(0, i));
        const bool opens = starts || s[i - 1] == '[' || s[i - 1] == '{' || s[i - 1] == ',' || s[i - 1] == ':';
        if ((s[i] == '"' || s[i] == '\'') && opens) {
            const std::size_t end = end_of_quoted(s, i);
            if (end == npos) return trimmed_right(s);
            i = end - 1;
        }
    }
    return trimmed_right(s);
}

bool is_item(std::string_view text) { return text == "-" || text.starts_with("- "); }

/// Where "key:" ends: the place of ':', npos when the text is no entry of a mapping.
std::size_t colon_of(std::string_view text) {
    std::size_t i = 0;
    if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
        i = end_of_quoted(text, 0);
        if (i == npos) return npos;
        return i < text.size() && text[i] == ':' ? i : npos;
    }
    if (!text.empty() && (text[0] == '{' || text[0] == '[')) return npos;
    for (; i < text.size(); ++i) {
        if (text[i] == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return i;
    }
    return npos;
}

class Parser {
  public:
    Parser(std::string_view text, const std::string& file) : file_(file) {
        int number = 0;
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            const std::string_view raw = text.substr(0, end);
            const std::size_t indent = std::min(raw.find_first_not_of(' '), raw.size());
            lines_.push_back({++number, indent, raw, without_comment(raw.substr(indent))});
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    std::vector<Document> documents() {
        std::vector<Document> all;
        for (skip_blank(); at_ < lines_.size(); skip_blank()) {
            if (ends()) {
                const std::string_view rest = line().text.substr(3);
                if (!rest.empty()) fail("a document starts on the line after '---'");
                ++at_;
                continue;
            }
            Document d{file_, node(0)};
            all.push_back(std::move(d));
            skip_blank();
            if (at_ < lines_.size() && !ends()) fail("is not indented like the lines before");
        }
        return all;
    }

  private:
    [[noreturn]] void fail(const std::string& message) const {
        throw InputError({file_, at_ < lines_.size() ? lines_[at_].number : 0, 0}, {}, message);
    }
    Line& line() { return lines_[at_]; }
    /// "---" or "..." in the first column, with a blank or nothing behind it.
    bool ends() {
        const std::string_view raw = line().raw;
        const std::string_view behind = raw.substr(std::min<std::size_t>(raw.size(), 3), 1);
        return (raw.starts_with("---") || raw.starts_with("...")) &&
               behind.find_first_not_of(" \t\r") == npos;
    }
    void skip_blank() {
        while (at_ < lines_.size() && line().text.empty()) ++at_;
        if (at_ < lines_.size() && line().text.front() == '\t') fail("a tab indents; YAML wants blanks");
    }
    /// Whether a line of content stands here, indented by at least `indent`.
    bool more(std::size_t indent) {
        skip_blank();
        return at_ < lines_.size() && !ends() && line().indent >= indent;
    }

    Value node(std::size_t indent) {
        if (!more(indent)) return {};
        if (++depth_ > 100) fail("nesting beyond 100 levels");
        Value v;
        const int number = line().number;
        if (is_item(line().text))
            v.content = sequence(line().indent);
        else if (colon_of(line().text) != npos)
            v.content = mapping(line().indent);
        else {
            const std::string_view first = line().text;
            v = inline_value(first, indent);
        }
        v.line = number;
        --depth_;
        return v;
    }

    Value::Array sequence(std::size_t indent) {
        Value::Array items;
        while (more(indent) && line().indent == indent && is_item(line().text)) {
            const std::size_t rest = line().text.find_first_not_of(' ', 1);
            if (rest == npos) {
                ++at_;
                items.push_back(node(indent + 1));
                continue;
            }
            line().text.remove_prefix(rest);
            line().indent += rest;
            const char c = line().text.front();
            if (c == '|' || c == '>')
                items.push_back(block_scalar(line().text, indent));
            else
                items.push_back(node(line().indent));
        }
        return items;
    }

    Value::Table mapping(std::size_t indent) {
        Value::Table entries;
        while (more(indent) && line().indent == indent && !is_item(line().text)) {
            const std::string_view text = line().text;
            const std::size_t colon = colon_of(text);
            if (colon == npos) fail("expected 'key: value'");
            const std::string key = key_of(text.substr(0, colon));
            for (const auto& [known, value] : entries) {
                if (known == key) fail(std::string("key '").append(key).append("' stands twice"));
            }
            const std::size_t start = text.find_first_not_of(' ', colon + 1);
            entries.emplace_back(key, entry(start == npos ? std::string_view() : text.substr(start), indent));
        }
        if (more(indent) && line().indent > indent) fail("is indented further than the key before it");
        return entries;
    }
    Value entry(std::string_view rest, std::size_t indent) {
        const int number = line().number;
        if (rest.empty()) {
            ++at_;
            if (!more(indent)) return {};
            if (line().indent == indent && is_item(line().text)) {
                Value v;
                v.content = sequence(indent);
                v.line = number;
                return v;
            }
            return line().indent > indent ? node(indent + 1) : Value{};
        }
        if (rest.front() == '|' || rest.front() == '>') return block_scalar(rest, indent);
        return inline_value(rest, indent + 1);
    }
    std::string key_of(std::string_view text) {
        if (text.front() == '"' || text.front() == '\'') {
            return std::get<std::string>(yaml::flow_value(text, {file_, line().number, 0}).content);
        }
        return std::string(trimmed_right(text));
    }

    /// A scalar or a flow collection that starts with `first`; further lines belong to it while brackets or quotes are
    /// open, and to a plain scalar while they are indented by `indent`.
    Value inline_value(std::string_view first, std::size_t indent) {
        const Location where{file_, line().number, 1};
        const char c = first.front();
        if (c == '&' || c == '*' || c == '!') fail("anchors, aliases and tags of YAML are not read");
        std::string text(first);
        ++at_;
        const bool flow = c == '{' || c == '[';
        const bool quoted = c == '"' || c == '\'';
        const auto open = [&] {
            if (flow) return yaml::open_brackets(text) > 0;
            return quoted && end_of_quoted(text, 0) == npos;
        };
        while (at_ < lines_.size() && open()) text.append(" ").append(lines_[at_++].text);
        if (flow || quoted) return yaml::flow_value(text, where);
        while (more(indent) && colon_of(line().text) == npos && !is_item(line().text)) {
            text.append(" ").append(line().text);
            ++at_;
        }
        Value v = yaml::plain_scalar(text);
        v.line = where.line;
        return v;
    }

    Value block_scalar(std::string_view header, std::size_t indent) {
        const bool folded = header.front() == '>';
        const char chomp = header.size() > 1 ? header.back() : ' ';
        Value v;
        v.line = line().number;
        ++at_;
        std::string text;
        std::size_t own = 0;
        for (; at_ < lines_.size(); ++at_) {
            const bool blank = line().raw.find_first_not_of(" \r") == npos;
            if (!blank && own == 0) own = line().indent;
            if (!blank && (line().indent <= indent || line().indent < own)) break;
            text.append(blank ? std::string_view() : trimmed_right(line().raw.substr(own))).append("\n");
        }
        while (text.size() > 1 && text.ends_with("\n\n")) text.pop_back();
        if (folded) fold(text);
        if (chomp == '-' && text.ends_with('\n')) text.pop_back();
        v.content = std::move(text);
        return v;
    }
    static void fold(std::string& text) {
        for (std::size_t i = 0; i + 1 < text.size(); ++i) {
            if (text[i] == '\n' && text[i + 1] != '\n' && (i == 0 || text[i - 1] != '\n')) text[i] = ' ';
        }
    }

    std::string file_;
    std::vector<Line> lines_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

/// Two digits of a byte.
std::string hexadecimal(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    return {digits[byte >> 4], digits[byte & 15]};
}

/// Texts that stand as they are: nothing that YAML reads otherwise.
std::string scalar_text(const std::string& text) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=+()$";
    const bool safe = !text.empty() && text.find_first_not_of(plain) == npos && text.front() != '-' &&
                      !text.starts_with("...") && text.front() != '=' &&
                      std::holds_alternative<std::string>(yaml::plain_scalar(text).content);
    const bool word =
        text == "yes" || text == "no" || text == "on" || text == "off" || text == "y" || text == "n";
    const bool digits = !text.empty() && text.find_first_not_of("0123456789_.+-eExXoabcdfABCDF") == npos;
    if (safe && !word && !digits) return text;
    std::string s("\"");
    for (const char c : text) {
        if (c == '"' || c == '\\') s += '\\';
        if (c == '\n')
            s.append("\\n");
        else if (c == '\t')
            s.append("\\t");
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            s.append("\\x").append(hexadecimal(c));
        else
            s += c;
    }
    return s += '"';
}

bool is_collection(const Value& v) {
    if (const auto* t = std::get_if<Value::Table>(&v.content)) return !t->empty();
    const auto* a = std::get_if<Value::Array>(&v.content);
    return a != nullptr && !a->empty();
}

std::string scalar(const Value& v) {
    if (const auto* s = std::get_if<std::string>(&v.content)) return scalar_text(*s);
    if (const auto* b = std::get_if<bool>(&v.content)) return *b ? "true" : "false";
    if (const auto* i = std::get_if<std::int64_t>(&v.content)) return std::to_string(*i);
    if (const auto* d = std::get_if<double>(&v.content))
        return *d == 0 ? "0" : shortest(*d);   // "-0" reads as 0
    if (std::holds_alternative<Value::Table>(v.content)) return "{}";
    return std::holds_alternative<Value::Array>(v.content) ? "[]" : "null";
}

}   // namespace

std::vector<Document> parse_yaml(std::string_view text, const std::string& file) {
    return Parser(text, file).documents();
}

std::string to_yaml(const Value& v, std::size_t indent) {
    const std::string blanks(indent, ' ');
    std::string s;
    if (!is_collection(v)) return std::string(blanks).append(scalar(v)).append("\n");
    if (const auto* t = std::get_if<Value::Table>(&v.content)) {
        for (const auto& [key, value] : *t) {
            s.append(blanks).append(scalar_text(key)).append(":");
            if (is_collection(value))
                s.append("\n").append(to_yaml(value, indent + 2));
            else
                s.append(" ").append(scalar(value)).append("\n");
        }
        return s;
    }
    for (const Value& item : std::get<Value::Array>(v.content)) {
        std::string inner = to_yaml(item, indent + 2);
        inner[indent] = '-';
        s.append(inner);
    }
    return s;
}

Value yaml_text(std::string_view text) {
    Value v;
    v.content = std::string(text);
    return v;
}
Value yaml_number(double number) {
    Value v;
    v.content = number;
    return v;
}
Value yaml_flag(bool flag) {
    Value v;
    v.content = flag;
    return v;
}
Value yaml_list(Value::Array items) {
    Value v;
    v.content = std::move(items);
    return v;
}
Value yaml_map(Value::Table entries) {
    Value v;
    v.content = std::move(entries);
    return v;
}

void set_path(Value& root, std::string_view path, Value value) {
    if (!std::holds_alternative<Value::Table>(root.content)) root.content = Value::Table{};
    auto& table = std::get<Value::Table>(root.content);
    const std::size_t dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    auto it = std::find_if(table.begin(), table.end(), [&](const auto& e) { return e.first == key; });
    if (it == table.end()) it = table.insert(table.end(), {std::string(key), Value{}});
    if (dot == std::string_view::npos)
        it->second = std::move(value);
    else
        set_path(it->second, path.substr(dot + 1), std::move(value));
}

}   // namespace moecost
