// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/engine_rules.h"

#include <algorithm>

namespace moecost {
namespace {

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

bool EngineRules::compiles(std::string_view release) const {
    return std::any_of(compiled_releases.begin(), compiled_releases.end(),
                       [&](const std::string& start) { return release.starts_with(start); });
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
    // Rows need not name every size of group: a packed format runs as the one whose kernels stand for it.
    const DType kernels = info(format).kernels;
    if (role == FormatRole::cache || kernels == format) return Compute::refused;
    const Compute as = how_computed(rules, role, kernels, generation, kind);
    return as == Compute::native && info(format).unit == MathUnit::bf16 ? Compute::weight_only : as;
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
