// SPDX-License-Identifier: Apache-2.0
// P35 - P43: the least loss at the serving cost of a base (algorithm 2), and the recommendations.
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/law/optimum.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

double loss_gain(const AtBudget& at, int experts) {
    return at.optimal.at(4).loss - at.at_cost.at(4).at(experts).loss;
}

Finding p35(const World&, const Case&, const Answers& a) {
    bool yes = true;
    for (const AtBudget& at : a.printed) {
        const double to8 = loss_gain(at, 8);
        const double to16 = loss_gain(at, 16);
        const double to32 = loss_gain(at, 32);
        yes = yes && to8 > 0 && to16 > to8 && to32 > to16 && to32 - to16 < 0.5 * (to16 - to8);
    }
    std::string shown;
    for (const int e : {8, 16, 32})
        shown.append(e == 8 ? "-" : ", -").append(fixed(loss_gain(a.at(figure_budget), e), 4));
    return holds(yes, shown.append(" nats"), "8, 16, 32 experts against base 4 at 5.15e21 FLOP");
}

double size_percent(const Answers& a, int base, int experts, double scale) {
    const AtBudget& at = a.at(figure_budget);
    return 100 * scale * at.at_cost.at(base).at(experts).n / at.optimal.at(base).n;
}

Finding p36(const World&, const Case&, const Answers& a) {
    const double active = active_share(8);
    std::string why(
        "4, 8, 16, 32 experts, activated parameters (P36 read so: plain N would start above the dense "
        "size): ");
    for (const int e : {4, 8, 16, 32})
        why.append(e == 4 ? "" : ", ").append(fixed(size_percent(a, 1, e, active), 1));
    return close_to(
        {size_percent(a, 1, 8, active), size_percent(a, 1, 32, active), size_percent(a, 1, 4, active)},
        {84.1, 37.1, 125.2}, 1, " %", why.append(" %"));
}

Finding p37(const World&, const Case&, const Answers& a) {
    return close_to({size_percent(a, 4, 32, 1), size_percent(a, 4, 8, 1)}, {30.7, 69.5}, 1, " %",
                    "16 experts: " + fixed(size_percent(a, 4, 16, 1), 1) + " %");
}

Finding p38(const World&, const Case& c, const Answers& a) {
    const AtBudget& at = a.at(figure_budget);
    const auto needed = budget_for_loss(c.law, c.compute, 4, at.at_cost.at(4).at(8).loss);
    return close_to({needed ? 100 * (*needed / at.budget - 1) : std::nan("")}, {52.1}, 1, " %",
                    "8 experts of equal cost may be larger here, so their loss is lower");
}

/// Budget that 16 experts of equal serving cost save on the way to the loss of loss-optimal 4 experts.
Span saved_budgets(const Case& c, const Answers& a) {
    Span s;
    for (const AtBudget& at : a.printed) {
        const double n = at.at_cost.at(4).at(16).n;
        const auto d = tokens_for_loss(c.law, {.n = n, .experts = 16}, at.optimal.at(4).loss);
        s.add(d ? 100 * (1 - training_budget(c.compute, 16, n, *d) / at.budget) : std::nan(""));
    }
    return s;
}

Finding p39(const World&, const Case& c, const Answers& a) {
    const Span s = saved_budgets(c, a);
    return close_to({s.high}, {68.4}, 1, " %", "over the budgets " + range_text(s, 1, " %"));
}

/// Share of the loss-optimal size: 32 experts at the cost, 16 at the loss of loss-optimal 4.
Span quality_first(const Answers& a) {
    Span s;
    for (const AtBudget& at : a.printed)
        s.add(100 * at.at_cost.at(4).at(32).n / at.at_cost.at(4).at(32).optimal_n);
    return s;
}
Span cost_first(const Answers& a) {
    Span s;
    for (const AtBudget& at : a.printed)
        s.add(100 * at.at_loss.at(4).at(16).n / at.at_loss.at(4).at(16).optimal_n);
    return s;
}

Finding p40(const World&, const Case&, const Answers& a) {
    const PaperModel& m = a.at(figure_budget).at_cost.at(4).at(32);
    return close_to({100 * m.n / m.optimal_n}, {30}, 1, " %",
                    "at the cost of loss-optimal 4 experts, 5.15e21 FLOP; 100 % is the limit: the optimum "
                    "itself costs no more");
}

Finding p41(const World&, const Case&, const Answers& a) {
    const PaperModel& m = a.at(figure_budget).at_loss.at(4).at(16);
    return close_to(
        {100 * m.n / m.optimal_n}, {16}, 1, " %",
        "at the loss of loss-optimal 4 experts, 5.15e21 FLOP; no serving cost enters, the law decides");
}

Finding p42(const World&, const Case&, const Answers& a) {
    const Span q = quality_first(a);
    const Span t = cost_first(a);
    return holds(q.high / q.low <= 1.1 && t.high / t.low <= 1.1,
                 "32: " + range_text(q, 1, " %; ") + "16: " + range_text(t, 1, " %"),
                 "constant, but not at the paper's shares");
}

Finding p43(const World&, const Case&, const Answers& a) {
    const Span q = quality_first(a);
    const Span t = cost_first(a);
    Span smaller{100 - t.high, 100 - t.low};
    smaller.add(100 - q.high);
    smaller.add(100 - q.low);
    return inside(smaller, 70, 85, 1, " %", "the 16 experts of algorithm 1 and the 32 of algorithm 2");
}

}   // namespace

std::vector<Claim> cost_bound_claims() {
    return {
        {"P35", "bounded cost: more experts always lower the loss, little from 16 to 32", "-", "cost", "",
         "at every budget; 16 to 32 less than half of 8 to 16", p35},
        {"P36", "bounded cost, base dense, 5.15e21: size of 8 experts; range of 32 to 4",
         "84.1 %; 37.1 - 125.2 %", "cost", "", "all three within 5 %", p36},
        {"P37", "bounded cost, base 4, 5.15e21: sizes of 32 to 8 experts", "30.7 - 69.5 %", "cost",
         "kappa 0.4", "both ends within 5 %", p37},
        {"P38", "loss-optimal 4 experts need more FLOP for the loss of 8 (bounded cost)", "52.1 %", "cost",
         "", "within 5 %", p38},
        {"P39", "16 experts of equal serving cost save training budget, up to", "68.4 %", "cost", "",
         "within 5 %", p39},
        {"P40", "quality first: 32 experts at this share of their loss-optimal size", "30 %", "cost", "",
         "within 5 %", p40},
        {"P41", "cost first: 16 experts at this share of their loss-optimal size", "16 %", "law", "",
         "within 5 %", p41},
        {"P42", "these shares are about constant as the budget grows", "-", "cost", "",
         "each moves by at most 10 %", p42},
        {"P43", "16 and 32 experts, smaller than loss-optimal by", "70 - 85 %", "cost", "",
         "whole range inside", p43},
    };
}

}   // namespace moecost::yun2024
