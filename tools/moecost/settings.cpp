// SPDX-License-Identifier: Apache-2.0
// What was given on a command line, without the library that reads it: the planner page brings its own settings.
#include <algorithm>

#include "command_line.h"

namespace moecost::cli {

bool CommandLine::has(std::string_view key) const { return find(key) != nullptr; }

const std::string* CommandLine::find(std::string_view key) const {
    const auto it =
        std::find_if(settings.rbegin(), settings.rend(), [&](const auto& s) { return s.key == key; });
    return it == settings.rend() ? nullptr : &it->text;
}

}   // namespace moecost::cli
