// SPDX-License-Identifier: Apache-2.0
// The one table of what a person can set. Flags, scenario files, axes of grids, columns, the echo of JSON, the line that
// reproduces an answer, help, man page and completion come from it. A new input is one row here, its member of
// Description, and the law that uses it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/estimate/description.h"
#include "moecost/estimate/scenario.h"

namespace moecost {

/// How the text of an input reads, and how a figure of it is shown.
enum class InputKind {
    name,         // of something known (models, accelerators, ...) or a path to its file
    format,       // a number format
    word,         // one of `choices`
    whole,        // a whole number
    count,        // a number; 3k, 7B
    parameters,   // a number of parameters; 7B
    share,        // 0.9, 90%
    tokens,       // 3k
    seconds,      // 2s, 50ms
    gigabytes,    // 10^9 bytes
    money,        // dollars per GPU-hour, or the name of a basis
    toggle,       // on or off
    objective,    // seconds of the mean, or of a percentile: p95:2s
    edit          // KEY=VALUE, may be repeated
};

/// When an input is resolved: names once for each combination, choices of family members after them, numbers at last.
enum class InputStage { names, member, numbers };

/// A kind of load; the input is its size.
struct LoadSlot {
    std::size_t kind;   // index of the variant Load
    Load (*make)(double size);
};
struct EditSlot {};
/// Dollars, or a basis: usd_per_gpu_hour or price of a description.
struct PriceSlot {};
/// Seconds, and the level of the percentile they are an objective of.
struct ObjectiveSlot {
    std::optional<double> Description::*seconds;
    std::optional<double> Description::*level;
};
/// Of one of two pools.
struct PoolSlot {
    PoolChoices Description::*pool;
    std::variant<std::string PoolChoices::*, std::optional<int> PoolChoices::*,
                 std::optional<double> PoolChoices::*>
        member;
};
using InputSlot = std::variant<std::string Description::*, std::optional<double> Description::*,
                               std::optional<int> Description::*, std::optional<bool> Description::*,
                               std::vector<std::string> Description::*, LoadSlot, EditSlot, PriceSlot,
                               ObjectiveSlot, PoolSlot>;

/// Looks at a description and what became of it. `estimate` is null before the evaluation.
struct Estimate;
struct StepReport;
struct View {
    const Description* description = nullptr;
    const Scenario* scenario = nullptr;
    const Estimate* estimate = nullptr;
    const StepReport* steps = nullptr;   // operation by operation; null where nobody asked
};

struct Input {
    std::string_view key;   // --key; columns and JSON write '_' for '-'
    InputKind kind;
    InputStage stage;
    Range range;                 // of numbers
    std::string_view argument;   // how help writes the value; empty: a switch
    std::string_view usual;      // what an input that is not given means, for help
    std::string_view group;
    std::string_view help;
    InputSlot slot;
    // The value in use: given, or what its default became. Not-a-number and an empty text: it does not apply.
    double (*number)(const View& view) = nullptr;
    std::string_view (*text)(const View& view) = nullptr;
    std::string_view choices{};                  // of words, separated by '|'
    std::array<std::string_view, 5> aliases{};   // the field's and the engines' own words for the same thing
};

[[nodiscard]] std::span<const Input> inputs();
/// By key or alias, '_' and '-' alike; null when there is none.
[[nodiscard]] const Input* input_named(std::string_view name);
/// Keys of all inputs as columns and files spell them.
[[nodiscard]] std::vector<std::string> input_keys();
/// The key with '_' for '-'.
[[nodiscard]] std::string column_of(const Input& input);
/// "Model", "Hardware", ...: the file or folder that names of this input are looked up in; empty: none.
[[nodiscard]] std::string_view folder_of(const Input& input);
[[nodiscard]] bool is_numeric(InputKind kind);
/// "whole", "tokens", ...
[[nodiscard]] std::string_view name_of(InputKind kind);
/// "tokens", "s", "GB", ...; empty: it has none.
[[nodiscard]] std::string_view unit_of(InputKind kind);
/// "1..65536"; empty where it is no number.
[[nodiscard]] std::string range_text(const Input& input);

/// The number that a text stands for (a switch: 0 or 1); InputError names what is allowed.
[[nodiscard]] double parse_number(const Input& input, std::string_view text, const Location& where);
/// Sets an input from text; InputError names what is allowed. A second load of another kind is refused.
void set_input(Description& description, const Input& input, std::string_view text, const Location& where);
/// Sets an input of stage `numbers` to a number that parse_number() gave. Allocates nothing.
void set_number(Description& description, const Input& input, double value);
/// By key; InputError names the nearest key.
void set_option(Description& description, std::string_view key, std::string_view text, const Location& where);
/// What is given, as text that set_input() reads back; one entry for each edit; empty: not given.
[[nodiscard]] std::vector<std::string> texts_of(const Description& description, const Input& input);
/// The number given for an input of stage `member` or `numbers`; nothing: not given, or no number.
[[nodiscard]] std::optional<double> given_number(const Description& description, const Input& input);
/// Gives `to` what `from` says of an input: a load, a price or an objective as a whole, nothing where nothing is given.
void copy_input(Description& to, const Description& from, const Input& input);
/// "--model mixtral-8x7b --gpu h100_sxm --tp 2": the options that describe this again, quoted for a shell.
[[nodiscard]] std::string options_of(const Description& description);

/// A scenario file: `key = value` with the keys of the inputs; `set` is a table of what-if edits.
void apply_scenario_file(Description& description, const Document& document);

}   // namespace moecost
