// SPDX-License-Identifier: Apache-2.0
// Rules files read and checked: every key, every word, every {name} of a text.
#include <algorithm>

#include "moecost/hardware/engine_rules.h"
#include "moecost/hardware/rules_reader.h"

namespace moecost {
namespace {

/// A text whose {names} are quantities.
std::string template_text(const Reader& r, std::string_view key) {
    std::string text = r.text(key);
    for (std::size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
        const std::size_t close = text.find('}', open);
        if (close == std::string::npos) r.fail(key, "'{' without '}'");
        (void)read_term(r, key, text.substr(open + 1, close - open - 1));
    }
    return text;
}

bool names_any(const std::vector<Condition>& conditions, std::initializer_list<RuleTerm> quantities) {
    const auto in = [&](const std::optional<RuleTerm>& q) {
        return q && std::find(quantities.begin(), quantities.end(), *q) != quantities.end();
    };
    return std::any_of(conditions.begin(), conditions.end(), [&](const Condition& c) {
        return in(c.of) || in(c.per) ||
               std::any_of(c.operands.begin(), c.operands.end(),
                           [&](const Operand& o) { return in(o.quantity); });
    });
}

LaunchRule launch_rule(const Reader& r, std::vector<std::string>& generations) {
    r.allow_only({"rule", "when", "check", "reason", "fix", "source"});
    LaunchRule rule;
    rule.name = r.text("rule");
    rule.when = read_conditions(r, "when", generations);
    rule.check = read_conditions(r, "check", generations);
    if (rule.check.empty()) r.fail("check", "a rule checks something");
    rule.reason = template_text(r, "reason");
    rule.fix = template_text(r, "fix");
    rule.source = r.text("source");
    using Q = RuleTerm;
    const auto names = [&](std::initializer_list<Q> quantities) {
        return names_any(rule.when, quantities) || names_any(rule.check, quantities);
    };
    rule.of_mixers = names({Q::query_heads, Q::kv_heads});
    rule.of_ffns =
        names({Q::experts, Q::top_k, Q::expert_width, Q::shared_width, Q::dense_width, Q::physical_experts});
    return rule;
}

template <class T, std::size_t n>
T one_of(const Reader& r, std::string_view key, const std::array<std::pair<std::string_view, T>, n>& words) {
    const std::string text = r.text(key);
    std::vector<std::string> known;
    for (const auto& [name, value] : words) {
        if (name == text) return value;
        known.emplace_back(name);
    }
    r.fail(key, std::string("'").append(text).append("' is not known"), name_hint(text, known));
}

constexpr std::array<std::pair<std::string_view, FormatRole>, 3> roles{
    {{"weights", FormatRole::weights}, {"experts", FormatRole::experts}, {"cache", FormatRole::cache}}};
constexpr std::array<std::pair<std::string_view, Compute>, 3> computes{
    {{"native", Compute::native}, {"weight_only", Compute::weight_only}, {"refused", Compute::refused}}};
constexpr std::array<std::pair<std::string_view, CacheKind>, 2> cache_kinds{
    {{"grouped", CacheKind::grouped}, {"latent", CacheKind::latent}}};
constexpr std::array<std::pair<std::string_view, Batching>, 2> batchings{
    {{"chunked_prefill", Batching::chunked_prefill}, {"prefill_first", Batching::prefill_first}}};
constexpr std::array<std::pair<std::string_view, MemoryBasis>, 2> bases{
    {{"total", MemoryBasis::total}, {"free", MemoryBasis::free}}};

FormatRow format_row(const Reader& r, std::vector<std::string>& generations) {
    r.allow_only({"role", "formats", "generations", "compute", "mixers", "kernel", "source"});
    FormatRow row;
    row.role = one_of(r, "role", roles);
    row.formats = read_formats(r, "formats");
    row.generations = read_generations(r, generations);
    row.compute = one_of(r, "compute", computes);
    if (r.has("mixers")) {
        if (row.role != FormatRole::cache) r.fail("mixers", "belongs to role cache");
        row.mixers = one_of(r, "mixers", cache_kinds);
    }
    row.kernel = r.text("kernel");
    row.source = r.text("source");
    return row;
}

void optional_number(const Reader& r, std::string_view key, Range range, std::optional<double>& into) {
    if (r.has(key)) into = r.number(key, range);
}

DefaultsRow defaults_row(const Reader& r, std::vector<std::string>& generations, bool whole) {
    r.allow_only({"source", "generations", "when", "batching", "chunk_tokens", "max_sequences",
                  "memory_basis", "memory_fraction", "kv_cache", "prefix_caching", "block_tokens",
                  "reserve_gb", "output_reserve", "admission_steps", "acceptance"});
    DefaultsRow row;
    if (!whole && r.has("generations")) row.generations = read_generations(r, generations);
    row.when = read_conditions(r, "when", generations);
    if (whole || r.has("batching")) row.batching = one_of(r, "batching", batchings);
    if (whole || r.has("memory_basis")) row.memory_basis = one_of(r, "memory_basis", bases);
    optional_number(r, "chunk_tokens", {1, 1e9}, row.chunk_tokens);
    optional_number(r, "max_sequences", {1, 1e9}, row.max_sequences);
    optional_number(r, "memory_fraction", {0.01, 1}, row.memory_fraction);
    optional_number(r, "reserve_gb", {0, 1e4}, row.reserve_gb);
    optional_number(r, "output_reserve", fraction, row.output_reserve);
    optional_number(r, "admission_steps", {0, 1e6}, row.admission_steps);
    optional_number(r, "acceptance", fraction, row.acceptance);
    optional_number(r, "block_tokens", {1, 1e6}, row.block_tokens);
    if (r.has("prefix_caching")) row.prefix_caching = r.flag("prefix_caching");
    if (r.has("kv_cache")) {
        row.kv_cache = r.text("kv_cache");
        if (*row.kv_cache != "model" && !dtype_named(*row.kv_cache))
            r.fail("kv_cache", "is neither 'model' nor a number format");
    }
    if (!row.when.empty() && !row.kv_cache) r.fail("when", "conditions stand beside kv_cache alone");
    return row;
}

EngineFlag engine_flag(const Reader& r, std::vector<std::string>& generations) {
    r.allow_only({"input", "flag", "aliases", "yaml", "value", "add", "template", "values", "when", "off",
                  "since", "until", "reads", "implies", "refines", "beside", "alone"});
    EngineFlag f;
    f.input = r.text("input");
    f.flag = r.text("flag");
    if (r.has("aliases")) f.aliases = r.texts("aliases");
    f.yaml = r.text_or("yaml", "");
    if (r.has("value")) f.value = r.texts("value");
    f.add = r.number_or("add", 0, {-1e6, 1e6});
    f.text = r.text_or("template", "");
    if (r.has("values")) {
        const Reader words = r.table("values");
        for (const std::string& key : words.keys()) f.values.emplace_back(key, words.text(key));
    }
    if (r.has("reads")) {
        const Reader words = r.table("reads");
        for (const std::string& key : words.keys()) f.reads.emplace_back(key, words.text(key));
    }
    if (r.has("implies")) {
        const Reader products = r.table("implies");
        for (const std::string& key : products.keys()) f.implies.emplace_back(key, products.texts(key));
    }
    f.refines = r.flag_or("refines", false);
    f.beside = r.text_or("beside", "");
    f.alone = r.text_or("alone", "");
    if (f.beside.empty() != f.alone.empty()) r.fail("alone", "stands with 'beside'");
    f.when = read_conditions(r, "when", generations);
    f.off = r.text_or("off", "");
    f.since = r.text_or("since", "");
    f.until = r.text_or("until", "");
    const int kinds = (f.value.empty() ? 0 : 1) + (f.text.empty() ? 0 : 1) + (f.values.empty() ? 0 : 1);
    if (kinds > 1) r.fail("input", "has more than one of value, template and values");
    return f;
}

EngineProgram program(const Reader& r) {
    r.allow_only({"command", "starts", "across_nodes", "abbreviates", "image", "tag", "dynamo",
                  "dynamo_image", "dynamo_role", "llm_d", "config", "port", "health", "since", "source"});
    EngineProgram p;
    p.command = r.texts("command");
    p.config = r.texts("config");
    if (r.has("starts")) {
        for (const Reader& start : r.tables("starts")) p.starts.push_back(start.texts("words"));
    }
    if (r.has("across_nodes")) p.across_nodes = r.texts("across_nodes");
    p.tag = r.text_or("tag", "");
    if (r.has("dynamo")) p.dynamo = r.texts("dynamo");
    p.dynamo_image = r.text_or("dynamo_image", "");
    p.dynamo_role = r.text_or("dynamo_role", "");
    p.llm_d = r.text_or("llm_d", "");
    p.abbreviates = r.flag_or("abbreviates", false);
    p.image = r.text("image");
    p.health = r.text("health");
    p.since = r.text_or("since", "");
    p.port = static_cast<int>(r.integer("port", 1, 65535));
    return p;
}

void read_numbers(const Reader& r, EngineRules& rules) {
    for (const std::string& key : r.keys()) {
        std::vector<RuleTerm> product;
        for (const std::string& name : r.texts(key)) product.push_back(read_term(r, key, name));
        rules.numbers.emplace_back(key, std::move(product));
    }
}

void check_unique(const Reader& r, const std::vector<LaunchRule>& rules) {
    for (std::size_t i = 1; i < rules.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (rules[i].name == rules[j].name)
                r.fail("launch", std::string("two rules are named '").append(rules[i].name).append("'"));
        }
    }
}

}   // namespace

EngineRules engine_rules_from_toml(const Document& document) {
    const Reader r(document);
    r.allow_only({"schema", "engine", "name", "versions", "date", "source", "numbers", "launch", "format",
                  "defaults", "defaults_for", "flag", "program", "router", "memory", "memory_terms",
                  "padding", "compiled_releases"});   // router: sim/launch/router.h
    (void)r.integer("schema", 1, 1);
    EngineRules rules;
    rules.id = r.text("engine");
    rules.name = r.text("name");
    rules.versions = r.text("versions");
    rules.date = r.text("date");
    rules.source = r.text("source");
    if (r.has("compiled_releases")) rules.compiled_releases = r.texts("compiled_releases");
    auto& g = rules.generations;
    read_numbers(r.table("numbers"), rules);
    if (r.has("launch"))
        for (const Reader& item : r.tables("launch")) rules.launch.push_back(launch_rule(item, g));
    check_unique(r, rules.launch);
    for (const Reader& item : r.tables("format")) rules.formats.push_back(format_row(item, g));
    rules.defaults.push_back(defaults_row(r.table("defaults"), g, true));
    if (r.has("defaults_for"))
        for (const Reader& item : r.tables("defaults_for"))
            rules.defaults.push_back(defaults_row(item, g, false));
    if (r.has("flag"))
        for (const Reader& item : r.tables("flag")) rules.flags.push_back(engine_flag(item, g));
    rules.memory = engine_memory_from_toml(r, g);
    if (r.has("program")) rules.program = program(r.table("program"));
    return rules;
}

EngineRules load_engine_rules(const DataStore& data, std::string_view engine) {
    return engine_rules_from_toml(data.open(rules_folder, engine, "engine"));
}

EngineRules engine_rules_if_any(const DataStore& data, std::string_view engine) {
    const std::vector<std::string> known = data.names(rules_folder);
    if (std::find(known.begin(), known.end(), engine) == known.end()) return {};
    return load_engine_rules(data, engine);
}

}   // namespace moecost
