// SPDX-License-Identifier: Apache-2.0
// Reads the two sides of a `diff`: files, answers, names and commands, each as a description.
#include <cmath>
#include <filesystem>

#include "diff/diff.h"
#include "moecost/base/shell_words.h"
#include "moecost/base/written_number.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

/// Names that stand for themselves, in the order they are looked up.
struct Named {
    std::string_view key, folder;
};
constexpr Named named[] = {{"model", "workloads/models"},    {"gpu", "hwmodels/accelerators"},
                           {"engine", "hwmodels/engines"},   {"cluster", "hwmodels/clusters"},
                           {"traffic", "workloads/traffic"}, {"family", "workloads/families"}};

bool knows(const DataStore& data, const Named& kind, const std::string& name) {
    try {
        (void)data.open(kind.folder, name, kind.key);
        return true;
    } catch (const InputError&) {   // not of this kind
        return false;
    }
}

void apply_settings(Description& d, const CommandLine& line) {
    for (const Setting& s : line.settings) {
        if (input_named(s.key) != nullptr) set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
}

Description of_pairs(const std::string& text) {
    Description d;
    for (const std::string& pair : split(text)) {
        const std::size_t equals = pair.find('=');
        if (equals == std::string::npos || equals == 0)
            throw InputError({text}, {}, "is not KEY=VALUE,KEY=VALUE");
        set_option(d, pair.substr(0, equals), pair.substr(equals + 1), {text});
    }
    return d;
}

Description of_name(const DataStore& data, const std::string& name) {
    Description d;
    for (const Named& kind : named) {
        if (!knows(data, kind, name)) continue;
        set_option(d, kind.key, name, {name});
        return d;
    }
    throw InputError({name}, {}, "names no model, gpu, engine, cluster, traffic or family, and no file",
                     "a scenario file, an answer in JSON, such a name, or KEY=VALUE,KEY=VALUE");
}

/// "answer.json#2": the file and 2; without a number, 1.
std::pair<std::string, std::size_t> file_of(const std::string& operand) {
    const std::size_t hash = operand.rfind('#');
    if (hash == std::string::npos) return {operand, 1};
    const auto n = plain_number(operand.substr(hash + 1));
    if (!n || !(*n >= 1 && *n <= 1e6) || *n != std::floor(*n)) return {operand, 1};
    return {operand.substr(0, hash), static_cast<std::size_t>(*n)};
}

bool is_file(const std::string& operand) {
    std::error_code ec;
    const std::string file = file_of(operand).first;
    const bool plain = file.find_first_of(" =") == std::string::npos;
    return file == "-" || (plain && is_path(file)) || std::filesystem::exists(file, ec);
}

Side of_file(const std::string& operand) {
    const auto [file, which] = file_of(operand);
    const Document document = read_document(file);
    const Reader r(document);
    const bool is_answer = r.has("schema") && r.text_or("schema", "").starts_with("moecost.") &&
                           (r.has("estimates") || r.has("answer") || r.has("nearest") || r.has("winner"));
    if (is_answer) return side_of_answer(document, which);
    Side side;
    apply_scenario_file(side.description, document);
    return side;
}

void record(Side& side, const Reader& estimate) {
    for (const Figure& f : figures()) {
        if (f.number == nullptr || f.kind == FigureKind::flag || !estimate.has(name_of(f.group))) continue;
        const Reader group = estimate.table(name_of(f.group));
        if (group.has(f.key)) side.recorded.emplace(f.key, group.number(f.key, {}));
    }
}

Side of_estimate(const Reader& estimate, const std::string& file) {
    Side side;
    side.description = description_of_command(estimate.text("command"), file);
    record(side, estimate);
    return side;
}

/// The options of the command line replace what the side says; what was recorded is then about something else.
void override_with(Side& side, const CommandLine& line) {
    Description flags;
    apply_settings(flags, line);
    bool any = false;
    for (const Input& input : inputs()) {
        if (texts_of(flags, input).empty()) continue;
        any = true;
        if (input.kind == InputKind::edit)
            side.description.edits.insert(side.description.edits.end(), flags.edits.begin(),
                                          flags.edits.end());
        else
            copy_input(side.description, flags, input);
    }
    if (!flags.gpu.empty()) side.description.cluster.clear();
    if (!flags.cluster.empty()) side.description.gpu.clear();
    if (any) side.recorded.clear();
}

}   // namespace

Description description_of_command(const std::string& command, const std::string& where) {
    const std::vector<ShellCommand> commands = shell_commands(command, where);
    std::vector<std::string> words;
    if (!commands.empty()) words = commands.front().words;
    if (words.size() >= 2 && words[0] == "moecost" && words[1] == "estimate")
        words.erase(words.begin(), words.begin() + 2);
    Description d;
    apply_settings(d, parse_command_line(description_flags(), words));
    return d;
}

Side side_of_answer(const Document& answer, std::size_t which) {
    const Reader r(answer);
    if (r.has("estimates")) {
        const std::vector<Reader> list = r.tables("estimates");
        if (which < 1 || which > list.size())
            r.fail("estimates",
                   std::string("holds ").append(std::to_string(list.size())).append(" deployments"));
        return of_estimate(list[which - 1], answer.file);
    }
    for (const std::string_view key : {"answer", "nearest"}) {
        if (r.has(key)) return of_estimate(r.table(key).table("estimate"), answer.file);
    }
    if (r.has("winner")) {
        Side side;
        side.description = description_of_command(r.table("winner").text("estimate"), answer.file);
        return side;
    }
    r.fail("schema", "an answer of estimate, plan or design is wanted");
}

Side read_side(const DataStore& data, const CommandLine& line, const std::string& operand) {
    Side side;
    if (operand.find(' ') != std::string::npos && !is_file(operand))
        side.description = description_of_command(operand, operand);
    else if (operand.find('=') != std::string::npos && !is_file(operand))
        side.description = of_pairs(operand);
    else if (is_file(operand))
        side = of_file(operand);
    else
        side.description = of_name(data, operand);
    side.name = operand;
    override_with(side, line);
    return side;
}

}   // namespace moecost::cli
