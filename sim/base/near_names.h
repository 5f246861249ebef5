// SPDX-License-Identifier: Apache-2.0
// Hints for names out of long lists (error.h has those of short ones).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moecost {

/// Candidates that hold three fifths of the name in one piece, four letters at least (all of a shorter name), or whose parts
/// between '-' are four fifths parts of the name ("llama-3.3-70b-instruct-fp8" and "llama-3.3-70b"); without regard to case
/// and to '-' against '_'. The nearest first: letters shared less those of its own.
[[nodiscard]] std::vector<std::string_view> related_names(std::string_view name,
                                                          std::span<const std::string> candidates);
/// "did you mean a, b? all names: COMMAND": the closest by edit distance, and all related ones.
[[nodiscard]] std::string names_hint(std::string_view name, std::span<const std::string> candidates,
                                     std::string_view command);

}   // namespace moecost
