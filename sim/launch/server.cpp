// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/server.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "moecost/base/yaml.h"
#include "moecost/base/yaml_scalar.h"
#include "moecost/estimate/estimate.h"
#include "moecost/launch/values.h"
#include "moecost/ops/launchable.h"

namespace moecost {
namespace {

Infeasible refused(std::string detail, std::string fix = {}) {
    Infeasible why{"the engine cannot be started like this", {}, {}, 0, 0};
    why.detail = std::move(detail);
    why.fix = std::move(fix);
    return why;
}

/// What the engine must be told in words and has none for: a format of the cache or of the weights.
std::optional<Infeasible> unsaid(const Scenario& s, const Pool& p, LaunchValues& v) {
    for (const char* input : {"kv", "weights"}) {
        const auto word = v.words.find(input);
        const auto rows = flags_of(p.rules, input);
        if (word == v.words.end()) continue;
        const bool said = std::any_of(rows.begin(), rows.end(), [&](const EngineFlag* row) {
            return std::any_of(row->values.begin(), row->values.end(),
                               [&](const auto& pair) { return pair.first == word->second; });
        });
        if (said) continue;
        if (word->second == info(s.architecture.precision.kv_cache).name && word->first == "kv") {
            word->second = "model";
            continue;
        }
        std::string detail(p.rules.name);
        return refused(detail.append(" has no word for --").append(input).append(" ").append(word->second));
    }
    return std::nullopt;
}

std::optional<Infeasible> wrong_version(const Pool& p, const EngineFlag& row, const LaunchChoices& c) {
    if (c.version.empty()) return std::nullopt;
    const bool early = !row.since.empty() && compare_versions(c.version, row.since) < 0;
    const bool late = !row.until.empty() && compare_versions(c.version, row.until) > 0;
    if (!early && !late) return std::nullopt;
    std::string detail(row.flag.empty() ? row.yaml : row.flag);
    detail.append(early ? " exists since " : " exists until ").append(early ? row.since : row.until);
    return refused(detail.append(" of ").append(p.rules.name).append(", not in ").append(c.version));
}

bool is_positional(const EngineProgram& program, const EngineFlag& row) {
    return row.input == "model" &&
           std::find(program.command.begin(), program.command.end(), "{model}") != program.command.end();
}

Value setting_of(const Written& written) {
    if (written.form != Written::Form::value) return yaml_flag(written.form == Written::Form::on);
    return yaml::flow_value(written.value, {});
}

void write_row(const EngineFlag& row, const Written& written, Server& server) {
    if (!row.yaml.empty()) return set_path(server.settings, row.yaml, setting_of(written));
    const std::string& word = written.form == Written::Form::off ? row.off : row.flag;
    if (word.empty()) return;
    server.words.push_back(word);
    if (written.form == Written::Form::value) server.words.push_back(written.value);
}

void count_nodes(const Pool& p, const LaunchValues& v, Server& server) {
    const int per_node = p.cluster.gpus_per_node;
    server.gpus_per_node = std::min(per_node, p.layout.gpus());
    server.nodes = (p.layout.gpus() + per_node - 1) / per_node;
    const auto ranks = v.numbers.find("local_ranks");
    if (ranks != v.numbers.end()) server.local_ranks = static_cast<int>(ranks->second);
}

void start(const Pool& p, const LaunchChoices& c, Server& server) {
    if (server.nodes > 1) server.words = p.rules.program.across_nodes;
    for (const std::string& word : p.rules.program.command) {
        server.words.push_back(word == "{model}" ? c.checkpoint : word);
    }
}

std::string version_in(std::string_view text) {
    const std::size_t start = text.find_first_of("0123456789");
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start);
    return std::string(text.substr(0, text.find_first_not_of("0123456789.")));
}

int next_part(std::string_view& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty()) text.remove_prefix(1);
    return error == std::errc{} ? value : 0;
}

}   // namespace

int compare_versions(std::string_view a, std::string_view b) {
    const std::string first = version_in(a);
    const std::string second = version_in(b);
    if (first.empty() || second.empty()) return 0;
    std::string_view x(first);
    std::string_view y(second);
    while (!x.empty() || !y.empty()) {
        const int left = next_part(x);
        const int right = next_part(y);
        if (left != right) return left < right ? -1 : 1;
    }
    return 0;
}

Node node_of(const Server& server, int index, std::string_view head) {
    return {index, std::to_string(index), std::to_string(index * server.local_ranks), std::string(head)};
}

Expected<Server> server_of(const Scenario& s, const Pool& p, const LaunchChoices& c, const Node& node) {
    if (p.rules.program.command.empty()) {
        return refused(std::string("no command is known that starts '").append(p.profile.engine).append("'"),
                       "--engine vllm");
    }
    if (const auto problem = launch_problem(p.rules, s.architecture, p.precision, p.layout, p.cluster.gpu,
                                            launch_settings(s, p)))
        return infeasible_of(*problem);
    LaunchValues values = launch_values(s, p, c, node);
    if (auto why = unsaid(s, p, values)) return *why;
    Server server;
    count_nodes(p, values, server);
    start(p, c, server);
    for (const EngineFlag& row : p.rules.flags) {
        const Written written = written_by(row, values);
        if (written.form == Written::Form::nothing || is_positional(p.rules.program, row)) continue;
        if (row.flag.empty() && row.yaml.empty() && written.form != Written::Form::off) continue;
        if (const auto why = wrong_version(p, row, c)) return *why;
        write_row(row, written, server);
    }
    if (server.has_settings()) {
        server.words.push_back(p.rules.program.config.front());
        server.words.push_back(c.settings_file);
    }
    return server;
}

}   // namespace moecost
