// SPDX-License-Identifier: Apache-2.0
// TOML to Value through toml++; the only file that includes it.
#include <toml++/toml.h>

#include <algorithm>

#include "moecost/base/value.h"

namespace moecost {
namespace {

constexpr int max_depth = 100;
// A value of two bytes takes 150 to 360 bytes while toml++'s tree stands beside ours, those of JSON 54 to 170 (measured
// peaks): half as many as a document may hold.
constexpr std::size_t max_toml_values = max_document_values / 2;
constexpr std::string_view too_deep = "nested deeper than 100 levels";

bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/// toml++ 3.3 bounds nested values but not dotted keys, whose tables it frees recursively: a line of thousands
/// of key parts would exhaust the stack. Quoted parts may hold any character, so their dots are counted apart.
void refuse_deep_keys(std::string_view text, const std::string& file) {
    int line = 1;
    int bare = 0;
    int quoted = 0;
    char before = '\n';   // the last character that is no blank
    for (const char c : text) {
        if (c == ' ' || c == '\t') continue;
        const bool quote = c == '"' || c == '\'';
        if (c == '\n') {
            ++line;
            bare = quoted = 0;
        } else if (c == '.') {
            if (before == '"' || before == '\'') ++quoted;
            bare = before == '.' ? 0 : bare + 1;
        } else if (quote && before == '.') {
            ++quoted;
        } else if (!quote && !is_bare(c)) {
            bare = 0;
        }
        if (bare > max_depth || quoted > 2 * max_depth) throw InputError({file, line}, {}, too_deep);
        before = c;
    }
}

/// toml++ builds a tree of nodes before it can be counted. Every value needs a separator before it; those in texts
/// and comments count too, which no file of this many lines minds.
void refuse_many_values(std::string_view text, const std::string& file) {
    const auto separators =
        std::count_if(text.begin(), text.end(), [](char c) { return c == ',' || c == '=' || c == '['; });
    if (static_cast<std::size_t>(separators) > max_toml_values)
        throw InputError({file}, {}, "more than 1,000,000 values");
}

Value convert(const toml::node& node, const std::string& file, int depth) {
    Value v;
    v.line = static_cast<int>(node.source().begin.line);
    v.column = static_cast<int>(node.source().begin.column);
    if (depth > max_depth) throw InputError({file, v.line, v.column}, {}, too_deep);
    if (const auto* table = node.as_table()) {
        Value::Table content;
        for (const auto& [key, item] : *table) {
            content.emplace_back(std::string(key.str()), convert(item, file, depth + 1));
        }
        // toml++ sorts by name; readers and messages want the order of the file.
        std::stable_sort(content.begin(), content.end(), [](const auto& a, const auto& b) {
            return std::pair(a.second.line, a.second.column) < std::pair(b.second.line, b.second.column);
        });
        v.content = std::move(content);
    } else if (const auto* array = node.as_array()) {
        Value::Array content;
        for (const toml::node& item : *array) content.push_back(convert(item, file, depth + 1));
        v.content = std::move(content);
    } else if (const auto* text = node.as_string()) {
        v.content = text->get();
    } else if (const auto* integer = node.as_integer()) {
        v.content = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
        v.content = number->get();
    } else if (const auto* flag = node.as_boolean()) {
        v.content = flag->get();
    } else {
        throw InputError({file, v.line, v.column}, {}, "dates must be written as text in quotes");
    }
    return v;
}

}   // namespace

Document parse_toml(std::string_view text,
                    std::string file) {   // NOLINT(performance-unnecessary-value-param)
    if (text.size() > (std::size_t{64} << 20)) throw InputError({file}, {}, "larger than 64 MiB");
    refuse_deep_keys(text, file);
    refuse_many_values(text, file);
    try {
        const toml::table table = toml::parse(text, file);
        return {file, convert(table, file, 0)};
    } catch (const toml::parse_error& e) {
        const Location where{file, static_cast<int>(e.source().begin.line),
                             static_cast<int>(e.source().begin.column)};
        throw InputError(where, {}, std::string("malformed TOML: ").append(e.description()));
    }
}

}   // namespace moecost
