// SPDX-License-Identifier: Apache-2.0
// `import cmd`: a server command, or a file that holds one, as a scenario file.
#include <algorithm>
#include <filesystem>

#include "launch/launch.h"
#include "moecost/base/json_writer.h"
#include "moecost/base/shell_words.h"
#include "moecost/base/toml_writer.h"
#include "moecost/base/yaml.h"
#include "moecost/estimate/inputs.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/launch/pools_apart.h"
#include "moecost/launch/router.h"
#include "moecost/launch/sources.h"

namespace moecost::cli {
namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& path) {
    std::error_code ec;
    return path.size() < 4096 && fs::is_regular_file(path, ec);
}

struct Source {
    std::string text;
    std::string file;   // empty: the command line itself
};

Source source_of(const std::string& given) {
    if (given == "-") {
        std::string text = read_input(given);
        const bool yaml =
            text.starts_with("apiVersion:") || text.starts_with("---") || text.starts_with("services:");
        return {std::move(text), yaml ? "stdin.yaml" : ""};
    }
    if (is_file(given)) return {read_input(given), given};
    if (given.find(' ') == std::string::npos)
        return {read_input(given), given};   // says that there is no such file
    return {given, {}};
}

/// The settings file: of --settings, of the same text, or beside the script.
void add_settings(const Invocation& invocation, const Source& source, FoundCommand& found,
                  std::vector<std::string>& warnings) {
    const std::string* given = invocation.line.find("settings");
    std::string name = given != nullptr ? *given : settings_file_of(*found.at.rules, found.words);
    if (name.empty() || (found.settings && given == nullptr)) return;
    if (given == nullptr && !is_file(name)) {
        const fs::path beside = fs::path(source.file).parent_path() / name;
        if (source.file.empty() || !is_file(beside.string())) {
            warnings.push_back(
                std::string("the settings file ").append(name).append(" was not read: no such file"));
            return;
        }
        name = beside.string();
    }
    auto documents = parse_yaml(read_input(name), name);
    if (!documents.empty()) found.settings = std::move(documents.front());
}

const FoundCommand& picked(const Invocation& invocation, const std::vector<FoundCommand>& all) {
    const std::string* pick = invocation.line.find("pick");
    std::size_t n = 1;
    if (pick != nullptr) {
        n = pick->find_first_not_of("0123456789") == std::string::npos && pick->size() < 6 ? std::stoul(*pick)
                                                                                           : 0;
    }
    if (n < 1 || n > all.size())
        throw InputError(
            {"--pick"}, {},
            std::string("'").append(*pick).append("' is not in 1..").append(std::to_string(all.size())));
    return all[n - 1];
}

/// Flags of ours over what the command says: model, gpu and the like.
void apply_flags(const CommandLine& line, Description& d) {
    for (const Setting& s : line.settings) {
        if (input_named(s.key) != nullptr) set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string s;
    for (const std::string& part : parts) s.append(s.empty() ? "" : between).append(part);
    return s;
}

/// Line breaks would end the comment.
std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

std::vector<std::string> pairs_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : pairs) parts.push_back(std::string(key).append(" = ").append(value));
    return parts;
}

/// A command and what it says.
struct ReadCommand {
    const FoundCommand* found = nullptr;
    CommandReading reading;
};

ReadCommand read_one(const Invocation& invocation, const Source& source, const FoundCommand& command,
                     std::vector<std::string>& warnings) {
    FoundCommand found = command;
    add_settings(invocation, source, found, warnings);
    ReadCommand r{&command, read_server(*found.at.rules, found.words, found.at,
                                        found.settings ? &*found.settings : nullptr)};
    if (found.replicas > 1) r.reading.description.replicas = static_cast<int>(found.replicas);
    return r;
}

/// The first worker of each phase, where a text starts both; else the command that is picked, else the first.
std::vector<ReadCommand> read_commands(const Invocation& invocation, const Source& source,
                                       const std::vector<FoundCommand>& all,
                                       std::vector<std::string>& warnings) {
    if (!invocation.line.has("pick") && all.size() > 1) {
        std::vector<ReadCommand> workers;
        for (const std::string_view role : {"prefill", "decode"}) {
            for (const FoundCommand& command : all) {
                std::vector<std::string> of_command;
                ReadCommand r = read_one(invocation, source, command, of_command);
                if (role_of(r.reading) != role) continue;
                warnings.insert(warnings.end(), of_command.begin(), of_command.end());
                workers.push_back(std::move(r));
                break;
            }
        }
        if (workers.size() == 2) return workers;
        warnings.push_back(
            std::to_string(all.size()).append(" server commands: the first is read, --pick N reads another"));
    }
    return {read_one(invocation, source, picked(invocation, all), warnings)};
}

std::string as_toml(const CommandReading& r, const std::vector<ReadCommand>& read) {
    TomlWriter toml;
    for (const ReadCommand& command : read) {
        if (!command.found->words.empty())
            toml.comment(one_line(std::string("read from: ").append(shell_line(command.found->words))));
    }
    if (r.description.model.empty() && !r.checkpoint.empty())
        toml.comment(one_line(std::string("model: the library has no ").append(r.checkpoint)));
    for (const Input& input : inputs()) {
        for (const std::string& text : texts_of(r.description, input)) {
            const bool bare = is_numeric(input.kind) && input.kind != InputKind::money;
            if (bare)
                toml.number(column_of(input), given_number(r.description, input).value_or(0));
            else
                toml.text(column_of(input), text);
        }
    }
    if (!r.others.empty())
        toml.comment(one_line("understood, not known to an estimate: " + joined(pairs_of(r.others), ", ")));
    for (const std::string& note : r.notes) toml.comment(one_line(note));
    if (!r.environment.empty())
        toml.comment(one_line("environment: " + joined(pairs_of(r.environment), ", ")));
    if (!r.before.empty()) toml.comment(one_line("before the command: " + shell_line(r.before)));
    if (!r.unknown.empty()) toml.comment(one_line("unknown flags: " + joined(r.unknown, ", ")));
    return toml.str();
}

void add_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
    json.begin_array(name);
    for (const std::string& text : texts) json.text({}, text);
    json.end_array();
}
void add_pairs(JsonWriter& json, std::string_view name,
               const std::vector<std::pair<std::string, std::string>>& pairs) {
    json.begin_object(name);
    for (const auto& [key, value] : pairs) json.text(key, value);
    json.end_object();
}

std::string as_json(const CommandReading& r, const std::vector<std::string>& warnings) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.import/1");
    json.text("checkpoint", r.checkpoint);
    json.begin_object("inputs");
    for (const Input& input : inputs()) {
        for (const std::string& text : texts_of(r.description, input)) {
            const auto number = given_number(r.description, input);
            if (number)
                json.number(column_of(input), *number);
            else
                json.text(column_of(input), text);
        }
    }
    json.end_object();
    add_pairs(json, "others", r.others);
    add_pairs(json, "environment", r.environment);
    if (!r.settings_file.empty()) json.text("settings_file", r.settings_file);
    add_texts(json, "before", r.before);
    add_texts(json, "unknown", r.unknown);
    add_texts(json, "notes", r.notes);
    add_texts(json, "warnings", warnings);
    json.end_object();
    return json.str();
}

void name_model(const Invocation& invocation, CommandReading& r, std::vector<std::string>& warnings) {
    if (invocation.line.has("model")) r.description.model = *invocation.line.find("model");
    std::string warning;
    if (r.checkpoint.empty() && r.description.model.empty())
        warning = "the command names no model: --model NAME does";
    else if (!resolve_model(invocation.data, r))
        warning =
            std::string("the library has no model ").append(r.checkpoint).append(": --model NAME names one");
    if (!warning.empty()) r.warnings.push_back(warning);
    for (const std::string& told : r.warnings)
        if (std::find(warnings.begin(), warnings.end(), told) == warnings.end()) warnings.push_back(told);
}

}   // namespace

Answer import_command(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    if (given.size() != 2)
        throw InputError({}, {}, "one command in quotes, or one file, is needed",
                         "moecost import cmd 'vllm serve MODEL -tp 8'");
    if (invocation.format == Format::csv)
        throw InputError({"--format"}, {}, "csv is no format of a scenario", "text or json");
    const Source source = source_of(given[1]);
    const std::vector<EngineRules> engines = launchable_engines(invocation.data);
    const std::vector<FoundCommand> all =
        find_commands(engines, source.text, source.file, router_starts(invocation.data));
    std::vector<std::string> warnings;
    std::vector<ReadCommand> read = read_commands(invocation, source, all, warnings);
    for (ReadCommand& command : read) name_model(invocation, command.reading, warnings);
    CommandReading r =
        read.size() > 1 ? joined(read.front().reading, read.back().reading) : read.front().reading;
    apply_flags(invocation.line, r.description);
    if (!r.unknown.empty())
        warnings.push_back(
            std::string("unknown flags, without effect here: ").append(joined(r.unknown, ", ")));
    Answer answer;
    answer.output = invocation.format == Format::json ? as_json(r, warnings) : as_toml(r, read);
    for (const std::string& warning : warnings)
        answer.messages.append("warning: ").append(warning).append("\n");
    return answer;
}

}   // namespace moecost::cli
