// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/engine_memory.h"

#include <algorithm>
#include <charconv>

#include "moecost/hardware/rules_reader.h"

namespace moecost {
namespace {

constexpr Range gibibytes{0, 1000};

EngineVersion version(const Reader& r, std::string_view key) {
    const std::string text = r.text(key);
    if (const auto v = version_of(text)) return *v;
    r.fail(key, std::string("'").append(text).append("' is no version such as 0.19"));
}

void gib_of(const Reader& r, std::string_view key, Bytes& into) {
    if (r.has(key)) into = Bytes{r.number(key, gibibytes) * gib};
}
void number_of(const Reader& r, std::string_view key, double& into, Range range) {
    if (r.has(key)) into = r.number(key, range);
}
void flag_of(const Reader& r, std::string_view key, bool& into) {
    if (r.has(key)) into = r.flag(key);
}

/// Keys that a row leaves out keep the value of the row before.
MemoryTerms terms(const Reader& r, MemoryTerms t) {
    r.allow_only({"since", "released", "source", "context_one_gib", "context_many_gib", "other_one_gib",
                  "other_many_gib", "logit_bytes", "sampler_fixed_gib", "forward_hidden", "forward_fixed_gib",
                  "expert_workspace", "graphs_gib", "graphs_per_layer_gib", "rotary_tables",
                  "absorbed_copies", "block_tokens", "unified_pages"});
    (void)r.text("source");
    gib_of(r, "context_one_gib", t.context_one);
    gib_of(r, "context_many_gib", t.context_many);
    gib_of(r, "other_one_gib", t.other_one);
    gib_of(r, "other_many_gib", t.other_many);
    number_of(r, "logit_bytes", t.logit_bytes, {0, 1000});
    gib_of(r, "sampler_fixed_gib", t.sampler_fixed);
    number_of(r, "forward_hidden", t.forward_hidden, {0, 1000});
    gib_of(r, "forward_fixed_gib", t.forward_fixed);
    flag_of(r, "expert_workspace", t.expert_workspace);
    gib_of(r, "graphs_gib", t.graphs);
    gib_of(r, "graphs_per_layer_gib", t.graphs_per_layer);
    flag_of(r, "rotary_tables", t.rotary_tables);
    flag_of(r, "absorbed_copies", t.absorbed_copies);
    number_of(r, "block_tokens", t.block_tokens, {1, 1e6});
    flag_of(r, "unified_pages", t.unified_pages);
    return t;
}

Padding padding(const Reader& r, std::vector<std::string>& generations) {
    r.allow_only({"component", "formats", "generations", "when", "hidden_multiple", "width_multiple",
                  "before", "source"});
    if (r.text("component") != "routed_experts") r.fail("component", "is not routed_experts");
    (void)r.text("source");
    std::optional<EngineVersion> before;
    if (r.has("before")) {
        before = version_of(r.text("before"));
        if (!before) r.fail("before", "is no version such as 0.11");
    }
    return {read_formats(r, "formats"),
            read_generations(r, generations),
            read_conditions(r, "when", generations),
            r.number("hidden_multiple", {1, 65536}),
            r.number("width_multiple", {1, 65536}),
            before};
}

}   // namespace

std::optional<EngineVersion> version_of(std::string_view text) {
    EngineVersion v;
    const char* const end = text.data() + text.size();
    const auto [point, error] = std::from_chars(text.data(), end, v.major);
    if (error != std::errc{} || point == end || *point != '.') return std::nullopt;
    if (std::from_chars(point + 1, end, v.minor).ec != std::errc{}) return std::nullopt;
    return v;
}

const MemoryTerms* terms_of(const EngineMemory& memory, EngineVersion version) {
    if (memory.terms.empty()) return nullptr;
    const MemoryTerms* found = &memory.terms.front().terms;
    for (const TermsSince& row : memory.terms) {
        if (row.since <= version) found = &row.terms;
    }
    return found;
}

EngineMemory engine_memory_from_toml(const Reader& rules, std::vector<std::string>& generations) {
    EngineMemory m;
    const Reader head = rules.table("memory");
    head.allow_only({"fraction_of", "covers", "graphs", "formula", "version", "source"});
    for (const std::string_view key : {"fraction_of", "graphs", "formula", "source"}) (void)head.text(key);
    (void)head.texts("covers");
    m.version = version(head, "version");
    if (rules.has("memory_terms")) {
        for (const Reader& r : rules.tables("memory_terms")) {
            const EngineVersion since = version(r, "since");
            if (!m.terms.empty() && since <= m.terms.back().since)
                r.fail("since", "is not later than the row before");
            const MemoryTerms before = m.terms.empty() ? MemoryTerms{} : m.terms.back().terms;
            m.terms.push_back({since, r.text("released"), terms(r, before)});
        }
    }
    if (rules.has("padding"))
        for (const Reader& r : rules.tables("padding")) m.paddings.push_back(padding(r, generations));
    return m;
}

}   // namespace moecost
