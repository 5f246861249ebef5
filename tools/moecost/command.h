// SPDX-License-Identifier: Apache-2.0
// What a command is: a verb, the question it answers, its options, and a function from an invocation to an answer.
// Commands compute and return text; only main.cpp writes it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "moecost/base/data.h"

namespace moecost::cli {

/// Exit statuses of the program.
inline constexpr int answered = 0;
inline constexpr int machine_failed = 1;
inline constexpr int wrong_input = 2;
inline constexpr int infeasible = 3;
inline constexpr int interrupted = 130;
inline constexpr int terminated = 143;

enum class Format { text, json, csv };

struct Answer {
    std::string output;     // to stdout, or to --output
    std::string messages;   // whole lines to stderr
    int status = answered;
    bool file_written = false;   // that of --output, by the command itself: `output` goes to stdout
    std::string next{};          // a command line that goes on from here, told on a terminal
};

struct Invocation {
    CommandLine line;   // without the shared options
    DataStore data;
    Format format = Format::text;
    bool quiet = false;
    bool verbose = false;
    bool colour = false;
    std::size_t width = 100;   // columns of text: of the terminal, or of COLUMNS, at least 80
    bool terminal = false;     // a person looks at it: tables are cut where it is too narrow, never in a pipe
    std::string output;   // of --output; commands that stream write it themselves and answer with nothing
};

struct Command {
    std::string_view name;
    std::string_view question;
    std::string_view usage;     // what follows the name
    std::string_view example;   // a line that runs as it stands
    std::vector<Flag> (*flags)();
    Answer (*run)(const Invocation& invocation);
    std::string_view operands{};   // what stands without an option, as Flag::values says it; for completion
};

/// Every command, in the order help shows them.
[[nodiscard]] std::span<const Command> commands();
/// InputError names the nearest command.
[[nodiscard]] const Command& command_named(std::string_view name);
/// The options of a command, the shared ones last.
[[nodiscard]] std::vector<Flag> all_flags(const Command& command);
/// The options of every deployment (description.h) as flags of a command.
[[nodiscard]] std::vector<Flag> description_flags();

/// A file named on the command line, as text or as a TOML or JSON document; InputError when there is none.
[[nodiscard]] std::string read_input(const std::string& path);
[[nodiscard]] Document read_document(const std::string& path);

[[nodiscard]] Answer run_estimate(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> estimate_flags();
[[nodiscard]] Answer run_plan(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> plan_flags();
[[nodiscard]] Answer run_diff(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> diff_flags();
[[nodiscard]] Answer run_report(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> report_flags();
[[nodiscard]] Answer run_params(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> params_flags();
[[nodiscard]] Answer run_list(const Invocation& invocation);
[[nodiscard]] Answer run_import(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> import_flags();
[[nodiscard]] Answer run_launch(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> launch_flags();
[[nodiscard]] Answer run_validate(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> validate_flags();
[[nodiscard]] Answer run_sweep(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> sweep_flags();
[[nodiscard]] Answer run_design(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> design_flags();
[[nodiscard]] Answer run_law(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> law_flags();
[[nodiscard]] Answer run_fit(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> fit_flags();
[[nodiscard]] Answer run_calibrate(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> calibrate_flags();
[[nodiscard]] Answer run_merge(const Invocation& invocation);
[[nodiscard]] Answer run_doctor(const Invocation& invocation);
[[nodiscard]] Answer run_man(const Invocation& invocation);
[[nodiscard]] std::vector<Flag> man_flags();
[[nodiscard]] Answer run_completion(const Invocation& invocation);

}   // namespace moecost::cli
