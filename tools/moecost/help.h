// SPDX-License-Identifier: Apache-2.0
// Help pages, written from the tables of commands and options.
#pragma once

#include <string>

#include "command.h"

namespace moecost::cli {

[[nodiscard]] std::string program_help(std::size_t width);
[[nodiscard]] std::string command_help(const Command& command, std::size_t width);

}   // namespace moecost::cli
