// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/router.h"

#include <algorithm>
#include <map>

#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"
#include "moecost/base/yaml_scalar.h"
#include "moecost/launch/manifest_parts.h"
#include "moecost/launch/sources.h"

namespace moecost {
namespace {

using Names = std::map<std::string, std::string, std::less<>>;

std::string filled_in(std::string text, const Names& names) {
    for (const auto& [name, value] : names) {
        const std::string mark = std::string("{").append(name).append("}");
        for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark))
            text.replace(at, mark.size(), value);
    }
    return text;
}

void add(const std::vector<std::string>& words, const Names& names, std::vector<std::string>& to) {
    for (const std::string& word : words) to.push_back(filled_in(word, names));
}

RouterRules rules_from(const Reader& r) {
    r.allow_only({"command", "prefill", "decode", "words", "with_ranks", "package", "note", "port",
                  "settings", "source"});
    const auto texts = [](const Reader& of, std::string_view key) {
        return of.has(key) ? of.texts(key) : std::vector<std::string>();
    };
    RouterRules rules;
    rules.command = r.texts("command");
    rules.prefill = texts(r, "prefill");
    rules.decode = texts(r, "decode");
    rules.words = texts(r, "words");
    rules.with_ranks = texts(r, "with_ranks");
    rules.package = r.text_or("package", "");
    rules.note = r.text_or("note", "");
    rules.port = static_cast<int>(r.integer("port", 1, 65535));
    (void)r.text("source");
    if (!r.has("settings")) return rules;
    const Reader s = r.table("settings");
    s.allow_only({"host", "port", "prefill", "decode", "count", "urls", "url", "fixed"});
    rules.host_key = s.text("host");
    rules.port_key = s.text("port");
    rules.prefill_key = s.text("prefill");
    rules.decode_key = s.text("decode");
    rules.count_key = s.text("count");
    rules.urls_key = s.text("urls");
    rules.url = s.text("url");
    if (!s.has("fixed")) return rules;
    const Reader fixed = s.table("fixed");
    for (const std::string& key : fixed.keys()) rules.fixed.emplace_back(key, fixed.text(key));
    return rules;
}

Names names_of(const Pool& p, const LaunchChoices& c, int worker) {
    std::string host(p.role == Role::prefill ? "PREFILL_" : "DECODE_");
    return {{"host", host.append(std::to_string(worker + 1))}, {"port", std::to_string(port_of(p, c))}};
}

/// Attention data-parallel ranks of an instance on one node.
int ranks_of(const Pool& p) {
    const int on_node = std::min(p.cluster.gpus_per_node, p.layout.gpus());
    return std::max(1, p.layout.attention_dp * on_node / p.layout.gpus());
}

Value settings_of(const RouterRules& rules, const Scenario& s, const std::vector<LaunchChoices>& pools) {
    Value::Table table{{rules.host_key, yaml_text("0.0.0.0")}, {rules.port_key, yaml_number(rules.port)}};
    for (const auto& [key, text] : rules.fixed) table.emplace_back(key, yaml_text(text));
    for (std::size_t i = 0; i < s.pools.size(); ++i) {
        const Pool& p = s.pools[i];
        std::vector<std::string> urls;
        for (int w = 0; w < p.replicas; ++w) urls.push_back(filled_in(rules.url, names_of(p, pools[i], w)));
        const Value workers =
            yaml_map({{rules.count_key, yaml_number(p.replicas)}, {rules.urls_key, texts_of(urls)}});
        table.emplace_back(p.role == Role::prefill ? rules.prefill_key : rules.decode_key, workers);
    }
    return yaml_map(std::move(table));
}

}   // namespace

RouterRules load_router_rules(const DataStore& data, std::string_view engine) {
    const Document document = data.open(rules_folder, engine, "engine");
    const Reader r(document);
    return r.has("router") ? rules_from(r.table("router")) : RouterRules{};
}

Router router_of(const RouterRules& rules, const Scenario& s, const std::vector<LaunchChoices>& pools,
                 const std::string& settings_file) {
    Router router;
    router.port = rules.port;
    router.package = rules.package;
    router.note = rules.note;
    const Names own{{"host", "0.0.0.0"},
                    {"port", std::to_string(rules.port)},
                    {"file", settings_file},
                    {"ranks", std::to_string(ranks_of(s.pool()))}};
    add(rules.command, own, router.words);
    for (std::size_t i = 0; i < s.pools.size(); ++i) {
        const Pool& p = s.pools[i];
        for (int w = 0; w < p.replicas; ++w)
            add(p.role == Role::prefill ? rules.prefill : rules.decode, names_of(p, pools[i], w),
                router.words);
    }
    const int ranks = ranks_of(s.pool());
    if (ranks > 1 && ranks == ranks_of(s.pools.front())) add(rules.with_ranks, own, router.words);
    add(rules.words, own, router.words);
    if (!rules.prefill_key.empty()) router.settings = settings_of(rules, s, pools);
    return router;
}

std::string script_of(const Router& router, const std::string& settings_file) {
    std::string s;
    if (router.has_settings()) {
        s.append("cat > ").append(shell_quoted(settings_file)).append(" <<'END'\n");
        s.append(to_yaml(router.settings)).append("END\n");
    }
    for (std::size_t i = 0; i < router.words.size(); ++i) {
        const bool flag = router.words[i].starts_with("--") && i > 2;
        s.append(i == 0 ? "" : flag ? " \\\n    " : " ").append(shell_quoted(router.words[i]));
    }
    return s.append("\n");
}

std::vector<std::vector<std::string>> router_starts(const DataStore& data) {
    std::vector<std::vector<std::string>> starts;
    for (const EngineRules& rules : launchable_engines(data)) {
        std::vector<std::string> command = load_router_rules(data, rules.id).command;
        while (!command.empty() && command.back().starts_with('-')) command.pop_back();
        std::erase_if(command,
                      [](const std::string& word) { return word.starts_with('-') || word == "{file}"; });
        if (!command.empty()) starts.push_back(std::move(command));
    }
    return starts;
}

}   // namespace moecost
