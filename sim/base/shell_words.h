// SPDX-License-Identifier: Apache-2.0
// Words of a POSIX shell: a script cut into commands, and words quoted so that a shell reads them back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/error.h"

namespace moecost {

struct ShellCommand {
    std::vector<std::string> words;
    int line = 0;   // of its first word
};

/// Single quotes are literal, double quotes know backslash escapes, a backslash at the end of a line joins it with the
/// next, '#' starts a comment. Commands end at a new line, ';', '&', '|'; redirections with their targets are left out.
/// Variables and substitutions stay as they are written. InputError for a quote that is not closed.
[[nodiscard]] std::vector<ShellCommand> shell_commands(std::string_view text, const std::string& file);

/// The word, in single quotes where a shell would read more than letters into it.
[[nodiscard]] std::string shell_quoted(std::string_view word);
[[nodiscard]] std::string shell_line(const std::vector<std::string>& words);

}   // namespace moecost
