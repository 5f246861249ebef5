// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/sources.h"

#include <algorithm>
#include <charconv>

#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"

namespace moecost {
namespace {

using Files = std::map<std::string, std::string>;   // name without folder -> text

std::string base_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

// --- scripts ----------------------------------------------------------------------------------------------------------

std::string_view next_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string first_word(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" '\"");
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start);
    return std::string(text.substr(0, text.find_first_of(" '\"<>")));
}

/// The script with the texts of here-documents taken out (as blank lines) and kept under the file they go to.
std::string without_here_documents(std::string_view text, Files& files) {
    std::string script;
    while (!text.empty()) {
        const std::string_view line = next_line(text);
        script.append(line).append("\n");
        const std::size_t mark = line.find("<<");
        if (mark == std::string_view::npos || line.substr(mark).starts_with("<<<")) continue;
        std::string_view after = line.substr(mark + 2);
        if (after.starts_with('-')) after.remove_prefix(1);
        const std::string end = first_word(after);
        std::string body;
        while (!text.empty() && !end.empty()) {
            const std::string_view inner = next_line(text);
            script.append("\n");
            if (inner.substr(std::min(inner.find_first_not_of('\t'), inner.size())) == end) break;
            body.append(inner).append("\n");
        }
        const std::size_t target = line.find('>');
        if (target != std::string_view::npos) files[base_name(first_word(line.substr(target + 1)))] = body;
    }
    return script;
}

/// "# prefill worker, start 2 of them:" and "# ... start 1:"; nothing where a line says no such thing.
std::optional<double> instances_in(std::string_view line) {
    const std::size_t at = line.find("start ");
    if (!line.starts_with('#') || at == std::string_view::npos) return std::nullopt;
    int n = 0;
    const std::string_view rest = line.substr(at + 6);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
    const std::string_view after = rest.substr(static_cast<std::size_t>(end - rest.data()));
    if (error != std::errc{} || n < 1 || n > 65536) return std::nullopt;
    return after.starts_with(" of them") || after.starts_with(':') ? std::optional<double>(n) : std::nullopt;
}

using Variables = std::map<std::string, std::string>;

/// $NAME, ${NAME} and ${NAME:-default} that the script has set; others stay as they are written.
std::string filled_in(std::string_view word, const Variables& variables) {
    std::string s;
    while (!word.empty()) {
        const std::size_t dollar = word.find('$');
        s.append(word.substr(0, dollar));
        if (dollar == std::string_view::npos) break;
        word.remove_prefix(dollar);
        const bool braces = word.starts_with("${");
        const std::size_t start = braces ? 2 : 1;
        std::size_t end = start;
        while (end < word.size() &&
               (word[end] == '_' || std::isalnum(static_cast<unsigned char>(word[end])) != 0))
            ++end;
        const std::string name(word.substr(start, end - start));
        const std::size_t close = braces ? word.find('}') : end - 1;
        if (name.empty() || close == std::string_view::npos) {
            s += '$';
            word.remove_prefix(1);
            continue;
        }
        const auto it = variables.find(name);
        const std::string_view rest = braces ? word.substr(end, close - end) : std::string_view();
        if (it != variables.end())
            s.append(it->second);
        else if (rest.starts_with(":-"))
            s.append(rest.substr(2));
        else
            s.append(word.substr(0, close + 1));
        word.remove_prefix(close + 1);
    }
    return s;
}

void remember(const std::vector<std::string>& words, Variables& variables) {
    std::size_t i = !words.empty() && words[0] == "export" ? 1 : 0;
    for (; i < words.size(); ++i) {
        const std::size_t equals = words[i].find('=');
        if (equals == std::string::npos || equals == 0) return;
        variables[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    }
}

/// `docker run ... IMAGE WORDS`: where the image of an engine stands, whose entry point is its server. Nothing where the
/// words run no container of a known image.
std::optional<ServerWords> find_image(const std::vector<EngineRules>& engines,
                                      const std::vector<std::string>& words) {
    constexpr std::string_view programs[] = {"docker", "podman", "nerdctl"};
    const auto run = std::find(words.begin(), words.end(), "run");
    const bool container = std::any_of(words.begin(), run, [&](const std::string& word) {
        return std::find(std::begin(programs), std::end(programs), base_name(word)) != std::end(programs);
    });
    if (!container) return std::nullopt;
    for (auto word = run; word != words.end(); ++word) {
        for (const EngineRules& rules : engines) {
            const std::string_view image = rules.program.image;
            const std::size_t at = image.empty() ? std::string::npos : word->find(image);
            const bool whole =
                at == 0 || (at != std::string::npos && (*word)[at - 1] == '/');   // of a registry
            if (!whole || word->starts_with('-')) continue;
            const auto first = static_cast<std::size_t>(word - words.begin()) + 1;
            return ServerWords{&rules, first, first};
        }
    }
    return std::nullopt;
}

class Finder {
  public:
    Finder(const std::vector<EngineRules>& engines, std::string file,
           const std::vector<std::vector<std::string>>& others)
        : engines_(engines), file_(std::move(file)), others_(others) {}

    std::vector<FoundCommand> in_script(std::string_view text) {
        const std::string script = without_here_documents(text, files_);
        script_commands(script, 0);
        count_instances(script);
        return finished();
    }
    std::vector<FoundCommand> in_yaml(std::string_view text) {
        const std::vector<Document> documents = parse_yaml(text, file_);
        for (const Document& d : documents) collect_files(d.root);
        for (const Document& d : documents) walk(d.root, 1);
        if (found_.empty() && documents.size() == 1) settings_alone(documents.front());
        return finished();
    }

  private:
    void script_commands(std::string_view script, int line) {
        Variables variables;
        for (ShellCommand& command : shell_commands(script, file_)) {
            for (std::string& word : command.words) word = filled_in(word, variables);
            const bool other = std::any_of(others_.begin(), others_.end(), [&](const auto& start) {
                return std::search(command.words.begin(), command.words.end(), start.begin(), start.end()) !=
                       command.words.end();
            });
            if (other) continue;
            auto at = find_server(engines_, command.words);
            if (!at) at = find_image(engines_, command.words);
            if (at)
                found_.push_back({command.words, *at, {}, line > 0 ? line : command.line, replicas_});
            else
                remember(command.words, variables);
        }
    }

    /// "start 2 of them" in the last comment of that kind above a command, as launch writes it.
    void count_instances(std::string_view script) {
        double instances = 1;
        auto command = found_.begin();
        for (int line = 1; !script.empty(); ++line) {
            if (const auto n = instances_in(next_line(script))) instances = *n;
            for (; command != found_.end() && command->line <= line; ++command) command->replicas = instances;
        }
    }

    static const Value* entry(const Value::Table& table, std::string_view key) {
        for (const auto& [name, value] : table) {
            if (name == key) return &value;
        }
        return nullptr;
    }
    static void append_words(const Value* v, std::vector<std::string>& words, const std::string& file) {
        if (v == nullptr) return;
        if (const auto* text = std::get_if<std::string>(&v->content)) {
            for (const ShellCommand& c : shell_commands(*text, file))
                words.insert(words.end(), c.words.begin(), c.words.end());
        }
        if (const auto* list = std::get_if<Value::Array>(&v->content)) {
            for (const Value& item : *list) words.push_back(word_of(item));
        }
    }
    static std::string word_of(const Value& v) {
        if (const auto* text = std::get_if<std::string>(&v.content)) return *text;
        std::string s = to_yaml(v);
        if (s.ends_with('\n')) s.pop_back();
        return s;
    }

    /// Texts of ConfigMaps and of inline configurations of compose files.
    void collect_files(const Value& v) {
        const auto* table = std::get_if<Value::Table>(&v.content);
        if (table == nullptr) return;
        for (const auto& [key, value] : *table) {
            const auto* inner = std::get_if<Value::Table>(&value.content);
            const Value* content = inner != nullptr ? entry(*inner, "content") : &value;
            const auto* text = content != nullptr ? std::get_if<std::string>(&content->content) : nullptr;
            if (text != nullptr && (key.ends_with(".yaml") || key.ends_with(".yml")))
                files_[base_name(key)] = *text;
            collect_files(value);
        }
    }
    void walk(const Value& v, double replicas) {
        if (const auto* list = std::get_if<Value::Array>(&v.content)) {
            for (const Value& item : *list) walk(item, replicas);
        }
        const auto* table = std::get_if<Value::Table>(&v.content);
        if (table == nullptr) return;
        const Value* count = entry(*table, "replicas");
        if (count != nullptr && std::holds_alternative<std::int64_t>(count->content))
            replicas *= static_cast<double>(std::get<std::int64_t>(count->content));
        replicas_ = replicas;
        container(*table, v.line);
        for (const auto& [key, value] : *table) walk(value, replicas);
    }
    void container(const Value::Table& table, int line) {
        std::vector<std::string> words;
        const Value* command = entry(table, "command");
        append_words(entry(table, "entrypoint"), words, file_);
        append_words(command, words, file_);
        append_words(entry(table, "args"), words, file_);
        if (words.empty()) return;
        const auto shell = std::find(words.begin(), words.end(), "-c");
        if (shell != words.end() && shell + 1 != words.end()) return script_commands(*(shell + 1), line);
        const std::size_t before = found_.size();
        if (const auto at = find_server(engines_, words)) found_.push_back({words, *at, {}, line, replicas_});
        if (found_.size() == before) by_image(table, words, line);
    }
    /// Images whose entry point is the server get the words after it alone.
    void by_image(const Value::Table& table, const std::vector<std::string>& arguments, int line) {
        const Value* image = entry(table, "image");
        if (image == nullptr || !std::holds_alternative<std::string>(image->content)) return;
        for (const EngineRules& rules : engines_) {
            if (std::get<std::string>(image->content).find(rules.program.image) == std::string::npos)
                continue;
            std::vector<std::string> words;
            for (const std::string& word : rules.program.command)
                if (word != "{model}") words.push_back(word);
            const ServerWords at{&rules, words.size(), 0};
            words.insert(words.end(), arguments.begin(), arguments.end());
            found_.push_back({words, at, {}, line, replicas_});
            return;
        }
    }
    /// A settings file without a command: that of the engine whose keys it has.
    void settings_alone(const Document& d) {
        const auto* table = std::get_if<Value::Table>(&d.root.content);
        for (const EngineRules& rules : engines_) {
            const bool known =
                table != nullptr &&
                std::any_of(rules.flags.begin(), rules.flags.end(), [&](const EngineFlag& f) {
                    return !f.yaml.empty() && entry(*table, f.yaml.substr(0, f.yaml.find('.'))) != nullptr;
                });
            if (!known) continue;
            found_.push_back({{}, {&rules, 0, 0}, d, 1, 1});
            return;
        }
    }

    std::vector<FoundCommand> finished() {
        if (found_.empty()) {
            std::string hint("commands that are known: ");
            for (const EngineRules& rules : engines_) {
                std::vector<std::string> words = rules.program.command;
                hint.append(shell_line(words)).append("; ");
            }
            throw InputError({file_}, {}, "starts no server that is known", hint.substr(0, hint.size() - 2));
        }
        for (FoundCommand& f : found_) {
            const std::string name = base_name(settings_file_of(*f.at.rules, f.words));
            if (f.settings || name.empty() || files_.count(name) == 0) continue;
            std::vector<Document> documents = parse_yaml(files_[name], name);
            if (!documents.empty()) f.settings = std::move(documents.front());
        }
        return std::move(found_);
    }

    const std::vector<EngineRules>& engines_;
    std::string file_;
    const std::vector<std::vector<std::string>>& others_;
    Files files_;
    double replicas_ = 1;
    std::vector<FoundCommand> found_;
};

}   // namespace

std::vector<FoundCommand> find_commands(const std::vector<EngineRules>& engines, std::string_view text,
                                        const std::string& file,
                                        const std::vector<std::vector<std::string>>& others) {
    Finder finder(engines, file, others);
    const bool yaml = file.ends_with(".yaml") || file.ends_with(".yml");
    return yaml ? finder.in_yaml(text) : finder.in_script(text);
}

std::vector<EngineRules> launchable_engines(const DataStore& data) {
    std::vector<EngineRules> engines;
    for (const std::string& name : data.names(rules_folder)) {
        EngineRules rules = load_engine_rules(data, name);
        if (!rules.program.command.empty()) engines.push_back(std::move(rules));
    }
    return engines;
}

}   // namespace moecost
