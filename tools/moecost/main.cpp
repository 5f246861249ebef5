// SPDX-License-Identifier: Apache-2.0
// Dispatches to a command and turns what happens into an exit status: 0 answered, 1 the machine failed, 2 the input
// is wrong, 3 infeasible, 130 interrupted. Answers go to stdout, everything else to stderr.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <system_error>

#include "completion.h"
#include "help.h"
#include "moecost/base/file.h"
#include "moecost/base/written_number.h"
#include "text.h"

namespace moecost::cli {
namespace {

void print(std::FILE* stream, std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
    if (!written || std::fflush(stream) != 0) throw SystemError("standard output: cannot write");
}

/// Messages are for who listens: nobody does when stderr is closed.
void tell(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}

/// A number below 3 that is free would be given to the next file that is opened, and messages would land in it.
void occupy_standard_streams() {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
        if (::fcntl(stream, F_GETFD) >= 0) continue;
        const int flags =
            stream == STDOUT_FILENO ? O_RDONLY : O_WRONLY;   // an answer that nobody gets is a failure
        if (::open("/dev/null", flags) != stream) return;
    }
}

Format format_named(const std::string& name) {
    if (name == "text") return Format::text;
    if (name == "json") return Format::json;
    if (name == "csv") return Format::csv;
    std::string message("'");
    const std::vector<std::string> known{"text", "json", "csv"};
    throw InputError({"--format"}, {}, message.append(name).append("' is not a format"),
                     name_hint(name, known));
}

bool colour_wanted(const CommandLine& line) {
    const char* variable = std::getenv("NO_COLOR");
    const bool refused = line.has("no-color") || (variable != nullptr && *variable != '\0');
    return !refused && !line.has("output") && isatty(STDOUT_FILENO) != 0;
}

/// Columns of the terminal, else of the variable COLUMNS, else the usual page; never below 80.
std::size_t page_columns() {
    constexpr std::size_t least = 80;
    winsize size{};
    if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return std::max<std::size_t>(least, size.ws_col);
    }
    const char* variable = std::getenv("COLUMNS");
    const auto columns = variable != nullptr ? plain_number(variable) : std::nullopt;
    if (!columns || !(*columns >= 1 && *columns <= 10000)) return page_width;
    return std::max(least, static_cast<std::size_t>(*columns));
}

std::string value_or(const CommandLine& line, std::string_view key, std::string_view fallback) {
    const std::string* text = line.find(key);
    return text != nullptr ? *text : std::string(fallback);
}

Invocation invocation_of(const Command& command, CommandLine line) {
    Invocation i;
    i.data = DataStore(value_or(line, "data-dir", ""));
    i.format = format_named(value_or(line, "format", "text"));
    i.quiet = line.has("quiet");
    i.verbose = line.has("verbose");
    i.colour = colour_wanted(line);
    i.width = page_columns();
    i.terminal = !line.has("output") && isatty(STDOUT_FILENO) != 0;
    i.output = value_or(line, "output", "");
    const auto own = command.flags();
    std::erase_if(line.settings, [&](const Setting& s) {
        return std::none_of(own.begin(), own.end(), [&](const Flag& f) { return f.key == s.key; });
    });
    i.line = std::move(line);
    return i;
}

/// An unset variable of a script is no wish for the default.
void refuse_empty(const std::vector<Flag>& flags, const CommandLine& line) {
    for (const Setting& setting : line.settings) {
        const auto flag =
            std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.key == setting.key; });
        if (flag == flags.end() || flag->argument.empty() || !setting.text.empty()) continue;
        throw InputError({std::string("--").append(setting.key)}, {}, "is empty",
                         "leave the option out for its default");
    }
    for (const std::string& argument : line.positional) {
        if (argument.empty()) throw InputError({"command line"}, {}, "an argument is empty");
    }
}

/// An answer must not destroy what it was computed from.
void protect_inputs(const CommandLine& line) {
    const std::string* output = line.find("output");
    if (output == nullptr) return;
    if (*output == "-") {
        throw InputError({"--output"}, {}, "'-' names no file",
                         "without --output the answer goes to standard output");
    }
    const auto check = [&](const std::string& input) {
        std::error_code ec;
        const bool same =
            std::filesystem::is_regular_file(input, ec) && std::filesystem::equivalent(input, *output, ec);
        if (same || input == *output)
            throw InputError({"--output"}, {}, std::string("would overwrite ").append(input));
    };
    for (const std::string& input : line.positional) check(input);
    for (const Setting& setting : line.settings) {
        if (setting.key != "output") check(setting.text);
    }
}

/// Every status but 0 says a line, for who sees only stderr.
std::string messages_of(const Answer& answer) {
    std::string s = answer.messages;
    if (answer.status == infeasible && s.find("moecost: ") == std::string::npos)
        s.insert(0, "moecost: infeasible, or an objective is missed: the answer says which\n");
    return s;
}

/// "next: moecost ...", on stderr: what is read by a program stays as it is.
std::string suggestion(const Answer& answer, const Invocation& in) {
    if (answer.next.empty() || in.quiet || !in.terminal || in.format != Format::text) return {};
    return std::string("next: ").append(answer.next).append("\n");
}

int run_command(const Command& command, const std::vector<std::string>& arguments) {
    const std::vector<Flag> flags = all_flags(command);
    CommandLine line = parse_command_line(flags, arguments);
    if (line.has("help")) {
        print(stdout, command_help(command, page_columns()));
        return answered;
    }
    refuse_empty(flags, line);
    protect_inputs(line);
    const std::string output = value_or(line, "output", "");
    const Invocation invocation = invocation_of(command, std::move(line));
    const Answer answer = command.run(invocation);
    if (output.empty() || answer.file_written)
        print(stdout, answer.output);
    else if (!answer.output.empty())
        write_file(output, answer.output);
    tell(messages_of(answer).append(suggestion(answer, invocation)));
    return answer.status;
}

int run_program(const std::vector<std::string>& arguments) {
    if (arguments.empty())
        throw InputError({}, {}, "no command is given", "moecost --help shows the commands");
    const std::string& first = arguments[0];
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (first == "--version") {
        print(stdout, "moecost " MOECOST_VERSION "\n");
        return answered;
    }
    if (first == "--help" || first == "-h" || first == "help") {
        print(stdout, rest.empty() ? program_help(page_columns())
                                   : command_help(command_named(rest[0]), page_columns()));
        return answered;
    }
    if (first == complete_command) {
        const auto begin = rest.begin() + (rest.empty() || rest[0] != "--" ? 0 : 1);
        print(stdout, completions({begin, rest.end()}));
        return answered;
    }
    if (first.starts_with('-')) {
        throw InputError({first}, {}, "stands before the command", "moecost COMMAND [options]");
    }
    return run_command(command_named(first), rest);
}

int fail(int status, std::string_view what, std::string_view hint = {}) {
    std::string message("moecost: ");
    message.append(what).append("\n");
    if (!hint.empty()) message.append("hint: ").append(hint).append("\n");
    tell(message);
    return status;
}

}   // namespace
}   // namespace moecost::cli

int main(int argc, char** argv) {
    using namespace moecost::cli;
    occupy_standard_streams();
    std::signal(SIGINT, [](int) { std::_Exit(interrupted); });
    std::signal(SIGXFSZ, SIG_IGN);   // a file beyond the limit of its size fails like a full disk
    try {
        return run_program(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    } catch (const moecost::InputError& e) {
        return fail(wrong_input, e.what(), e.hint());
    } catch (const std::bad_alloc&) {
        tell("moecost: out of memory\n");   // nothing is left to compose a message with
        return machine_failed;
    } catch (const moecost::SystemError& e) {
        return fail(machine_failed, e.what());
    } catch (const std::system_error& e) {   // of the standard library: files, folders, threads
        return fail(machine_failed, moecost::printable(e.what()));
    } catch (const std::exception& e) {
        return fail(machine_failed, std::string("internal error: ").append(moecost::printable(e.what())));
    }
}
