// SPDX-License-Identifier: Apache-2.0
// P26 - P34: over-trained models at the loss of a base (algorithm 1).
#include <cmath>

#include "moecost/base/format.h"
#include "study.h"

namespace moecost::yun2024 {
namespace {

double cost_percent(const AtBudget& at, int base, int experts) {
    return 100 * at.at_loss.at(base).at(experts).cost / at.optimal.at(base).cost;
}

/// Over the budgets from `low` on.
Span cost_span(const Answers& a, int base, int experts, double low = 0) {
    Span s;
    for (const AtBudget& at : a.printed) {
        if (at.budget >= low) s.add(cost_percent(at, base, experts));
    }
    return s;
}

Span saved(const Span& cost) { return {100 - cost.high, 100 - cost.low}; }

/// "8: 46 to 44 %, 16: ..." relative to the base.
std::string by_experts(const Answers& a, int base) {
    std::string s;
    for (const int e : {4, 8, 16, 32}) {
        if (e <= base) continue;
        s.append(s.empty() ? "" : "; ").append(std::to_string(e)).append(": ");
        s.append(range_text(cost_span(a, base, e), 0, " %"));
    }
    return s;
}

Finding p26(const World&, const Case&, const Answers& a) {
    bool cheapest = true;
    for (const AtBudget& at : a.printed) {
        if (at.budget < figure_budget) continue;
        for (const int e : {4, 16, 32})
            cheapest = cheapest && cost_percent(at, 1, 8) <= cost_percent(at, 1, e);
    }
    Finding f = inside(cost_span(a, 1, 8, figure_budget), 31.6, 38.1, 0.1, " %");
    if (!cheapest) f.verdict = Verdict::differs;
    f.same_direction = cheapest;
    f.shown.append(cheapest ? ", cheapest" : ", not cheapest");
    f.why = "cost by experts: " + by_experts(a, 1);
    return f;
}

Finding p27(const World&, const Case&, const Answers& a) {
    return inside(saved(cost_span(a, 4, 8)), 49.0, 52.3, 0.1, " %",
                  "experts cost less to serve here than in the paper");
}

Finding p28(const World&, const Case&, const Answers& a) {
    return inside(saved(cost_span(a, 4, 16)), 48, 53, 1, " %",
                  "as P27, more so: kappa falls with E, since more GPUs then share the weights");
}

Finding p29(const World&, const Case&, const Answers& a) {
    Span both = cost_span(a, 4, 8);
    const Span sixteen = cost_span(a, 4, 16);
    both.add(sixteen.low);
    both.add(sixteen.high);
    return inside(both, 47.0, 52.0, 0.1, " %", "restates P27 and P28 with other limits");
}

Finding p30(const World&, const Case&, const Answers& a) {
    bool yes = true;
    for (const AtBudget& at : a.printed) {
        yes = yes && cost_percent(at, 4, 32) > cost_percent(at, 4, 8) &&
              cost_percent(at, 4, 32) > cost_percent(at, 4, 16);
    }
    return holds(yes, by_experts(a, 4), "the smaller N outweighs the weights of more experts");
}

double size_percent(const AtBudget& at, int base, int experts) {
    return 100 * at.at_loss.at(base).at(experts).n / at.optimal.at(base).n;
}

/// Sizes of 8 experts over the budgets of figure 5 right.
Span size_span(const Answers& a, int base, double scale) {
    Span s;
    for (const AtBudget& at : a.printed) {
        if (at.budget <= 5.96e21) s.add(scale * size_percent(at, base, 8));
    }
    return s;
}

Finding p31(const World&, const Case&, const Answers& a) {
    return inside(size_span(a, 1, active_share(8)), 23.3, 28.2, 0.1, " %",
                  "activated parameters; as plain N " + range_text(size_span(a, 1, 1), 1, " %"));
}

Finding p32(const World&, const Case&, const Answers& a) {
    return inside(size_span(a, 4, 1), 21.0, 25.1, 0.1, " %",
                  "a matter of the law alone: Clark's experts, in Y-P, gain less than the paper's");
}

Finding p33(const World&, const Case&, const Answers& a) {
    bool yes = true;
    for (const int base : {1, 4}) {
        for (std::size_t i = 0; i < a.printed.size(); ++i) {
            const AtBudget& at = a.printed[i];
            yes = yes && size_percent(at, base, 16) < size_percent(at, base, 8) &&
                  size_percent(at, base, 32) < size_percent(at, base, 16);
            if (i > 0) yes = yes && size_percent(at, base, 8) < size_percent(a.printed[i - 1], base, 8);
        }
    }
    const AtBudget& at = a.at(figure_budget);
    std::string shown;
    for (const int e : {8, 16, 32}) shown.append(e == 8 ? "" : ", ").append(fixed(size_percent(at, 4, e), 1));
    return holds(yes, shown.append(" %"), "8, 16, 32 experts, base 4, at 5.15e21 FLOP");
}

Finding p34(const World&, const Case&, const Answers& a) {
    return close_to({a.at(2.12e21).optimal.at(1).n / 1e9, a.at(5.96e21).optimal.at(1).n / 1e9}, {3.36, 6.14},
                    2, " B", "dense optimum of the Chinchilla data in Y-P; other data, other optimum");
}

}   // namespace

std::vector<Claim> loss_bound_claims() {
    return {
        {"P26", "bounded loss, base dense: 8 experts are cheapest; their cost relative to dense",
         "31.6 - 38.1 %", "cost", "", "whole range inside, and cheapest of 4, 8, 16, 32", p26},
        {"P27", "bounded loss, base 4: 8 experts save", "49.0 - 52.3 %", "cost", "", "whole range inside",
         p27},
        {"P28", "bounded loss, base 4: 16 experts save", "48 - 53 %", "cost", "", "whole range inside", p28},
        {"P29", "bounded loss, base 4: 8 or 16 experts need", "47.0 - 52.0 %", "cost", "",
         "whole range inside", p29},
        {"P30", "bounded loss, base 4: 32 experts cost more than 8 or 16", "-", "cost", "", "at every budget",
         p30},
        {"P31", "bounded loss, base dense: 8 experts use of the activated parameters", "23.3 - 28.2 %", "law",
         "", "whole range inside", p31},
        {"P32", "the same, base 4", "21.0 - 25.1 %", "law", "Y-C", "whole range inside", p32},
        {"P33", "this ratio falls with E and with the budget", "-", "law", "",
         "at every step, base dense and 4", p33},
        {"P34", "loss-optimal dense size at 2.12e21 and 5.96e21 FLOP", "3.36 B, 6.14 B", "law", "Y-C",
         "both within 5 %", p34},
    };
}

}   // namespace moecost::yun2024
