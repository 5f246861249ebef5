// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/rule_conditions.h"

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
                                                                       "memory_gib",
                                                                       "role",
                                                                       "prefill_tp",
                                                                       "prefill_pp",
                                                                       "decode_tp",
                                                                       "decode_pp",
                                                                       "pools_alike",
                                                                       "windowed_layers",
                                                                       "recurrent_layers",
                                                                       "kv_head_counts"};

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

std::string word_of(RuleTerm q, double value, const std::vector<std::string>& generations) {
    const auto code = static_cast<std::size_t>(std::max(value, 0.0));
    if (is_format(q)) return std::string(dtype_table[code].name);
    if (q == RuleTerm::exchange) return std::string(exchange_words[code]);
    if (q == RuleTerm::role) return std::string(role_words[code]);
    if (q == RuleTerm::generation) return value < 0 ? "this GPU" : generations[code];
    return shortest(value);
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

std::string filled(std::string_view text, const TermValues& values,
                   const std::vector<std::string>& generations) {
    std::string s;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        const std::size_t close = text.find('}', open);
        s.append(text.substr(0, open));
        if (close == std::string_view::npos) break;
        const std::string_view name = text.substr(open + 1, close - open - 1);
        const auto it = std::find(quantity_names.begin(), quantity_names.end(), name);
        const auto q = static_cast<RuleTerm>(it - quantity_names.begin());
        s.append(it == quantity_names.end() ? std::string(name) : word_of(q, of(values, q), generations));
        text.remove_prefix(close + 1);
    }
    return s;
}

}   // namespace moecost
