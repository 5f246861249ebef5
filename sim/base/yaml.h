// SPDX-License-Identifier: Apache-2.0
// The part of YAML that deployment files are written in, as values with positions, and back. Block and flow collections,
// plain, quoted and block scalars, comments and several documents in a file; no anchors, aliases, tags or directives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"

namespace moecost {

/// Every document of the text. InputError with file and line for what the subset lacks, duplicate keys, unclosed quotes
/// and nesting beyond 100 levels. true/false, null/~ and numbers are read as such (YAML 1.2 core schema).
[[nodiscard]] std::vector<Document> parse_yaml(std::string_view text, const std::string& file);

/// A value as YAML in block style, `indent` blanks before each line; texts that would read as something else are quoted.
[[nodiscard]] std::string to_yaml(const Value& value, std::size_t indent = 0);

/// Shorthands that build values.
[[nodiscard]] Value yaml_text(std::string_view text);
[[nodiscard]] Value yaml_number(double number);
[[nodiscard]] Value yaml_flag(bool flag);
[[nodiscard]] Value yaml_list(Value::Array items);
[[nodiscard]] Value yaml_map(Value::Table entries);

/// Sets a.b.c in a table, tables between made as needed.
void set_path(Value& root, std::string_view path, Value value);

}   // namespace moecost
