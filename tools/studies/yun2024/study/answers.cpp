// SPDX-License-Identifier: Apache-2.0
// Both algorithms at every printed budget, and how numbers become verdicts.
#include <cmath>

#include "moecost/base/format.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

PaperModel or_nothing(const Expected<PaperModel>& model) {
    if (model) return *model;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan, nan, nan, nan, nan};
}

}   // namespace

double kappa(const Case& c, int experts) {
    const auto dense = c.cost(kappa_size, 1);
    const auto cost = c.cost(kappa_size, experts);
    return dense && cost ? (*cost / *dense - 1) / (total_share(experts) - 1) : std::nan("");
}

const AtBudget& Answers::at(double budget) const {
    for (const AtBudget& a : printed) {
        if (a.budget == budget) return a;
    }
    throw std::logic_error("no answers for this budget");
}

Answers answer(const Case& c) {
    Answers answers;
    for (const double budget : budgets) {
        AtBudget a;
        a.budget = budget;
        PaperQuestion q;
        q.budget = budget;
        q.compute = c.compute;
        for (const int e : expert_counts) a.optimal[e] = or_nothing(loss_optimal_model(c.law, c.cost, q, e));
        for (const int base : {1, 4, 8}) {
            for (const int e : expert_counts) {
                if (e <= base) continue;
                a.at_loss[base][e] = or_nothing(cheapest_at_loss(c.law, c.cost, q, e, a.optimal[base]));
                a.at_cost[base][e] = or_nothing(best_at_cost(c.law, c.cost, q, e, a.optimal[base]));
            }
        }
        answers.printed.push_back(std::move(a));
    }
    return answers;
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::reproduced:
            return "reproduced";
        case Verdict::differs:
            return "differs";
        case Verdict::untestable:
            break;
    }
    return "cannot be tested";
}

std::string_view name_of(Class c) {
    constexpr std::string_view names[] = {"reproduced", "reproduced on the engine of its day",
                                          "same direction; other size", "contradicted", "cannot be tested"};
    return names[static_cast<std::size_t>(c)];
}

Class class_of(const Finding& early, const Finding& today) {
    if (early.verdict == Verdict::untestable) return Class::untestable;
    if (early.verdict == Verdict::reproduced)
        return today.verdict == Verdict::reproduced ? Class::reproduced : Class::of_its_day;
    return early.same_direction || today.verdict == Verdict::reproduced ? Class::same_direction
                                                                        : Class::contradicted;
}

void Span::add(double x) {
    // One value without an answer leaves the whole span without one.
    low = std::isnan(x) || std::isnan(low) ? std::nan("") : std::min(low, x);
    high = std::isnan(x) || std::isnan(high) ? std::nan("") : std::max(high, x);
}

std::string range_text(const Span& span, int decimals, std::string_view suffix) {
    if (!(span.low <= span.high)) return "no answer";
    std::string low = fixed(span.low, decimals);
    const std::string high = fixed(span.high, decimals);
    if (low != high) low.append(" to ").append(high);
    return low.append(suffix);
}

Finding inside(const Span& ours, double low, double high, double unit, std::string_view suffix,
               std::string why) {
    const int decimals = unit < 0.005 ? 3 : unit < 0.05 ? 2 : unit < 0.5 ? 1 : 0;
    // A hair more than half a unit: a bound that was reached by rounding is still inside.
    const double slack = 0.5000001 * unit;
    const bool yes = ours.low >= 0.95 * low - slack && ours.high <= 1.05 * high + slack;
    Finding f = holds(yes, range_text(ours, decimals, suffix), std::move(why));
    f.same_direction = ours.low >= low / 2 && ours.high <= high * 2;
    return f;
}

Finding close_to(const std::vector<double>& ours, const std::vector<double>& printed, int digits,
                 std::string_view suffix, std::string why) {
    std::string shown;
    bool yes = true;
    bool near = true;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        yes = yes && std::abs(ours[i] / printed[i] - 1) <= 0.05;
        near = near && ours[i] >= printed[i] / 2 && ours[i] <= printed[i] * 2;
        if (!shown.empty()) shown.append(", ");
        shown.append(std::isnan(ours[i]) ? "no answer" : fixed(ours[i], digits));
    }
    Finding f = holds(yes, shown.append(suffix), std::move(why));
    f.same_direction = near;
    return f;
}

Finding holds(bool yes, std::string shown, std::string why) {
    return {std::move(shown), yes ? Verdict::reproduced : Verdict::differs, std::move(why), false};
}

Finding cannot(std::string why) { return {"", Verdict::untestable, std::move(why), false}; }

std::vector<Claim> all_claims() {
    std::vector<Claim> all = law_claims();
    for (auto group : {serving_claims, optimal_claims, loss_bound_claims, cost_bound_claims}) {
        const std::vector<Claim> more = group();
        all.insert(all.end(), more.begin(), more.end());
    }
    std::sort(all.begin(), all.end(), [](const Claim& a, const Claim& b) { return a.id < b.id; });
    return all;
}

}   // namespace moecost::yun2024
