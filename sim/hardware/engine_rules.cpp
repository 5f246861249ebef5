// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/engine_rules.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"

namespace moecost {
namespace {

constexpr std::array<std::string_view, rule_term_count> quantity_names{"tp",
                                                                       "pp",
                                                                       "ep",
                                                                       "attention_dp",
                                                                       "stage_gpus",
                                                                       "gpus",
                                                                       "expert_tp",
                                                                       "exchange",
                                                                       "redundant_experts",
                                                                       "draft_tokens",
                                                                       "layers",
                                                                       "hidden",
                                                                       "query_heads",
                                                                       "kv_heads",
                                                                       "experts",
                                                                       "top_k",
                                                                       "expert_width",
                                                                       "shared_width",
                                                                       "dense_width",
                                                                       "physical_experts",
                                                                       "attention",
                                                                       "dense_ffn",
                                                                       "shared_experts",
                                                                       "routed_experts",
                                                                       "kv_cache",
                                                                       "generation",
                                                                       "memory_gib"};

double of(const TermValues& values, RuleTerm q) { return values[static_cast<std::size_t>(q)]; }

bool divides(double a, double b) { return a != 0 && std::fmod(b, a) == 0; }

bool relates(Relation relation, double value, double operand) {
    switch (relation) {
        case Relation::is:
            return value == operand;
        case Relation::is_not:
            return value != operand;
        case Relation::at_least:
            return value >= operand;
        case Relation::at_most:
            return value <= operand;
        case Relation::above:
            return value > operand;
        case Relation::divides:
            return divides(value, operand);
        case Relation::divides_or_multiple:
            return divides(value, operand) || divides(operand, value);
        case Relation::multiple_of:
            break;
    }
    return divides(operand, value);
}

bool is_format(RuleTerm q) {
    return q == RuleTerm::attention || q == RuleTerm::dense_ffn || q == RuleTerm::shared_experts ||
           q == RuleTerm::routed_experts || q == RuleTerm::kv_cache;
}

std::string word_of(RuleTerm q, double value, const EngineRules& rules) {
    const auto code = static_cast<std::size_t>(std::max(value, 0.0));
    if (is_format(q)) return std::string(dtype_table[code].name);
    if (q == RuleTerm::exchange) return std::string(exchange_words[code]);
    if (q == RuleTerm::generation) return value < 0 ? "this GPU" : rules.generations[code];
    return shortest(value);
}

bool listed(const std::vector<std::string>& generations, std::string_view generation) {
    return generations.empty() ||
           std::find(generations.begin(), generations.end(), generation) != generations.end();
}

/// '-' and '_' are the same after the leading dashes.
std::string normal_word(std::string_view word) {
    std::string s(word);
    const std::size_t start = std::min(s.find_first_not_of('-'), s.size());
    std::replace(s.begin() + static_cast<std::ptrdiff_t>(start), s.end(), '_', '-');
    return s;
}

template <class T, class From>
void override_with(T& value, const From& given) {
    if (given) value = T(*given);
}

}   // namespace

std::string_view name_of(RuleTerm quantity) { return quantity_names[static_cast<std::size_t>(quantity)]; }

bool holds(const Condition& c, const TermValues& values) {
    double value = of(values, c.of);
    if (c.of == RuleTerm::generation && value == unknown_generation) return true;
    if (c.per) value /= of(values, *c.per);
    if (value != std::floor(value)) return false;   // shards are whole
    const auto meets = [&](const Operand& o) {
        return relates(c.relation, value, o.quantity ? of(values, *o.quantity) : o.number);
    };
    if (c.relation == Relation::is_not) return std::all_of(c.operands.begin(), c.operands.end(), meets);
    return std::any_of(c.operands.begin(), c.operands.end(), meets);
}

bool all_hold(const std::vector<Condition>& conditions, const TermValues& values) {
    return std::all_of(conditions.begin(), conditions.end(),
                       [&](const Condition& c) { return holds(c, values); });
}

std::string filled(std::string_view text, const TermValues& values, const EngineRules& rules) {
    std::string s;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        const std::size_t close = text.find('}', open);
        s.append(text.substr(0, open));
        if (close == std::string_view::npos) break;
        const std::string_view name = text.substr(open + 1, close - open - 1);
        const auto it = std::find(quantity_names.begin(), quantity_names.end(), name);
        const auto q = static_cast<RuleTerm>(it - quantity_names.begin());
        s.append(it == quantity_names.end() ? std::string(name) : word_of(q, of(values, q), rules));
        text.remove_prefix(close + 1);
    }
    return s;
}

double generation_code(const EngineRules& rules, std::string_view generation) {
    if (generation.empty()) return unknown_generation;
    const auto& all = rules.generations;
    const auto it = std::find(all.begin(), all.end(), generation);
    return it == all.end() ? -1 : static_cast<double>(it - all.begin());
}

Compute how_computed(const EngineRules& rules, FormatRole role, DType format, std::string_view generation,
                     CacheKind kind) {
    if (generation.empty() || rules.formats.empty()) return Compute::by_tables;
    for (const FormatRow& row : rules.formats) {
        if (row.role != role || !listed(row.generations, generation)) continue;
        if (role == FormatRole::cache && row.mixers.value_or(kind) != kind) continue;
        if (std::find(row.formats.begin(), row.formats.end(), format) != row.formats.end())
            return row.compute;
    }
    return Compute::refused;
}

FormatSupport format_support(const EngineRules& rules, std::string_view generation) {
    FormatSupport support;
    std::size_t i = 0;
    const auto add_row = [&](FormatRole role, CacheKind kind) {
        for (const DTypeInfo& d : dtype_table) {
            support.compute[i++] = how_computed(rules, role, d.type, generation, kind);
        }
    };
    add_row(FormatRole::weights, CacheKind::grouped);
    add_row(FormatRole::experts, CacheKind::grouped);
    add_row(FormatRole::cache, CacheKind::grouped);
    add_row(FormatRole::cache, CacheKind::latent);
    return support;
}

EngineSettings default_settings(const EngineRules& rules, std::string_view generation) {
    EngineSettings s;
    for (const DefaultsRow& row : rules.defaults) {
        if (!listed(row.generations, generation) || !row.when.empty()) continue;
        override_with(s.batching, row.batching);
        override_with(s.memory_basis, row.memory_basis);
        override_with(s.chunk_tokens, row.chunk_tokens);
        override_with(s.max_sequences, row.max_sequences);
        override_with(s.memory_fraction, row.memory_fraction);
        if (row.reserve_gb) s.reserve = Bytes{*row.reserve_gb * 1e9};
        override_with(s.output_reserve, row.output_reserve);
        override_with(s.admission_steps, row.admission_steps);
        override_with(s.acceptance, row.acceptance);
    }
    return s;
}

std::optional<DType> default_cache(const EngineRules& rules, std::string_view generation,
                                   const TermValues& values) {
    std::optional<DType> answer;
    for (const DefaultsRow& row : rules.defaults) {
        if (!row.kv_cache || !listed(row.generations, generation) || !all_hold(row.when, values)) continue;
        answer = dtype_named(*row.kv_cache);   // "model": nothing
    }
    return answer;
}

std::vector<const EngineFlag*> flags_of(const EngineRules& rules, std::string_view input) {
    std::vector<const EngineFlag*> found;
    for (const EngineFlag& f : rules.flags) {
        if (f.input == input) found.push_back(&f);
    }
    return found;
}

std::vector<const EngineFlag*> flags_named(const EngineRules& rules, std::string_view word) {
    const std::string wanted = normal_word(word);
    const auto means = [&](const std::string& w) { return !w.empty() && normal_word(w) == wanted; };
    std::vector<const EngineFlag*> found;
    for (const EngineFlag& f : rules.flags) {
        const bool named = means(f.flag) || means(f.off) || means(f.yaml) ||
                           std::any_of(f.aliases.begin(), f.aliases.end(), means);
        if (named) found.push_back(&f);
    }
    return found;
}

}   // namespace moecost
