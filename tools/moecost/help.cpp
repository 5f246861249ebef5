// SPDX-License-Identifier: Apache-2.0
#include "help.h"

#include <algorithm>

#include "moecost/base/format.h"
#include "text.h"

namespace moecost::cli {

std::string program_help(std::size_t width) {
    std::string s("moecost: what a token of a Mixture-of-Experts model costs on rented GPUs\n\n");
    s.append("usage: moecost COMMAND [options]\n\n");
    for (const Command& command : commands()) {
        // wrapped() breaks at single blanks: the columns of the name are dots until it is done.
        std::string line(align_left(command.name, 12));
        std::replace(line.begin(), line.end(), ' ', '.');
        line = wrapped(std::string("..").append(line).append(command.question), 14, width);
        std::replace(line.begin(), line.begin() + 14, '.', ' ');
        s.append(line);
    }
    s.append("\n  moecost COMMAND --help      options of a command, with an example\n");
    s.append("  moecost --version           version of the program\n");
    return s.append("\n").append(wrapped(
        "Exit status: 0 answered, 1 the machine failed, 2 the input is wrong, 3 infeasible, 130 interrupted.",
        2, width));
}

std::string command_help(const Command& command, std::size_t width) {
    std::string title("moecost ");
    std::string s = wrapped(title.append(command.name).append(": ").append(command.question), 4, width);
    std::string usage("usage: moecost ");
    usage.append(command.name);
    if (!command.usage.empty()) usage.append(" ").append(command.usage);
    s.append("\n").append(wrapped(usage, 4, width));
    s.append(options_help(all_flags(command), width));
    s.append("\nExample:\n  ").append(command.example).append("\n");
    return s;
}

}   // namespace moecost::cli
