// SPDX-License-Identifier: Apache-2.0
// Scalars and flow collections of YAML on one line of text; the blocks around them are read in yaml.cpp.
#pragma once

#include <string_view>

#include "moecost/base/value.h"

namespace moecost::yaml {

/// A plain scalar by the core schema: null, true/false, a number, else text.
[[nodiscard]] Value plain_scalar(std::string_view text);
/// A whole flow value: {...}, [...], quoted or plain. InputError when something follows or is unclosed.
[[nodiscard]] Value flow_value(std::string_view text, const Location& where);
/// The end of the quoted text that starts at `start`, behind its closing quote; npos: it is not closed.
[[nodiscard]] std::size_t end_of_quoted(std::string_view text, std::size_t start);
/// Brackets opened less brackets closed, quoted texts skipped.
[[nodiscard]] int open_brackets(std::string_view text);

}   // namespace moecost::yaml
