// SPDX-License-Identifier: Apache-2.0
// What goes wrong when reading what a person wrote: one line that says where, what was found and what is allowed.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace moecost {

/// Where a value stands: file (or command-line option), line and column from 1 (0: not known).
struct Location {
    std::string file;
    int line = 0;
    int column = 0;
    std::string key{};   // named in messages that name no key of their own
};

/// Thrown only while reading input. what() is `FILE:LINE:COL: key 'K': MESSAGE`; hint() may add a second line.
class InputError : public std::runtime_error {
  public:
    InputError(const Location& where, std::string_view key, std::string_view message, std::string hint = {});
    [[nodiscard]] const std::string& hint() const { return hint_; }

  private:
    std::string hint_;
};

/// The machine failed (disk, memory), not the input: the program exits with 1. what() is one line.
class SystemError : public std::runtime_error {
  public:
    explicit SystemError(std::string_view message);
};

/// Text from outside as one line that a terminal shows as it is: control characters and bytes that are no UTF-8 as
/// \n, \x1b; cut in the middle beyond 1,000 bytes.
[[nodiscard]] std::string printable(std::string_view text);

/// The candidate closest to `name` by edit distance, empty when none is close (more than a third differs).
std::string_view nearest_name(std::string_view name, std::span<const std::string> candidates);

/// "did you mean 'x'?" for the closest candidate, else "one of: a, b, c" (at most 12 of them).
std::string name_hint(std::string_view name, std::span<const std::string> candidates);

}   // namespace moecost
