// SPDX-License-Identifier: Apache-2.0
// What a design can not be asked: axes that are free in loss, goals that leave the answer open.
#include <algorithm>
#include <cmath>

#include "moecost/design/design.h"
#include "moecost/design/models.h"

namespace moecost {
namespace {

std::optional<Infeasible> outside_freedom(std::string_view axis, const std::vector<int>& list,
                                          const AxisFreedom& f) {
    if (f.free) return std::nullopt;
    if (f.only == 0 && axis == "top-k") {
        if (list.size() <= 1) return std::nullopt;
        return Infeasible{
            "the law does not say how many experts a token uses: only one number can be compared", axis, "",
            1, static_cast<double>(list.size())};
    }
    const auto other = std::find_if(list.begin(), list.end(), [&](int x) { return x != f.only; });
    if (other == list.end()) return std::nullopt;
    return Infeasible{"would be free in loss: the law holds for one value alone", axis, "",
                      static_cast<double>(f.only), static_cast<double>(*other)};
}

std::optional<Infeasible> outside_family(std::string_view axis, const std::vector<int>& list,
                                         const FamilyChoice& choice) {
    const auto& allowed = choice.allowed;
    for (const int x : list) {
        if (allowed.empty() || std::find(allowed.begin(), allowed.end(), x) != allowed.end()) continue;
        return Infeasible{"the family has no such members", axis, "", static_cast<double>(allowed.front()),
                          static_cast<double>(x)};
    }
    return std::nullopt;
}

Infeasible missing(std::string_view reason, std::string_view option) { return {reason, option, {}, 0, 0}; }

}   // namespace

std::optional<Infeasible> free_axis(const DesignSpace& space) {
    const Freedom f = freedom_of(space.basis);
    const Family& family = space.family;
    if (auto p = outside_freedom("experts", space.experts, f.experts)) return p;
    // Dense models have no experts per token, no granularity and no shared experts.
    const bool dense = std::all_of(space.experts.begin(), space.experts.end(), [](int e) { return e == 1; });
    if (dense) return std::nullopt;
    if (auto p = outside_freedom("top-k", space.top_k, f.top_k)) return p;
    if (auto p = outside_freedom("granularity", space.granularity, f.granularity)) return p;
    if (auto p = outside_freedom("shared-experts", space.shared_experts, f.shared)) return p;
    if (auto p = outside_family("experts", space.experts, family.experts)) return p;
    if (auto p = outside_family("top-k", space.top_k, family.top_k)) return p;
    if (auto p = outside_family("granularity", space.granularity, family.granularity)) return p;
    return outside_family("shared-experts", space.shared_experts, family.shared_experts);
}

std::optional<Infeasible> goal_problem(const DesignGoal& g) {
    const bool target = g.max_loss > 0 || g.equal_to > 0;
    if (g.equal_to > 0 && g.max_loss > 0)
        return missing("two losses are asked for: a number and that of another model", "equal-to");
    if (g.equal_to > 0 && g.budget <= 0)
        return missing("the loss-optimal model of so many experts needs a training budget", "budget");
    if (g.objective == DesignObjective::loss && g.budget <= 0)
        return missing("without a training budget the loss has no least value", "budget");
    if (g.objective == DesignObjective::loss && g.equal_to > 0)
        return missing("the loss is what is minimised: it can not be that of another model", "equal-to");
    if (g.objective != DesignObjective::loss && !target)
        return missing("no loss is asked for: the smallest model would always be cheapest", "max-loss");
    if (g.objective == DesignObjective::cost && g.budget <= 0)
        return missing("without a training budget the smallest model, trained for ever, is always cheapest",
                       "budget");
    if (g.objective == DesignObjective::lifetime && g.served_tokens < 0)
        return missing("the tokens served must not be negative", "served-tokens");
    return std::nullopt;
}

std::optional<Infeasible> below_the_floor(const DesignSpace& space, const DesignGoal& goal) {
    if (goal.max_loss <= 0) return std::nullopt;
    double floor = HUGE_VAL;
    for (const DesignCombination& c : combinations_of(space, space.experts)) {
        const auto m = build_model(space, c, 1e10);
        const auto least = m ? least_loss(space.basis.law, m->point.setting) : Expected<double>(Infeasible{});
        if (!least) return std::nullopt;   // what can not be built is told later
        floor = std::min(floor, *least + space.basis.added_loss + goal.quantisation_loss);
    }
    if (goal.max_loss > floor) return std::nullopt;
    return Infeasible{
        "no model reaches the loss: the floor of the law, with unlimited parameters and tokens, lies above "
        "it",
        "loss", "nats", floor, goal.max_loss};
}

Expected<std::vector<double>> usual_sizes(const DesignSpace& space, const DesignGoal& goal, int points) {
    const int experts =
        goal.equal_to > 0 ? goal.equal_to : *std::min_element(space.experts.begin(), space.experts.end());
    Infeasible why{"no model can be built", {}, {}, 0, 0};
    double largest = 0;
    for (const DesignCombination& c : combinations_of(space, {experts})) {
        const auto trained = goal.budget > 0
                                 ? loss_optimal_model(space, c, goal.budget, goal.tokens)
                                 : cheapest_trained(space, c, goal.max_loss - goal.quantisation_loss);
        if (trained)
            largest = std::max(largest, trained->model.member.request.size);
        else
            why = trained.error();
    }
    if (largest == 0) return why;
    std::vector<double> sizes;
    const double low = std::log(largest / 80);
    const double high = std::log(largest * 1.5);
    for (int i = 0; i < points; ++i) {
        const double x = points == 1 ? std::log(largest) : low + (high - low) * i / (points - 1);
        // Three digits: sizes that people can write down.
        const double size = std::exp(x);
        const double unit = std::pow(10.0, std::floor(std::log10(size)) - 2);
        sizes.push_back(std::round(size / unit) * unit);
    }
    return sizes;
}

}   // namespace moecost
