// SPDX-License-Identifier: Apache-2.0
// Options that stand in a sentence about what to do instead: "--tp 1 --attention-dp 16, or --tp 16 --attention-dp 1".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moecost {

/// Options over those given: key without dashes, and value.
using Change = std::vector<std::pair<std::string, std::string>>;

/// The alternatives of a sentence, in order. "or" begins one; a word after it that is no option is another value of the
/// option before ("--engine vllm or sglang"). What stands in parentheses is left out; so is an option without a value.
[[nodiscard]] std::vector<Change> options_in(std::string_view sentence);

/// "--tp 8 --ep 8"
[[nodiscard]] std::string text_of(const Change& change);

}   // namespace moecost
