// SPDX-License-Identifier: Apache-2.0
// P16 - P25: loss-optimal models, their training budgets, and the first look at over-trained ones.
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/law/optimum.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

PaperModel optimal(const Case& c, double budget, double experts) {
    PaperQuestion q;
    q.budget = budget;
    q.compute = c.compute;
    const auto m = loss_optimal_model(c.law, c.cost, q, experts);
    const double nan = std::nan("");
    return m ? *m : PaperModel{experts, nan, nan, nan, nan, nan};
}

/// The loss needs no serving cost: it has an answer where the model fits no node.
double optimal_loss(const Case& c, double budget, double experts) {
    Case law_only;
    law_only.law = c.law;
    law_only.compute = c.compute;
    law_only.cost = proportional_cost(1);
    return optimal(law_only, budget, experts).loss;
}

double budget_ratio(const Case& c, double dearer, double cheaper, double budget) {
    const auto needed = budget_for_loss(c.law, c.compute, dearer, optimal_loss(c, budget, cheaper));
    return needed ? *needed / budget : std::nan("");
}

Finding p16(const World&, const Case& c, const Answers&) {
    bool yes = true;
    for (const double b : wide_budgets) {
        for (std::size_t i = 1; i < std::size(expert_counts); ++i)
            yes = yes && optimal_loss(c, b, expert_counts[i]) < optimal_loss(c, b, expert_counts[i - 1]);
    }
    std::string shown;
    for (const int e : expert_counts)
        shown.append(e == 1 ? "" : ", ").append(fixed(optimal_loss(c, figure_budget, e), 3));
    return holds(yes, shown.append(" nats"), "shown at 5.15e21 FLOP, checked from 1e20 to 1e22");
}

Finding p17(const World&, const Case& c, const Answers&) {
    bool yes = true;
    for (const double b : wide_budgets) {
        double before = 0;
        for (const int e : expert_counts) {
            const double cost = optimal(c, b, e).cost;
            if (std::isnan(cost)) continue;   // fits no node: dearer than any
            yes = yes && cost > before;
            before = cost;
        }
    }
    std::string shown("cost ");
    const double dense = optimal(c, figure_budget, 1).cost;
    for (const int e : expert_counts)
        shown.append(e == 1 ? "" : ", ").append(fixed(optimal(c, figure_budget, e).cost / dense, 2));
    return holds(yes, std::move(shown), "relative to dense at 5.15e21 FLOP, checked from 1e20 to 1e22");
}

/// E with the least loss among loss-optimal models that cost `limit`, from `fewest` experts on.
int best_experts(const Case& c, double limit, int fewest) {
    int best = 0;
    double least = HUGE_VAL;
    for (const int e : expert_counts) {
        if (e < fewest) continue;
        const auto n = largest_size_at_cost(c.cost, e, limit, least_size, most_size);
        if (!n) continue;
        const double experts = e;
        const auto d = tokens_for_optimal_size(c.law, {.n = *n, .experts = experts});
        const auto l = d ? loss(c.law, {.n = *n, .d = *d, .experts = experts}) : Expected<double>(d.error());
        if (l && *l < least) {
            least = *l;
            best = e;
        }
    }
    return best;
}

Finding p18(const World&, const Case& c, const Answers&) {
    bool yes = true;
    int with_dense = 0;
    std::string shown("best E");
    for (const double b : wide_budgets) {
        const double limit = optimal(c, b, 4).cost;
        const int e = best_experts(c, limit, 4);
        yes = yes && (e == 4 || e == 8);
        shown.append(b == wide_budgets[0] ? " " : ", ").append(std::to_string(e));
        if (b == wide_budgets[0]) with_dense = best_experts(c, limit, 1);
    }
    if (with_dense == 1) shown.append("; the dense model beats them");
    return holds(
        yes, std::move(shown),
        "among mixtures, at the cost of loss-optimal 4 experts of 1e20, 2e20, 5e20, 1e21, 2.12e21, 5.15e21, "
        "8.18e21, 1e22 FLOP");
}

Span more_budget(const Case& c) {
    Span s;
    for (const double b : budgets) s.add(budget_ratio(c, 4, 16, b));
    return s;
}

Finding p19(const World&, const Case& c, const Answers&) {
    return inside(more_budget(c), 2.5, 3.5, 0.1, " times",
                  "4 against 16 experts; the paper prints three different ranges for this (P19 - P21)");
}

Finding p20(const World&, const Case& c, const Answers&) {
    Span s = more_budget(c);
    for (const double b : budgets) s.add(budget_ratio(c, 8, 32, b));
    return inside(s, 2.4, 4.3, 0.1, " times", "4 against 16 and 8 against 32 experts");
}

Finding p21(const World&, const Case& c, const Answers&) {
    Span s;
    for (const double b : budgets) s.add(100 * budget_ratio(c, 16, 4, b));
    return inside(s, 23.7, 42.8, 0.1, " %", "law alone; Y-P did not use it");
}

Finding p22(const World&, const Case& c, const Answers&) {
    bool yes = true;
    double before = HUGE_VAL;
    std::string shown;
    for (const double b : wide_budgets) {
        const double share = budget_ratio(c, 16, 4, b);
        yes = yes && share < before;
        before = share;
        if (b == wide_budgets[0]) shown = fixed(100 * share, 0) + " % at 1e20, ";
    }
    return holds(yes, shown + fixed(100 * before, 0) + " % at 1e22 FLOP", "law alone");
}

Finding p23(const World&, const Case& c, const Answers&) {
    int cases = 0;
    int better = 0;
    for (const double b : wide_budgets) {
        for (const double e : {8.0, 16.0, 32.0}) {
            const auto best = loss_optimal(c.law, b, {.experts = e});
            const auto doubled = loss(c.law, {.n = 2 * best->n, .d = 2 * best->d, .experts = e / 2});
            ++cases;
            if (doubled && *doubled < best->loss) ++better;
        }
    }
    return holds(
        2 * better > cases, std::to_string(better) + " of " + std::to_string(cases) + " cases",
        "loss-optimal 8, 16, 32 experts from 1e20 to 1e22 FLOP against half the experts with 2N and 2D");
}

Finding p24(const World&, const Case& c, const Answers&) {
    bool yes = true;
    bool flat = true;
    double before = HUGE_VAL;
    std::string shown;
    for (const double e : {4.0, 8.0, 16.0, 32.0}) {
        const auto best = loss_optimal(c.law, figure_budget, {.experts = e});
        const auto small = loss(c.law, {.n = 0.3 * best->n, .d = best->d / 0.3, .experts = e});
        const double rise = small ? *small - best->loss : std::nan("");
        yes = yes && rise < before;
        flat = flat && rise <= 0.05;
        before = rise;
        shown.append(e == 4 ? "+" : ", +").append(fixed(rise, 3));
    }
    const double gain = optimal_loss(c, figure_budget, 1) - optimal_loss(c, figure_budget, 32);
    Finding f = holds(yes && flat, shown.append(" nats"),
                      "4, 8, 16, 32 experts at 0.3 N_opt and 5.15e21 FLOP: flat for all of them, not for "
                      "many experts alone; 32 experts "
                      "instead of a dense model gain " +
                          fixed(gain, 3));
    f.same_direction = flat;
    return f;
}

Finding p25(const World&, const Case&, const Answers& a) {
    Span four;
    Span eight;
    for (const AtBudget& at : a.printed) {
        four.add(100 * at.at_loss.at(4).at(16).cost / at.optimal.at(4).cost);
        eight.add(100 * at.at_loss.at(8).at(16).cost / at.optimal.at(8).cost);
    }
    const bool yes = four.high < 100 && eight.high < 100;
    return holds(yes, range_text(four, 0, " % of 4, ") + range_text(eight, 0, " % of 8"),
                 "cost of 16 experts at the loss of loss-optimal 4 and 8 of the same budget; any size "
                 "between that and "
                 "equal cost beats them in both");
}

}   // namespace

std::vector<Claim> optimal_claims() {
    return {
        {"P16", "at a fixed budget more experts give a lower loss", "-", "law", "", "at every budget", p16},
        {"P17", "at a fixed budget more experts cost more to serve", "-", "cost", "", "at every budget", p17},
        {"P18", "among loss-optimal models 4 or 8 experts have the lowest loss at a given cost", "4/8",
         "cost", "", "4 or 8 of the mixtures at every cost level", p18},
        {"P19", "training price of P18 (abstract)", "2.5 - 3.5 times", "law", "",
         "whole range inside, 5 % allowed", p19},
        {"P20", "the same (introduction)", "2.4 - 4.3 times", "law", "", "whole range inside", p20},
        {"P21", "FLOP of 16 experts relative to 4 at equal loss", "23.7 - 42.8 %", "law", "Y-C",
         "whole range inside", p21},
        {"P22", "this gap widens with total FLOP", "-", "law", "", "at every step", p22},
        {"P23", "doubling N and D outweighs halving E in most cases", "-", "law", "", "in more than half",
         p23},
        {"P24", "with more experts the loss changes only marginally when N shrinks far below the optimum",
         "-", "law", "", "at most 0.05 nats at 0.3 N_opt, less with more experts", p24},
        {"P25", "over-trained 16 experts beat loss-optimal 4 and 8 in loss and in cost", "-", "cost", "",
         "cheaper at equal loss at every budget", p25},
    };
}

}   // namespace moecost::yun2024
