// SPDX-License-Identifier: Apache-2.0
// The conditions of engine rules: what they may name, how they relate it, and whether they hold.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/dtype.h"

namespace moecost {

/// What a condition may name. Words are numbers here: a format is its DType, an exchange its index in
/// `exchange_words`, a role its index in `role_words`, a generation its index in the list of generations of the rules.
enum class RuleTerm {
    tp,
    pp,
    ep,
    attention_dp,
    stage_gpus,
    gpus,
    expert_tp,
    exchange,
    redundant_experts,
    draft_tokens,
    layers,
    hidden,
    query_heads,
    kv_heads,
    experts,
    top_k,
    expert_width,
    shared_width,
    dense_width,
    physical_experts,
    attention,
    dense_ffn,
    shared_experts,
    routed_experts,
    kv_cache,
    generation,
    memory_gib,
    role,
    prefill_tp,
    prefill_pp,
    decode_tp,
    decode_pp,
    pools_alike,
    windowed_layers,
    recurrent_layers,
    kv_head_counts
};
inline constexpr std::size_t rule_term_count = 36;
using TermValues = std::array<double, rule_term_count>;   // by RuleTerm
[[nodiscard]] std::string_view name_of(RuleTerm quantity);
inline constexpr std::array<std::string_view, 4> exchange_words{"collective", "low-latency", "normal",
                                                                "nvlink"};
/// What a pool does: whole requests, or one phase of them beside another pool.
inline constexpr std::array<std::string_view, 3> role_words{"both", "prefill", "decode"};

enum class Relation { is, is_not, at_least, at_most, above, divides, divides_or_multiple, multiple_of };

/// A quantity, or a number (words resolved).
struct Operand {
    std::optional<RuleTerm> quantity;
    double number = 0;
};

/// A machine whose generation is not stated: conditions about the generation hold.
inline constexpr double unknown_generation = -2;

/// `of` (over `per`) stands in the relation to one of the operands; is_not: to none of them.
struct Condition {
    RuleTerm of{};
    std::optional<RuleTerm> per;
    Relation relation{};
    std::vector<Operand> operands;
};
/// A fraction fails every relation. divides: the value divides the operand; multiple_of: the operand divides the value.
[[nodiscard]] bool holds(const Condition& condition, const TermValues& values);
[[nodiscard]] bool all_hold(const std::vector<Condition>& conditions, const TermValues& values);

/// The text with each {quantity} replaced by its value, words as words; `generations` by code.
[[nodiscard]] std::string filled(std::string_view text, const TermValues& values,
                                 const std::vector<std::string>& generations);

}   // namespace moecost
