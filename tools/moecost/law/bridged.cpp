// SPDX-License-Identifier: Apache-2.0
// Answers of a dense law with a bridge: a mixture of N active parameters on D tokens is the dense model of N sqrt(EL) on
// D sqrt(EL), EL = C_dense/C_MoE at equal loss (design/law_setting.h). The optimum of a budget C is then the dense one of
// EL C, its size and tokens over sqrt(EL).
#include <cmath>
#include <functional>

#include "law/answers.h"
#include "moecost/base/format.h"
#include "moecost/design/law_setting.h"

namespace moecost::cli {
namespace {

using Rows = std::vector<LawRow>;

LossBasis basis_of(const LawQuestion& q, const Law& law) {
    return {law, q.bridge, q.unique, q.repetition, 0};
}

moecost::Setting dense_of(const LawQuestion& q) {
    moecost::Setting s;
    s.n = q.setting.n;
    const Axes& axes = info(q.law.form).axes;
    if (axes.experts) s.experts = 1;
    if (axes.granularity) s.granularity = 1;
    if (axes.active) s.active = 1;
    return s;
}

LawPoint point_of(const LawQuestion& q) {
    LawPoint p;
    p.setting = dense_of(q);
    p.used = q.setting.n;
    p.active = q.setting.active;
    p.granularity = q.setting.granularity;
    return p;
}

Expected<double> leverage_at(const LawQuestion& q, double flop) {
    return efficiency_leverage(*q.bridge, q.setting.active, q.setting.granularity, flop);
}

/// Outside the dense runs by the model that has the same loss, outside the bridge's by its own axes.
std::string outside_of(const LawQuestion& q, const Allocation& at) {
    const double flop = 6 * at.n * at.d;
    const auto leverage = leverage_at(q, flop);
    const double root = leverage ? std::sqrt(*leverage) : 1;
    moecost::Setting dense;
    dense.n = at.n * root;
    dense.d = at.d * root;
    moecost::Setting mixture;
    mixture.active = q.setting.active;
    mixture.granularity = q.setting.granularity;
    const std::string own = outside_text(q.law, dense, 0);
    const std::string bridge = outside_text(*q.bridge, mixture, flop);
    return own + (own.empty() || bridge.empty() ? "" : ", ") + bridge;
}

std::optional<Infeasible> add(const LawQuestion& q, Rows& rows, std::string question, const Allocation& at,
                              std::string unit, const std::function<Expected<double>(const Law&)>& figure) {
    const auto value = figure(q.law);
    if (!value) return value.error();
    rows.push_back({std::move(question), at, *value, std::move(unit), interval_of(q, figure), 6 * at.n * at.d,
                    at.d / at.n, outside_of(q, at)});
    return std::nullopt;
}

std::optional<Infeasible> add_stated(const LawQuestion& q, Rows& rows) {
    const auto l = loss_at(basis_of(q, q.law), point_of(q), q.setting.d);
    if (!l) return l.error();
    const Allocation at{q.setting.n, q.setting.d, *l};
    auto why = add(q, rows, "loss", at, "nats",
                   [&](const Law& draw) { return loss_at(basis_of(q, draw), point_of(q), q.setting.d); });
    if (why || q.other_experts == 0) return why;
    moecost::Setting dense = dense_of(q);
    dense.d = effective_tokens(q.setting.d, q.unique, q.repetition);
    why = add(q, rows, "size of the dense model with this loss on these tokens", at, "parameters",
              [&](const Law& draw) {
                  const auto there = loss_at(basis_of(q, draw), point_of(q), q.setting.d);
                  return there ? size_for_loss(draw, dense, *there) : there;
              });
    if (why) return why;
    LawRow& r = rows.back();
    r.at.n = dense.n = r.figure;
    r.flop = 6 * r.at.n * r.at.d;
    r.tokens_per_parameter = r.at.d / r.at.n;
    r.outside = outside_text(q.law, dense, r.flop);
    return std::nullopt;
}

std::optional<Infeasible> add_optimum(const LawQuestion& q, Rows& rows) {
    const auto leverage = leverage_at(q, q.budget);
    if (!leverage) return leverage.error();
    const double root = std::sqrt(*leverage);
    const auto best = [&](const Law& draw) { return loss_optimal(draw, *leverage * q.budget, dense_of(q)); };
    const auto own = best(q.law);
    if (!own) return own.error();
    const Allocation at{own->n / root, own->d / root, own->loss};
    auto why = add(q, rows, "loss-optimal active size at the budget", at, "parameters", [&](const Law& draw) {
        const auto b = best(draw);
        return b ? Expected<double>(b->n / root) : Expected<double>(b.error());
    });
    if (why) return why;
    return add(q, rows, "loss at that budget", at, "nats", [&](const Law& draw) {
        const auto b = best(draw);
        return b ? Expected<double>(b->loss) : Expected<double>(b.error());
    });
}

std::optional<Infeasible> add_tokens(const LawQuestion& q, Rows& rows) {
    const auto d = tokens_to_reach(basis_of(q, q.law), point_of(q), q.loss);
    if (!d) return d.error();
    return add(q, rows, "tokens that reach the loss", {q.setting.n, *d, q.loss}, "tokens",
               [&](const Law& draw) { return tokens_to_reach(basis_of(q, draw), point_of(q), q.loss); });
}

}   // namespace

Expected<std::vector<LawRow>> bridged_rows(const LawQuestion& q) {
    Rows rows;
    std::optional<Infeasible> why;
    if (q.setting.n > 0 && q.setting.d > 0) why = add_stated(q, rows);
    if (!why && q.budget > 0) why = add_optimum(q, rows);
    if (!why && q.loss > 0 && q.setting.n > 0) why = add_tokens(q, rows);
    if (why) return *why;
    return rows;
}

}   // namespace moecost::cli
