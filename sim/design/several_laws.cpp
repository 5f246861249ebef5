// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/several_laws.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "moecost/design/models.h"
#include "moecost/design/solve.h"
#include "moecost/law/parameters.h"

namespace moecost {
namespace {

struct Origin {
    std::size_t law = 0;
    std::size_t model = 0;
};

/// All designs of all searches as one law sees them.
struct View {
    LossBasis basis;
    DesignGoal goal;
    DesignLimits limits;
    std::vector<DesignModel> models;   // by design; not a candidate where the law gives it no loss
    std::vector<Outcome> outcomes;
    std::optional<DesignPoint> best;
};

DesignGoal goal_of(const DesignGoal& goal, const LawView& law) {
    DesignGoal g = goal;
    g.tokens = law.tokens;
    return g;
}

DesignLimits limits_of(const DesignGoal& goal, const DesignAnswer& own) {
    return {own.max_loss, goal.budget, goal.tokens, goal.max_cost, ServingLimit::none, std::nullopt};
}

std::vector<Origin> designs_of(const std::vector<DesignAnswer>& answers) {
    std::vector<Origin> designs;
    for (std::size_t l = 0; l < answers.size(); ++l) {
        for (std::size_t m = 0; m < answers[l].models.size(); ++m) {
            if (answers[l].models[m].candidate) designs.push_back({l, m});
        }
    }
    return designs;
}

View view_of(const DesignSpace& space, const DesignGoal& goal, const LawsAnswer& a, std::size_t law,
             const std::vector<Origin>& designs) {
    View v;
    v.basis = a.views[law].basis;
    v.goal = goal_of(goal, a.views[law]);
    v.limits = limits_of(v.goal, a.answers[law]);
    for (const Origin& d : designs) {
        v.models.push_back(a.answers[d.law].models[d.model]);
        DesignModel& m = v.models.back();
        const auto point = law_point(v.basis, space.family, m.member);
        m.candidate = static_cast<bool>(point);
        if (point) m.point = *point;
    }
    v.outcomes = outcomes_of(v.goal, v.basis, v.limits, v.models);
    v.best = best_of(v.outcomes);
    return v;
}

/// "training budget": the constraint that stopped a model, and how many times what is allowed it takes.
void name_missed(const View& v, const Outcome& o, bool candidate, UnderLaw& under) {
    if (!candidate) {
        under.missed = "the law does not hold it";
        return;
    }
    switch (o.stage) {
        case DesignStage::memory:
            under.missed = "memory";
            return;
        case DesignStage::objectives:
            under.missed = "latency";
            return;
        case DesignStage::loss:
            under.missed = "loss";
            return;
        case DesignStage::tokens:
            under.missed = "tokens";
            under.times = o.needed;
            return;
        case DesignStage::budget:
            under.missed = "budget";
            under.times = o.needed / v.limits.budget;
            return;
        case DesignStage::max_cost:
            under.missed = "price";
            under.times = o.needed / v.limits.max_cost;
            return;
        case DesignStage::done:
            return;
    }
}

double regret_of(const DesignGoal& goal, const DesignPoint& p, const DesignPoint& best) {
    return goal.objective == DesignObjective::loss ? p.objective - best.objective
                                                   : p.objective / best.objective - 1;
}

RobustDesign robust(const std::vector<View>& views, const Origin& origin, std::size_t design) {
    RobustDesign r;
    r.law = origin.law;
    r.model = origin.model;
    r.worst = 0;
    for (const View& v : views) {
        UnderLaw under;
        const Outcome& o = v.outcomes[design];
        if (o.stage == DesignStage::done && v.best) {
            under.possible = true;
            under.point = o.point;
            under.regret = regret_of(v.goal, o.point, *v.best);
            r.worst = std::max(r.worst, under.regret);
        } else {
            name_missed(v, o, v.models[design].candidate, under);
            ++r.impossible_in;
        }
        r.under.push_back(std::move(under));
    }
    return r;
}

/// Possible under more laws; then the least worst regret.
bool safer(const RobustDesign& a, const RobustDesign& b) {
    if (a.impossible_in != b.impossible_in) return a.impossible_in < b.impossible_in;
    return a.worst < b.worst;
}

std::size_t combination_at(LawsAnswer& a, const DesignCombination& c) {
    const auto at = std::find(a.combinations.begin(), a.combinations.end(), c);
    if (at != a.combinations.end()) return static_cast<std::size_t>(at - a.combinations.begin());
    a.combinations.push_back(c);
    return a.combinations.size() - 1;
}

/// The loss that a draw asks for: that of its own best base.
double target_of(const View& v, const LossBasis& draw) {
    if (v.goal.equal_to <= 0) return v.limits.max_loss;
    double least = HUGE_VAL;
    for (const DesignModel& m : v.models) {
        if (!m.candidate || m.member.request.experts != v.goal.equal_to) continue;
        const auto l = loss_at(draw, m.point, affordable_tokens(v.goal.budget, v.goal.tokens, m.point));
        if (l) least = std::min(least, *l + v.goal.quantisation_loss);
    }
    return std::isfinite(least) ? least : v.limits.max_loss;
}

void add_wins(const View& v, const std::vector<std::size_t>& combination, std::size_t law, LawsAnswer& a) {
    std::vector<Law> draws = draws_of(v.basis.law, a.draws, v.goal.seed);
    if (draws.empty()) draws.assign(1, v.basis.law);
    for (const Law& drawn : draws) {
        LossBasis basis = v.basis;
        basis.law = drawn;
        DesignLimits limits = v.limits;
        limits.max_loss = target_of(v, basis);
        const auto best = best_of(outcomes_of(v.goal, basis, limits, v.models));
        const unsigned weight = draws.size() == 1 ? std::max(1U, a.draws) : 1;
        if (best) a.wins[law][combination[best->model]] += weight;
    }
}

}   // namespace

Expected<LawsAnswer> design_under_laws(DesignSpace space, DesignGoal goal, std::vector<LawView> views,
                                       const TableOptions& options) {
    LawsAnswer a;
    a.draws = goal.bootstrap;
    a.views = std::move(views);
    const unsigned draws = std::exchange(goal.bootstrap, 0);
    for (const LawView& law : a.views) {
        space.basis = law.basis;
        auto own = design(space, goal_of(goal, law), options);
        if (!own) return own.error();
        a.stopped = a.stopped || own->stopped;
        if (a.stopped) return a;
        a.answers.push_back(std::move(*own));
    }
    const std::vector<Origin> designs = designs_of(a.answers);
    std::vector<View> seen;
    for (std::size_t l = 0; l < a.views.size(); ++l) seen.push_back(view_of(space, goal, a, l, designs));
    std::vector<std::size_t> combination;
    for (const Origin& d : designs) {
        const DesignAnswer& own = a.answers[d.law];
        combination.push_back(combination_at(a, own.combinations[own.models[d.model].combination]));
    }
    a.winners.resize(a.views.size());
    bool first = true;
    for (std::size_t d = 0; d < designs.size(); ++d) {
        RobustDesign r = robust(seen, designs[d], d);
        const DesignAnswer& own = a.answers[r.law];
        if (own.winner.model == r.model) a.winners[r.law] = r;
        if (first || safer(r, a.minimax)) a.minimax = std::move(r);
        first = false;
    }
    a.draws = draws;
    a.wins.assign(a.views.size(), std::vector<unsigned>(a.combinations.size(), 0));
    for (std::size_t l = 0; l < a.views.size(); ++l) add_wins(seen[l], combination, l, a);
    return a;
}

}   // namespace moecost
