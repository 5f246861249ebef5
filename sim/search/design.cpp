// SPDX-License-Identifier: Apache-2.0
#include "search/design.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "search/design_models.h"
#include "search/design_review.h"
#include "search/design_solve.h"

namespace moecost {
namespace {

// Combinations whose best is within this factor of the best with as many experts are refined.
constexpr double promising = 1.25;

struct Wanted {
    std::size_t combination = 0;
    double size = 0;
};

/// Everything that a design has found so far.
struct Search {
    const DesignSpace& space;
    const DesignGoal& goal;
    const TableOptions& options;
    DesignAnswer answer;
    Infeasible not_built;              // why the last model that can not be is none
    std::optional<std::size_t> base;   // the model that sets the loss

    [[nodiscard]] bool stopped() const { return options.stop != nullptr && *options.stop; }
};

/// The same shape; the size that was asked for may differ.
bool same(const DesignModel& a, const DesignModel& b) {
    const Architecture& x = a.member.architecture;
    const Architecture& y = b.member.architecture;
    return a.combination == b.combination && x.hidden == y.hidden && x.layers == y.layers &&
           x.mixers == y.mixers && x.ffns == y.ffns;
}

bool known(const std::vector<DesignModel>& models, const DesignModel& m) {
    return std::any_of(models.begin(), models.end(), [&](const DesignModel& o) { return same(o, m); });
}

/// Prices models and joins them to the answer; those that are there already are left out.
void add_models(Search& search, std::vector<DesignModel> models) {
    std::vector<DesignModel> fresh;
    for (DesignModel& m : models) {
        if (!known(search.answer.models, m) && !known(fresh, m)) fresh.push_back(std::move(m));
    }
    std::vector<const Architecture*> architectures;
    for (const DesignModel& m : fresh) architectures.push_back(&m.member.architecture);
    auto table = serving_table(search.space.serving, architectures, search.options);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        fresh[i].served = std::move(table[i]);
        for (const Served& s : fresh[i].served) search.answer.evaluated += s.evaluated;
        search.answer.models.push_back(std::move(fresh[i]));
    }
    search.answer.built = search.answer.models.size();
}

void add_sizes(Search& search, const std::vector<Wanted>& wanted) {
    std::vector<DesignModel> models;
    for (const Wanted& w : wanted) {
        auto model = build_model(search.space, search.answer.combinations[w.combination], w.size);
        if (!model) {
            search.not_built = model.error();
            continue;
        }
        model->combination = w.combination;
        models.push_back(std::move(*model));
    }
    add_models(search, std::move(models));
}

/// The loss-optimal model of `equal_to` experts, over its combinations; it sets the loss, and competes where its
/// number of experts is asked for.
std::optional<Infeasible> add_base(Search& search, DesignLimits& limits) {
    const DesignSpace& space = search.space;
    auto& list = search.answer.combinations;
    std::optional<Trained> best;
    Infeasible why{"the base has no model", {}, {}, 0, 0};
    for (const Combination& c : combinations_of(space, {search.goal.equal_to})) {
        auto trained = loss_optimal_model(space, c, search.goal.budget, search.goal.max_tokens);
        if (!trained) {
            why = trained.error();
        } else if (!best || trained->loss < best->loss) {
            auto at = std::find(list.begin(), list.end(), c);
            trained->model.candidate = at != list.end();
            if (at == list.end()) at = list.insert(list.end(), c);
            trained->model.combination = static_cast<std::size_t>(at - list.begin());
            best = std::move(*trained);
        }
    }
    if (!best) return why;
    limits.max_loss = best->loss;
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

/// Solves, halves the step in size around the best of the combinations that matter, and solves again.
/// `factor`: how far from the best of as many experts a combination may be; 1: the best of all alone.
std::vector<Outcome> refined(Search& search, const DesignLimits& limits, double factor) {
    auto& models = search.answer.models;
    for (int round = 0; round < search.space.refinements && !search.stopped(); ++round) {
        std::map<std::size_t, DesignPoint> by_combination;
        std::map<int, double> by_experts;
        double least = HUGE_VAL;
        for (const Outcome& o : outcomes_of(search.goal, search.space.basis, limits, models)) {
            if (o.stage != DesignStage::done) continue;
            const std::size_t c = models[o.point.model].combination;
            const auto [at, fresh] = by_combination.emplace(c, o.point);
            if (!fresh && better(o.point, at->second)) at->second = o.point;
            const auto [e, first] =
                by_experts.emplace(search.answer.combinations[c].experts, o.point.objective);
            if (!first) e->second = std::min(e->second, o.point.objective);
            least = std::min(least, o.point.objective);
        }
        std::vector<Wanted> wanted;
        for (const auto& [c, best] : by_combination) {
            const double bar =
                factor > 1 ? factor * by_experts.at(search.answer.combinations[c].experts) : least;
            if (best.objective <= bar) add_neighbours(wanted, search, best);
        }
        const std::size_t before = models.size();
        add_sizes(search, wanted);
        if (models.size() == before) break;
    }
    return outcomes_of(search.goal, search.space.basis, limits, models);
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
    add("max-tokens", limits.max_tokens > 0, by, [](DesignLimits& l) { l.max_tokens *= relaxation; });
    add("max-cost", limits.max_cost > 0, by, [](DesignLimits& l) { l.max_cost *= relaxation; });
    add("slo-tpot", slo.tpot_s > 0, by, [](DesignLimits& l) { l.loosened = ServingLimit::tpot; });
    add("slo-ttft", slo.ttft_s > 0, by, [](DesignLimits& l) { l.loosened = ServingLimit::ttft; });
    add("memory", true, by, [](DesignLimits& l) { l.loosened = ServingLimit::memory; });
    for (const Trial& t : trials) (void)refined(search, t.limits, 1);
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
    std::vector<Wanted> wanted;
    for (std::size_t c = 0; c < search.answer.combinations.size(); ++c) {
        for (const double size : search.space.sizes) wanted.push_back({c, size});
    }
    add_sizes(search, wanted);
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
    Search search{space, goal, options, {}, {"no model can be built", {}, {}, 0, 0}, std::nullopt};
    DesignAnswer& answer = search.answer;
    add_list(search);
    if (answer.models.empty()) return search.not_built;
    if (const auto why = too_small_a_budget(search)) return *why;
    DesignLimits limits{goal.max_loss, goal.budget,        goal.max_tokens,
                        goal.max_cost, ServingLimit::none, std::nullopt};
    if (goal.equal_to > 0) {
        if (const auto why = add_base(search, limits)) return *why;
    }
    answer.max_loss = limits.max_loss;
    const std::vector<Outcome> first = refined(search, limits, promising);
    const auto best = best_of(first);
    if (!search.stopped() && !best) return why_none(first, limits, space.serving, answer.models);
    if (!search.stopped()) loosen(search, limits);
    if (search.stopped()) {
        answer.stopped = true;
        return answer;
    }
    review(space, goal, limits, search.base, answer);
    return answer;
}

}   // namespace moecost
