// SPDX-License-Identifier: Apache-2.0
#include "help.h"

#include <algorithm>

#include "moecost/base/format.h"
#include "moecost/estimate/inputs.h"
#include "text.h"

namespace moecost::cli {
namespace {

/// Text for troff: backslashes and leading dots or quotes have a meaning there, minus signs need a backslash.
std::string troff(std::string_view text) {
    std::string s;
    if (text.starts_with('.') || text.starts_with('\'')) s.append("\\&");
    for (const char c : text) {
        if (c == '\\')
            s.append("\\e");
        else if (c == '-')
            s.append("\\-");
        else
            s += c;
    }
    return s;
}

/// What an option does, what it may be and its other names.
std::string man_text(const Flag& flag) {
    std::string s = help_of(flag);
    if (flag.input == nullptr) return s;
    s.append(".");
    if (const std::string allowed = range_text(*flag.input); !allowed.empty())
        s.append(" Allowed: ").append(allowed).append(".");
    if (!flag.input->choices.empty()) s.append(" One of: ").append(flag.input->choices).append(".");
    std::string names;
    for (const std::string_view alias : flag.aliases) {
        if (!alias.empty()) names.append(names.empty() ? "" : ", ").append("--").append(alias);
    }
    if (!names.empty()) s.append(" Also: ").append(names).append(".");
    return s;
}

std::string man_options(const Command& command) {
    std::string s;
    std::string_view group;
    for (const Flag& flag : all_flags(command)) {
        if (flag.group != group) {
            group = flag.group;
            s.append(".PP\n").append(troff(group)).append(":\n");
        }
        s.append(".TP\n.B ");
        if (flag.letter != 0) s.append("\\-").append(1, flag.letter).append(", ");
        s.append("\\-\\-").append(troff(flag.key));
        if (!flag.argument.empty()) s.append(" \\fI").append(troff(flag.argument)).append("\\fR");
        s.append("\n").append(troff(man_text(flag))).append("\n");
    }
    return s;
}

}   // namespace

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

Answer run_man(const Invocation&) {
    std::string s(".TH MOECOST 1 \"\" \"moecost " MOECOST_VERSION "\" \"User Commands\"\n");
    s.append(".SH NAME\nmoecost \\- what a token of a Mixture\\-of\\-Experts model costs on rented GPUs\n");
    s.append(".SH SYNOPSIS\n.B moecost\n\\fICOMMAND\\fR [options]\n");
    for (const Command& command : commands()) {
        std::string title(command.name);
        std::transform(title.begin(), title.end(), title.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
        s.append(".SH ").append(title).append("\n.B moecost ").append(command.name).append("\n");
        s.append(troff(command.usage)).append("\n.PP\n").append(troff(command.question)).append("\n");
        s.append(man_options(command));
        s.append(".PP\nExample:\n.PP\n.nf\n    ").append(troff(command.example)).append("\n.fi\n");
    }
    s.append(
        ".SH EXIT STATUS\n0 answered, 1 the machine failed, 2 the input is wrong, 3 infeasible, 130 "
        "interrupted.\n");
    return {s, {}, answered};
}

}   // namespace moecost::cli
