// SPDX-License-Identifier: Apache-2.0
#include "law/answers.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/law/parameters.h"
#include "text.h"

namespace moecost::cli {

std::string outside_text(const Law& law, const moecost::Setting& s, double flop) {
    std::string text;
    const auto judge = [&](std::string_view axis, const std::optional<AxisRange>& range, double value) {
        constexpr double slack = 1 + 1e-9;
        if (!range || !(value > 0) || (value <= range->high * slack && value * slack >= range->low)) return;
        const bool above = value > range->high;
        text.append(text.empty() ? "" : ", ").append(axis).append(" ");
        text.append(significant(above ? value / range->high : range->low / value, 2))
            .append(above ? "x" : "x below");
    };
    judge("N", law.range.n, s.n);
    judge("D", law.range.d, s.d);
    judge("E", law.range.experts, s.experts);
    judge("G", law.range.granularity, s.granularity);
    judge("A", law.range.active, s.active);
    judge("S", law.range.shared, s.shared);
    judge("C", law.range.flop, flop);
    return text;
}

Interval interval_of(const LawQuestion& q, const std::function<Expected<double>(const Law&)>& figure) {
    std::vector<double> values;
    for (const Law& draw : draws_of(q.law, q.draws, 1)) {
        const auto x = figure(draw);
        if (x) values.push_back(*x);
    }
    if (values.size() < 20) return {};
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    return {at((1 - q.level) / 2), at((1 + q.level) / 2)};
}

namespace {

LawRow row(const LawQuestion& q, std::string question, const moecost::Setting& s, const Allocation& at,
           double figure, std::string unit) {
    LawRow r{std::move(question), at, figure, std::move(unit), {}, 0, 0, {}};
    moecost::Setting there = s;
    there.n = at.n;
    there.d = at.d;
    const auto flop = training_flop(q.law, there);
    const auto share = used_share(q.law, there);
    if (flop) r.flop = *flop;
    if (share && at.n > 0) r.tokens_per_parameter = at.d / (*share * at.n);
    r.outside = outside_text(q.law, there, r.flop);
    return r;
}

moecost::Setting seen(const LawQuestion& q, moecost::Setting s) {
    s.d = effective_tokens(s.d, q.unique, q.repetition);
    return s;
}

using Rows = std::vector<LawRow>;

std::optional<Infeasible> add_loss(const LawQuestion& q, Rows& rows) {
    const auto l = loss(q.law, seen(q, q.setting));
    if (!l) return l.error();
    LawRow r = row(q, "loss", q.setting, {q.setting.n, q.setting.d, *l}, *l, "nats");
    r.interval = interval_of(q, [&](const Law& draw) { return loss(draw, seen(q, q.setting)); });
    rows.push_back(std::move(r));
    return std::nullopt;
}

std::optional<Infeasible> add_optimum(const LawQuestion& q, Rows& rows) {
    const auto best = loss_optimal(q.law, q.budget, q.setting);
    if (!best) return best.error();
    LawRow r = row(q, "loss-optimal size at the budget", q.setting, *best, best->n, "parameters");
    const auto size = [&](const Law& draw) {
        const auto b = loss_optimal(draw, q.budget, q.setting);
        return b ? Expected<double>(b->n) : Expected<double>(b.error());
    };
    r.interval = interval_of(q, size);
    rows.push_back(std::move(r));
    r = row(q, "loss at that budget", q.setting, *best, best->loss, "nats");
    r.interval = interval_of(q, [&](const Law& draw) {
        const auto b = loss_optimal(draw, q.budget, q.setting);
        return b ? Expected<double>(b->loss) : Expected<double>(b.error());
    });
    rows.push_back(std::move(r));
    return std::nullopt;
}

std::optional<Infeasible> add_equal(const LawQuestion& q, Rows& rows) {
    moecost::Setting other = q.setting;
    other.experts = q.other_experts;
    const auto l = loss(q.law, seen(q, q.setting));
    if (!l) return l.error();
    const auto n = size_for_loss(q.law, seen(q, other), *l);
    if (!n) return n.error();
    std::string text("size of ");
    text.append(shortest(q.other_experts)).append(q.other_experts == 1 ? " expert (dense)" : " experts");
    LawRow r = row(q, text.append(" with this loss on these tokens"), other, {*n, q.setting.d, *l}, *n,
                   "parameters");
    r.interval = interval_of(q, [&](const Law& draw) {
        const auto at = loss(draw, seen(q, q.setting));
        return at ? size_for_loss(draw, seen(q, other), *at) : at;
    });
    rows.push_back(std::move(r));
    return std::nullopt;
}

std::optional<Infeasible> add_target(const LawQuestion& q, Rows& rows) {
    if (q.setting.n > 0) {
        const auto raw = tokens_for_loss(q.law, q.setting, q.loss);
        if (!raw) return raw.error();
        const double d = tokens_for_effective(*raw, q.unique, q.repetition);
        if (!std::isfinite(d))
            return Infeasible{"so few tokens, however often they repeat, never reach the loss", {}, {}, 0, 0};
        LawRow r = row(q, "tokens that reach the loss", q.setting, {q.setting.n, d, q.loss}, d, "tokens");
        r.interval =
            interval_of(q, [&](const Law& draw) { return tokens_for_loss(draw, q.setting, q.loss); });
        rows.push_back(std::move(r));
    }
    if (q.setting.d > 0 && q.setting.n == 0) {
        const auto n = size_for_loss(q.law, seen(q, q.setting), q.loss);
        if (!n) return n.error();
        LawRow r =
            row(q, "size that reaches the loss", q.setting, {*n, q.setting.d, q.loss}, *n, "parameters");
        r.interval =
            interval_of(q, [&](const Law& draw) { return size_for_loss(draw, seen(q, q.setting), q.loss); });
        rows.push_back(std::move(r));
    }
    if (q.budget > 0) {
        const auto small = overtrained(q.law, q.budget, q.setting, q.loss);
        if (!small) return small.error();
        rows.push_back(row(q, "smallest size that reaches the loss at the budget", q.setting, *small,
                           small->n, "parameters"));
    }
    if (q.served > 0) {
        const auto best = lifetime_optimal(q.law, q.setting, q.loss, q.served);
        if (!best) return best.error();
        rows.push_back(row(q, "least FLOP of training and serving", q.setting, *best, best->n, "parameters"));
    }
    return std::nullopt;
}

std::optional<Infeasible> add_leverage(const LawQuestion& q, Rows& rows) {
    const double granularity = q.setting.granularity > 0 ? q.setting.granularity : 2;
    const auto el = efficiency_leverage(q.law, q.setting.active, granularity, q.budget);
    if (!el) return el.error();
    LawRow r{"training compute of the dense model with this loss over that of the MoE",
             {},
             *el,
             "times",
             {},
             q.budget,
             0,
             {}};
    r.outside = outside_text(q.law, q.setting, q.budget);
    rows.push_back(std::move(r));
    return std::nullopt;
}

}   // namespace

Expected<std::vector<LawRow>> law_rows(const LawQuestion& q) {
    Rows rows;
    std::optional<Infeasible> why;
    if (q.bridge) return bridged_rows(q);
    if (q.law.form == LossForm::leverage) {
        why = add_leverage(q, rows);
        return why ? Expected<Rows>(*why) : Expected<Rows>(std::move(rows));
    }
    const Axes& axes = info(q.law.form).axes;
    const bool stated = (!axes.n || q.setting.n > 0) && (!axes.d || q.setting.d > 0);
    if (stated) why = add_loss(q, rows);
    if (!why && stated && q.other_experts > 0) why = add_equal(q, rows);
    if (!why && q.budget > 0) why = add_optimum(q, rows);
    if (!why && q.loss > 0) why = add_target(q, rows);
    if (why) return *why;
    return rows;
}

std::string law_chart(const LawQuestion& q, std::size_t width) {
    constexpr std::size_t lines = 14;
    const std::size_t columns = std::clamp<std::size_t>(width, 40, 100) - 12;
    const Axes& axes = info(q.law.form).axes;
    const bool valley = q.budget > 0 && axes.n && axes.d;
    const auto best = valley ? loss_optimal(q.law, q.budget, q.setting) : Expected<Allocation>(Infeasible{});
    const double middle = best ? best->n : q.setting.n > 0 ? q.setting.n : 1e9;
    std::vector<double> values(columns, 0);
    double low = HUGE_VAL;
    double high = 0;
    for (std::size_t i = 0; i < columns; ++i) {
        moecost::Setting s = seen(q, q.setting);
        s.n = middle * std::pow(10.0, 2 * (static_cast<double>(i) / static_cast<double>(columns - 1) - 0.5));
        const auto share = used_share(q.law, s);
        if (valley && share) s.d = effective_tokens(q.budget / (6 * *share * s.n), q.unique, q.repetition);
        const auto l = loss(q.law, s);
        if (!l) return {};
        values[i] = *l;
        low = std::min(low, *l);
        high = std::max(high, *l);
    }
    std::string chart;
    for (std::size_t line = 0; line <= lines; ++line) {
        const double level = high - (high - low) * static_cast<double>(line) / lines;
        chart.append(fixed(level, 4)).append(line % 7 == 0 ? " +" : " |");
        for (const double v : values) {
            const auto at =
                static_cast<std::size_t>(std::lround((high - v) / std::max(high - low, 1e-12) * lines));
            chart += at == line ? '*' : ' ';
        }
        while (chart.back() == ' ') chart.pop_back();
        chart.append("\n");
    }
    chart.append("       N ").append(parameters(middle / 10)).append(" to ").append(parameters(middle * 10));
    return chart.append(valley ? ", tokens by the budget\n" : ", tokens as given\n");
}

}   // namespace moecost::cli
