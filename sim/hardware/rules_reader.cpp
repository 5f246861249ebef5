// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/rules_reader.h"

#include <algorithm>
#include <charconv>

namespace moecost {
namespace {

constexpr std::array<std::pair<std::string_view, Relation>, 8> relations{{
    {"is", Relation::is},
    {"is_not", Relation::is_not},
    {"at_least", Relation::at_least},
    {"at_most", Relation::at_most},
    {"above", Relation::above},
    {"divides", Relation::divides},
    {"divides_or_multiple", Relation::divides_or_multiple},
    {"multiple_of", Relation::multiple_of},
}};

std::optional<RuleTerm> quantity_named(std::string_view name) {
    for (std::size_t i = 0; i < rule_term_count; ++i) {
        if (name_of(static_cast<RuleTerm>(i)) == name) return static_cast<RuleTerm>(i);
    }
    return std::nullopt;
}

[[noreturn]] void reject_quantity(const Reader& r, std::string_view key, const std::string& name) {
    std::vector<std::string> known;
    for (std::size_t i = 0; i < rule_term_count; ++i) known.emplace_back(name_of(static_cast<RuleTerm>(i)));
    r.fail(key, std::string("'").append(name).append("' is no quantity"), name_hint(name, known));
}

std::optional<double> number_of(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The code of a generation, new ones numbered as they come.
double intern(std::vector<std::string>& generations, const std::string& name) {
    const auto it = std::find(generations.begin(), generations.end(), name);
    if (it != generations.end()) return static_cast<double>(it - generations.begin());
    generations.push_back(name);
    return static_cast<double>(generations.size() - 1);
}

double word(const Reader& r, std::string_view key, RuleTerm of, const std::string& text,
            std::vector<std::string>& generations) {
    if (of == RuleTerm::generation) return intern(generations, text);
    if (of == RuleTerm::exchange) {
        const auto it = std::find(exchange_words.begin(), exchange_words.end(), text);
        if (it != exchange_words.end()) return static_cast<double>(it - exchange_words.begin());
        r.fail(key, std::string("'").append(text).append("' is not collective, low-latency or normal"));
    }
    if (of == RuleTerm::role) {
        const auto it = std::find(role_words.begin(), role_words.end(), text);
        if (it != role_words.end()) return static_cast<double>(it - role_words.begin());
        r.fail(key, std::string("'").append(text).append("' is not both, prefill or decode"));
    }
    if (const auto type = dtype_named(text)) return static_cast<double>(*type);
    reject_quantity(r, key, text);
}

Operand operand(const Reader& r, std::string_view key, RuleTerm of, const std::string& text,
                std::vector<std::string>& generations) {
    if (const auto value = number_of(text)) return {{}, *value};
    if (of != RuleTerm::generation && of != RuleTerm::exchange && of != RuleTerm::role) {
        if (const auto q = quantity_named(text)) return {q, 0};
    }
    return {{}, word(r, key, of, text, generations)};
}

Condition condition(const Reader& r, std::vector<std::string>& generations) {
    r.allow_only({"of", "per", "is", "is_not", "at_least", "at_most", "above", "divides",
                  "divides_or_multiple", "multiple_of"});
    Condition c;
    c.of = read_term(r, "of", r.text("of"));
    if (r.has("per")) c.per = read_term(r, "per", r.text("per"));
    int found = 0;
    for (const auto& [key, relation] : relations) {
        if (!r.has(key)) continue;
        ++found;
        c.relation = relation;
        for (const std::string& text : r.texts(key)) {
            c.operands.push_back(operand(r, key, c.of, text, generations));
        }
    }
    if (found != 1)
        r.fail("", "a condition has one relation: is, is_not, at_least, at_most, above, divides, ...");
    if (c.operands.empty()) r.fail("of", "the relation names nothing");
    return c;
}

}   // namespace

RuleTerm read_term(const Reader& r, std::string_view key, const std::string& name) {
    if (const auto q = quantity_named(name)) return *q;
    reject_quantity(r, key, name);
}

std::vector<Condition> read_conditions(const Reader& r, std::string_view key,
                                       std::vector<std::string>& generations) {
    std::vector<Condition> result;
    if (!r.has(key)) return result;
    for (const Reader& item : r.tables(key)) result.push_back(condition(item, generations));
    return result;
}

std::vector<DType> read_formats(const Reader& r, std::string_view key) {
    std::vector<DType> result;
    for (const std::string& name : r.texts(key)) {
        const auto type = dtype_named(name);
        if (!type && name != "any")
            r.fail(key, std::string("'").append(name).append("' is not a number format"));
        if (type) result.push_back(*type);
        for (const DTypeInfo& i : dtype_table) {
            if (!type) result.push_back(i.type);
        }
    }
    if (result.empty()) r.fail(key, "names no format");
    return result;
}

/// Empty: any.
std::vector<std::string> read_generations(const Reader& r, std::vector<std::string>& generations) {
    std::vector<std::string> names = r.texts("generations");
    if (names.empty()) r.fail("generations", "names no generation; [\"any\"] means all");
    if (names.size() == 1 && names[0] == "any") return {};
    for (const std::string& name : names) (void)intern(generations, name);
    return names;
}

}   // namespace moecost
