// SPDX-License-Identifier: Apache-2.0
// Command-line options as plain values. Boost.Program_options stays behind this header, in command_line.cpp alone.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moecost {
struct Input;
}

namespace moecost::cli {

/// One option of a command; an empty argument makes it a switch.
struct Flag {
    std::string_view key;
    std::string_view argument;
    std::string_view group;
    std::string_view help;
    char letter = 0;
    std::span<const std::string_view> aliases{};   // read as `key`; not shown in help
    std::string_view usual{};       // what it means not to be given; help adds "(default: ...)"
    const Input* input = nullptr;   // the input of a deployment that it sets
    // What completion offers: words "a|b|c", or lists "@gpu" (names of that input), "@laws", "@lists", ...
    std::string_view values{};
};

struct Setting {
    std::string key;
    std::string text;   // empty for a switch
};

struct CommandLine {
    std::vector<Setting> settings;   // in the order they were given
    std::vector<std::string> positional;

    [[nodiscard]] bool has(std::string_view key) const;
    /// The last value given for a key, or nothing.
    [[nodiscard]] const std::string* find(std::string_view key) const;
};

/// InputError names the option that is unknown (with the nearest one) or lacks its argument.
[[nodiscard]] CommandLine parse_command_line(std::span<const Flag> flags,
                                             const std::vector<std::string>& arguments);

/// The options in their groups, for --help, within `width` columns.
[[nodiscard]] std::string options_help(std::span<const Flag> flags, std::size_t width);
/// "mean prompt length (default: 1024)"
[[nodiscard]] std::string help_of(const Flag& flag);

}   // namespace moecost::cli
