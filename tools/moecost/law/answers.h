// SPDX-License-Identifier: Apache-2.0
// What a loss law answers: one row for each question, with the interval that its draws allow.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "moecost/law/law.h"
#include "moecost/law/optimum.h"

namespace moecost::cli {

struct LawQuestion {
    Law law;
    std::optional<Law> bridge;   // LAW+BRIDGE: what prices experts where the law is one of dense models
    moecost::Setting setting;    // N and D where they are given
    double budget = 0;           // FLOP
    double loss = 0;             // nats
    double served = 0;           // tokens over the lifetime
    double other_experts = 0;    // E of a model that shall have the same loss
    double unique = 0;           // tokens, beyond which training repeats them
    double repetition = 0;
    unsigned draws = 200;
    double level = 0.95;
};

struct Interval {
    double low = 0;
    double high = 0;
    [[nodiscard]] bool known() const { return low < high; }
};

struct LawRow {
    std::string question;
    Allocation at;       // N, D, loss
    double figure = 0;   // what the interval is of: the loss, or a size, or tokens, or a leverage
    std::string unit;    // nats, parameters, tokens, times
    Interval interval;
    double flop = 0;
    double tokens_per_parameter = 0;
    std::string outside;   // "D 2.5x": of the runs behind the law
};

/// The rows that the question determines. Infeasible: it determines none, or one of them has no answer.
[[nodiscard]] Expected<std::vector<LawRow>> law_rows(const LawQuestion& question);

/// The same of a dense law with a bridge (law/bridged.cpp).
[[nodiscard]] Expected<std::vector<LawRow>> bridged_rows(const LawQuestion& question);

/// Quantiles of a figure over the draws of the law that have it.
[[nodiscard]] Interval interval_of(const LawQuestion& question,
                                   const std::function<Expected<double>(const Law&)>& figure);

/// "D 2.5x": what the runs behind the law did not see, and by how much.
[[nodiscard]] std::string outside_text(const Law& law, const moecost::Setting& setting, double flop);

/// Loss against size at the budget (or at D), as a chart of characters, `width` columns.
[[nodiscard]] std::string law_chart(const LawQuestion& question, std::size_t width);

}   // namespace moecost::cli
