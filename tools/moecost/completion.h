// SPDX-License-Identifier: Apache-2.0
// What a shell may offer for the word at the cursor. The scripts that `moecost completion` prints ask for it by the
// hidden command `moecost complete -- WORDS...`.
#pragma once

#include <string>
#include <vector>

namespace moecost::cli {

inline constexpr std::string_view complete_command = "complete";

/// One candidate on each line, for the last of `words` (what follows the program's name; it may be empty). The lines
/// ":files" and ":folders" stand for paths, which the shell knows best. Never fails: a line that makes no sense yet has
/// no candidates.
[[nodiscard]] std::string completions(const std::vector<std::string>& words);

}   // namespace moecost::cli
