// SPDX-License-Identifier: Apache-2.0
// Values of options as numbers and lists; InputError names the option, what was found and what is allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command.h"

namespace moecost::cli {

/// "--option: 'value' WHAT".
[[noreturn]] void refuse(std::string_view option, std::string_view value, std::string_view what,
                         std::string hint = {});
/// Words that stand without an option, for a command that takes none: the hint writes those that name a model or an
/// accelerator ("8xh200" too) as options. Returns where there are none.
void refuse_words(const Invocation& invocation, std::string_view command);
/// The parts between commas.
[[nodiscard]] std::vector<std::string> split(std::string_view text);
[[nodiscard]] double number(std::string_view option, std::string_view text, double low, double high);
[[nodiscard]] int whole(std::string_view option, std::string_view text, int low, int high);
/// "1,2,4", or "1..64": the powers of two between. Ascending, each once.
[[nodiscard]] std::vector<int> whole_list(std::string_view option, std::string_view text, int low, int high);
// The same of an option that may be left out.
[[nodiscard]] double number_or(const CommandLine& line, std::string_view option, double fallback, double low,
                               double high);
[[nodiscard]] int whole_or(const CommandLine& line, std::string_view option, int fallback, int low, int high);
[[nodiscard]] std::vector<int> whole_list_or(const CommandLine& line, std::string_view option,
                                             std::vector<int> fallback, int low, int high);

}   // namespace moecost::cli
