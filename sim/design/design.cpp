// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/design.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "moecost/design/models.h"
#include "moecost/design/review.h"
#include "moecost/design/search.h"
#include "moecost/design/solve.h"

namespace moecost {
namespace {

/// The loss-optimal model of `equal_to` experts, over its combinations; it sets the loss, and competes where its
/// number of experts is asked for.
std::optional<Infeasible> add_base(Search& search, DesignLimits& limits) {
    const DesignSpace& space = search.space;
    std::optional<Trained> best;
    Infeasible why{"the base has no model", {}, {}, 0, 0};
    for (const DesignCombination& c : combinations_of(space, {search.goal.equal_to})) {
        auto trained = loss_optimal_model(space, c, search.goal.budget, search.goal.tokens);
        if (!trained) {
            why = trained.error();
        } else if (!best || trained->loss < best->loss) {
            trained->model.combination = place_of(search, c, trained->model.candidate);
            best = std::move(*trained);
        }
    }
    if (!best) return why;
    limits.max_loss = best->loss + search.goal.quantisation_loss;   // it is served in these formats too
    const DesignModel base = best->model;
    add_models(search, {std::move(best->model)});
    const auto& models = search.answer.models;
    const auto at =
        std::find_if(models.begin(), models.end(), [&](const DesignModel& m) { return same(m, base); });
    search.base = static_cast<std::size_t>(at - models.begin());
    return std::nullopt;
}

/// Sizes half-way, in ln N, between the best model of a combination and its neighbours; beyond the end of the list
/// where it may be extended, as far again.
void add_neighbours(std::vector<Wanted>& wanted, const Search& search, const DesignPoint& best) {
    const auto& models = search.answer.models;
    const DesignModel& at = models[best.model];
    double below = 0;
    double above = HUGE_VAL;
    const double size = at.member.request.size;
    for (const DesignModel& m : models) {
        if (m.combination != at.combination) continue;
        const double other = m.member.request.size;
        if (other < size) below = std::max(below, other);
        if (other > size) above = std::min(above, other);
    }
    if (below > 0) wanted.push_back({at.combination, std::sqrt(below * size)});
    if (above < HUGE_VAL) wanted.push_back({at.combination, std::sqrt(above * size)});
    if (!search.space.extend) return;
    if (below == 0 && above < HUGE_VAL) wanted.push_back({at.combination, size * size / above});
    if (below > 0 && above == HUGE_VAL) wanted.push_back({at.combination, size * size / below});
}

/// The least objective of each combination, of each number of experts, and of all.
struct Least {
    std::map<std::size_t, double> by_combination;
    std::map<int, double> by_experts;
    double of_all = HUGE_VAL;
};

template <class Key>
void lower(std::map<Key, double>& least, Key key, double value) {
    const auto [at, fresh] = least.emplace(key, value);
    if (!fresh) at->second = std::min(at->second, value);
}

Least least_of(const Search& search, const std::vector<Outcome>& outcomes) {
    Least least;
    for (const Outcome& o : outcomes) {
        if (o.stage != DesignStage::done) continue;
        const std::size_t c = search.answer.models[o.point.model].combination;
        lower(least.by_combination, c, o.point.objective);
        lower(least.by_experts, search.answer.combinations[c].experts, o.point.objective);
        least.of_all = std::min(least.of_all, o.point.objective);
    }
    return least;
}

/// Sizes to try next. Prices jump with the shape of a model (heads that a degree divides, sequences that fit), so not
/// the best alone has its neighbours halved, but every model nearly as good. `all`: of each number of experts those
/// combinations that are promising; else the best combination alone.
std::vector<Wanted> next_sizes(const Search& search, const std::vector<Outcome>& outcomes, bool all) {
    const bool loss = search.goal.objective == DesignObjective::loss;
    const double promising = loss ? 1.01 : 1.25;
    const double nearly = loss ? 1.001 : 1.1;
    const Least least = least_of(search, outcomes);
    std::vector<Wanted> wanted;
    for (const Outcome& o : outcomes) {
        if (o.stage != DesignStage::done) continue;
        const std::size_t c = search.answer.models[o.point.model].combination;
        const double best = least.by_combination.at(c);
        const double bar =
            all ? promising * least.by_experts.at(search.answer.combinations[c].experts) : least.of_all;
        if (best <= bar && o.point.objective <= nearly * best) add_neighbours(wanted, search, o.point);
    }
    return wanted;
}

/// Sizes one percent apart around the best model of each number of experts (or of all), those that can be trained
/// within the limits: the last percents of a price that jumps.
void comb(Search& search, const DesignLimits& limits, const std::vector<Outcome>& outcomes, bool all) {
    constexpr int teeth = 10;
    std::map<int, DesignPoint> best;
    for (const Outcome& o : outcomes) {
        if (o.stage != DesignStage::done) continue;
        const int key = all ? search.answer.models[o.point.model].member.request.experts : 0;
        const auto [at, fresh] = best.emplace(key, o.point);
        if (!fresh && better(o.point, at->second)) at->second = o.point;
    }
    std::vector<DesignModel> models;
    for (const auto& [key, point] : best) {
        const std::size_t c = search.answer.models[point.model].combination;
        const double size = search.answer.models[point.model].member.request.size;
        for (int i = -teeth; i <= teeth; ++i) {
            auto m = build_model(search.space, search.answer.combinations[c], size * std::pow(1.01, i));
            if (!m || !trainable(search.goal, search.space.basis, limits, m->point)) continue;
            m->combination = c;
            models.push_back(std::move(*m));
        }
    }
    add_models(search, std::move(models));
}

/// Solves, halves the step in size around the best, and solves again; at last the comb.
std::vector<Outcome> refined(Search& search, const DesignLimits& limits, bool all) {
    const auto solve = [&] {
        return outcomes_of(search.goal, search.space.basis, limits, search.answer.models);
    };
    for (int round = 0; round < search.space.refinements && !search.stopped(); ++round) {
        const std::size_t before = search.answer.models.size();
        add_sizes(search, next_sizes(search, solve(), all));
        if (search.answer.models.size() == before) break;
    }
    if (search.space.refinements > 0 && !search.stopped()) comb(search, limits, solve(), all);
    return solve();
}

/// The same question with one constraint loosened, where it is stated.
void loosen(Search& search, const DesignLimits& limits) {
    struct Trial {
        std::string_view name;
        bool stated;
        double by;
        DesignLimits limits;
    };
    const Slo& slo = search.space.serving.machines.front().slo;
    std::vector<Trial> trials;
    const auto add = [&](std::string_view name, bool stated, double by, auto change) {
        DesignLimits l = limits;
        change(l);
        if (stated) trials.push_back({name, stated, by, l});
    };
    constexpr double by = relaxation - 1;
    // Ten percent of a loss is worth decades of compute: one percent.
    constexpr double by_loss = 0.01;
    add("loss", limits.max_loss > 0, by_loss, [&](DesignLimits& l) { l.max_loss *= 1 + by_loss; });
    add("budget", limits.budget > 0, by, [](DesignLimits& l) { l.budget *= relaxation; });
    add("max-tokens", limits.tokens.most > 0, by, [](DesignLimits& l) { l.tokens.most *= relaxation; });
    add("max-tokens-per-parameter", limits.tokens.per_parameter > 0, by,
        [](DesignLimits& l) { l.tokens.per_parameter *= relaxation; });
    add("max-cost", limits.max_cost > 0, by, [](DesignLimits& l) { l.max_cost *= relaxation; });
    add("slo-tpot", slo.tpot_s > 0, by, [](DesignLimits& l) { l.loosened = ServingLimit::tpot; });
    add("slo-ttft", slo.ttft_s > 0, by, [](DesignLimits& l) { l.loosened = ServingLimit::ttft; });
    add("memory", true, by, [](DesignLimits& l) { l.loosened = ServingLimit::memory; });
    for (const Trial& t : trials) (void)refined(search, t.limits, false);
    if (search.stopped()) return;
    // All see the same models in the end: what is allowed more is never worse.
    const auto solved = [&](const DesignLimits& l) {
        return *best_of(outcomes_of(search.goal, search.space.basis, l, search.answer.models));
    };
    search.answer.winner = solved(limits);
    const double before = search.answer.winner.objective;
    for (const Trial& t : trials) {
        const DesignPoint best = solved(t.limits);
        search.answer.loosened.push_back(
            {std::string(t.name), t.by, (before - best.objective) / before, best});
    }
}

std::optional<Infeasible> too_small_a_budget(const Search& search) {
    if (search.goal.budget <= 0) return std::nullopt;
    double smallest = HUGE_VAL;
    for (const DesignModel& m : search.answer.models) smallest = std::min(smallest, m.point.used);
    if (search.goal.budget >= 6 * smallest * smallest) return std::nullopt;
    return Infeasible{"the budget trains the smallest model on less than one token per parameter", "budget",
                      "FLOP", 6 * smallest * smallest, search.goal.budget};
}

void add_list(Search& search) {
    search.answer.combinations = combinations_of(search.space, search.space.experts);
    search.listed = search.answer.combinations.size();
    std::vector<Wanted> wanted;
    for (std::size_t c = 0; c < search.answer.combinations.size(); ++c) {
        for (const double size : search.space.sizes) wanted.push_back({c, size});
    }
    add_sizes(search, wanted);
    if (!search.space.extend || search.goal.budget <= 0) return;
    // A loss that only the loss-optimal size reaches lies between the sizes of any list.
    std::vector<DesignModel> optimal;
    for (std::size_t c = 0; c < search.answer.combinations.size(); ++c) {
        auto trained = loss_optimal_model(search.space, search.answer.combinations[c], search.goal.budget,
                                          search.goal.tokens);
        if (!trained) continue;
        trained->model.combination = c;
        optimal.push_back(std::move(trained->model));
    }
    add_models(search, std::move(optimal));
}

void name_left_out(Search& search) {
    for (const auto& [experts, why] : search.not_built) {
        const auto& models = search.answer.models;
        const auto has = [e = experts](const DesignModel& m) { return m.member.request.experts == e; };
        if (std::none_of(models.begin(), models.end(), has)) search.answer.left_out.push_back({experts, why});
    }
}

}   // namespace

std::string_view name_of(DesignObjective objective) {
    switch (objective) {
        case DesignObjective::cost:
            return "cost";
        case DesignObjective::lifetime:
            return "lifetime";
        case DesignObjective::loss:
            break;
    }
    return "loss";
}

Expected<DesignAnswer> design(const DesignSpace& space, const DesignGoal& goal, const TableOptions& options) {
    if (const auto why = basis_problem(space.basis)) return *why;
    if (const auto why = free_axis(space)) return *why;
    if (const auto why = goal_problem(goal)) return *why;
    if (const auto why = below_the_floor(space, goal)) return *why;
    Search search{space, goal, options, {}, {}, std::nullopt, {}, 0};
    DesignAnswer& answer = search.answer;
    add_list(search);
    if (answer.models.empty())
        return search.not_built.empty() ? Infeasible{"no model can be built", {}, {}, 0, 0}
                                        : search.not_built.begin()->second;
    name_left_out(search);
    if (const auto why = too_small_a_budget(search)) return *why;
    DesignLimits limits{goal.max_loss, goal.budget,        goal.tokens,
                        goal.max_cost, ServingLimit::none, std::nullopt};
    if (goal.equal_to > 0) {
        if (const auto why = add_base(search, limits)) return *why;
    }
    answer.max_loss = limits.max_loss;
    std::vector<Outcome> first = refined(search, limits, true);
    auto best = best_of(first);
    if (!best && limits.max_cost > 0) {
        // The sizes of the list are too coarse to say that a price is out of reach: those near the cheapest are tried.
        DesignLimits any_price = limits;
        any_price.max_cost = 0;
        (void)refined(search, any_price, true);
        first = outcomes_of(goal, space.basis, limits, answer.models);
        best = best_of(first);
    }
    if (!search.stopped() && !best) return why_none(first, limits, space.serving, answer.models);
    // Each accelerator has sizes of its own: those of the winner suit its memory alone.
    for (std::size_t i = 0; i < space.serving.machines.size() && space.serving.machines.size() > 1; ++i) {
        DesignLimits own = limits;
        own.machine = i;
        if (!search.stopped()) (void)refined(search, own, false);
    }
    if (!search.stopped()) add_iso_models(search, limits);
    if (!search.stopped()) loosen(search, limits);
    if (!search.stopped()) add_iso_loss(search, limits);
    if (search.stopped()) {
        answer.stopped = true;
        return answer;
    }
    review(space, goal, limits, search.base, answer);
    return answer;
}

}   // namespace moecost
