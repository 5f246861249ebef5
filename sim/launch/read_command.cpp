// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/read_command.h"

#include <algorithm>

#include "moecost/base/written_number.h"
#include "moecost/base/yaml.h"
#include "moecost/launch/facts.h"
#include "moecost/launch/quantities.h"

namespace moecost {
namespace {

bool is_flag(const std::string& word) {
    return word.size() > 1 && word[0] == '-' && !plain_number(word) && word != "--";
}

/// "python3" and "/usr/bin/python" are the same program.
bool same_program(std::string_view word, std::string_view wanted) {
    const std::size_t slash = word.rfind('/');
    if (slash != std::string_view::npos && wanted.find('/') == std::string_view::npos)
        word.remove_prefix(slash + 1);
    if (wanted == "python3" && (word == "python" || word.starts_with("python3"))) return true;
    return word == wanted;
}

std::size_t match_at(const std::vector<std::string>& words, std::size_t at,
                     const std::vector<std::string>& start) {
    std::size_t n = 0;
    for (const std::string& wanted : start) {
        if (wanted == "{model}") break;
        if (at + n >= words.size() || !same_program(words[at + n], wanted)) return 0;
        ++n;
    }
    return n;
}

bool is_assignment(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return false;
    const auto fits = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
    return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), fits);
}

std::string normal(std::string_view word) {
    std::string s(word);
    std::replace(s.begin(), s.end(), '_', '-');
    return s;
}

/// Rows of a word; where the engine takes unique beginnings, those of a beginning that one input alone has.
std::vector<const EngineFlag*> rows_of(const EngineRules& rules, const std::string& word) {
    auto rows = flags_named(rules, word);
    if (!rows.empty() || !rules.program.abbreviates || word.size() < 4) return rows;
    for (const EngineFlag& f : rules.flags) {
        const auto begins = [&](const std::string& w) { return normal(w).starts_with(normal(word)); };
        if (begins(f.flag) || begins(f.off) || std::any_of(f.aliases.begin(), f.aliases.end(), begins))
            rows.push_back(&f);
    }
    const bool one = std::all_of(rows.begin(), rows.end(),
                                 [&](const EngineFlag* f) { return f->flag == rows.front()->flag; });
    return one ? rows : std::vector<const EngineFlag*>{};
}

class Words {
  public:
    Words(const EngineRules& rules, Facts& facts, CommandReading& reading)
        : rules_(rules), facts_(facts), reading_(reading) {}

    void read(const std::vector<std::string>& words, std::size_t at) {
        for (std::size_t i = at; i < words.size(); ++i) i = one(words, i);
    }
    void read_pair(const std::string& word, const Value& value) {
        const auto rows = rows_of(rules_, word);
        if (rows.empty()) return unknown(word, text_of(value));
        apply(rows, word, &value);
    }

  private:
    void unknown(const std::string& word, const std::string& value) {
        reading_.unknown.push_back(value.empty() ? word : std::string(word).append(" ").append(value));
    }
    std::size_t one(const std::vector<std::string>& words, std::size_t i) {
        const std::string& word = words[i];
        if (!is_flag(word)) {
            if (reading_.checkpoint.empty())
                reading_.checkpoint = word;
            else
                unknown(word, {});
            return i;
        }
        const std::size_t equals = word.find('=');
        const std::string flag = word.substr(0, equals);
        const bool attached = equals != std::string::npos;
        const bool follows = !attached && i + 1 < words.size() && !is_flag(words[i + 1]);
        const std::string text = attached ? word.substr(equals + 1) : follows ? words[i + 1] : std::string();
        const auto& config = rules_.program.config;
        if (std::find(config.begin(), config.end(), flag) != config.end()) {
            reading_.settings_file = text;
            return i + (follows ? 1 : 0);
        }
        const auto rows = rows_of(rules_, flag);
        if (rows.empty()) {
            unknown(flag, text);
            return i + (follows ? 1 : 0);
        }
        const bool is_off = off_of(*rows.front(), flag);
        const bool takes = !is_off && !rows.front()->is_switch();
        const Value value = yaml_text(text);
        apply(rows, flag, attached || (takes && follows) ? &value : nullptr);
        return i + (takes && follows ? 1 : 0);
    }
    static bool off_of(const EngineFlag& row, const std::string& flag) {
        return !row.off.empty() && normal(row.off) == normal(flag);
    }
    void apply(const std::vector<const EngineFlag*>& rows, const std::string& flag, const Value* value) {
        for (const EngineFlag* row : rows) facts_.read(*row, flag, value, off_of(*row, flag));
    }

    const EngineRules& rules_;
    Facts& facts_;
    CommandReading& reading_;
};

const Value* find_path(const Value& root, std::string_view path) {
    const auto* table = std::get_if<Value::Table>(&root.content);
    if (table == nullptr) return nullptr;
    const std::size_t dot = path.find('.');
    for (const auto& [key, value] : *table) {
        if (key != path.substr(0, dot)) continue;
        return dot == std::string_view::npos ? &value : find_path(value, path.substr(dot + 1));
    }
    return nullptr;
}

/// Leaves of a settings file that no path of `read` covers.
void unread(const Value& v, const std::string& path, const std::vector<std::string>& read,
            std::vector<std::string>& unknown) {
    if (std::find(read.begin(), read.end(), path) != read.end()) return;
    const auto* table = std::get_if<Value::Table>(&v.content);
    if (table == nullptr) {
        unknown.push_back(std::string(path).append(": ").append(text_of(v)));
        return;
    }
    for (const auto& [key, value] : *table)
        unread(value, path.empty() ? key : std::string(path).append(".").append(key), read, unknown);
}

void read_settings(const EngineRules& rules, const Document& settings, Facts& facts,
                   CommandReading& reading) {
    std::vector<std::string> paths;
    for (const EngineFlag& row : rules.flags) {
        if (row.yaml.empty()) continue;
        const Value* value = find_path(settings.root, row.yaml);
        const bool pattern = row.text.starts_with('{');
        if (value == nullptr || (std::holds_alternative<Value::Table>(value->content) && !pattern)) continue;
        facts.read(row, row.yaml, value, false);
        paths.push_back(row.yaml);
    }
    unread(settings.root, {}, paths, reading.unknown);
}

bool has_keys(const EngineRules& rules) {
    return std::any_of(rules.flags.begin(), rules.flags.end(),
                       [](const EngineFlag& f) { return !f.yaml.empty(); });
}

}   // namespace

std::optional<ServerWords> find_server(const std::vector<EngineRules>& engines,
                                       const std::vector<std::string>& words) {
    for (std::size_t at = 0; at < words.size(); ++at) {
        ServerWords best{nullptr, at, at};
        for (const EngineRules& rules : engines) {
            std::vector<std::vector<std::string>> starts = rules.program.starts;
            starts.push_back(rules.program.command);
            for (const auto& start : starts) {
                const std::size_t n = match_at(words, at, start);
                if (n > 0 && at + n > best.start) best = {&rules, at + n, at};
            }
        }
        if (best.rules != nullptr) return best;
    }
    return std::nullopt;
}

std::string settings_file_of(const EngineRules& rules, const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        for (const std::string& flag : rules.program.config) {
            if (words[i] == flag && i + 1 < words.size()) return words[i + 1];
            if (words[i].starts_with(flag + "=")) return words[i].substr(flag.size() + 1);
        }
    }
    return {};
}

CommandReading read_server(const EngineRules& rules, const std::vector<std::string>& words,
                           const ServerWords& at, const Document* settings) {
    CommandReading reading;
    reading.engine = rules.id;
    reading.description.engine = rules.id;
    for (std::size_t i = 0; i < at.first; ++i) {
        if (is_assignment(words[i]) && reading.before.empty()) {
            const std::size_t equals = words[i].find('=');
            reading.environment.emplace_back(words[i].substr(0, equals), words[i].substr(equals + 1));
        } else if (words[i] != "exec" && words[i] != "env")
            reading.before.push_back(words[i]);
    }
    Facts facts(rules);
    Words reader(rules, facts, reading);
    const bool by_words = settings != nullptr && !has_keys(rules);
    if (by_words) {   // the command line wins: it is read last
        const auto* table = std::get_if<Value::Table>(&settings->root.content);
        if (table != nullptr)
            for (const auto& [key, value] : *table) reader.read_pair(std::string("--").append(key), value);
    }
    reader.read(words, at.start);
    if (settings != nullptr && !by_words) read_settings(rules, *settings, facts, reading);
    facts.finish(reading);
    return reading;
}

}   // namespace moecost
