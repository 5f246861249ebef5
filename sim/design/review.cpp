// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/review.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "moecost/base/frontier.h"
#include "moecost/design/models.h"
#include "moecost/law/parameters.h"

namespace moecost {
namespace {

constexpr std::size_t most_on_frontier = 200;

void add_by_experts(const std::vector<Outcome>& outcomes, DesignAnswer& answer) {
    std::map<int, DesignPoint> best;
    for (const Outcome& o : outcomes) {
        if (o.stage != DesignStage::done) continue;
        const auto [at, fresh] = best.emplace(answer.models[o.point.model].member.request.experts, o.point);
        if (!fresh && better(o.point, at->second)) at->second = o.point;
    }
    for (const auto& [experts, point] : best) answer.by_experts.push_back(point);
}

void add_by_machine(const DesignSpace& space, const DesignGoal& goal, DesignLimits limits,
                    DesignAnswer& answer) {
    for (std::size_t i = 0; i < space.serving.machines.size(); ++i) {
        limits.machine = i;
        const auto best = best_of(outcomes_of(goal, space.basis, limits, answer.models));
        if (best) answer.by_machine.push_back(*best);
    }
}

/// The base on its budget, deployed where it is cheapest, whatever the price.
void add_base_point(const DesignSpace& space, const DesignGoal& goal, DesignLimits limits, std::size_t base,
                    DesignAnswer& answer) {
    DesignGoal whole = goal;
    whole.objective = DesignObjective::loss;
    limits.max_cost = limits.max_loss = 0;
    const Outcome o = outcome_of(whole, space.basis, limits, answer.models, base);
    if (o.stage != DesignStage::done) return;
    answer.base = o.point;
    answer.base->objective = objective_of(goal, o.point);
}

template <class T>
bool at_end(const std::vector<T>& list, double value, bool upper) {
    if (list.size() < 2) return false;
    const auto [low, high] = std::minmax_element(list.begin(), list.end());
    return static_cast<double>(upper ? *high : *low) == value;
}

/// Whether no model of the combination is smaller (or larger) than the winner.
bool at_end_of_sizes(const DesignAnswer& answer, bool upper) {
    const DesignModel& w = answer.models[answer.winner.model];
    const double size = w.member.request.size;
    return std::none_of(answer.models.begin(), answer.models.end(), [&](const DesignModel& m) {
        const double other = m.member.request.size;
        return m.combination == w.combination && (upper ? other > size : other < size);
    });
}

void add_edges(const DesignSpace& space, DesignAnswer& answer) {
    const DesignPoint& w = answer.winner;
    const FamilyRequest& r = answer.models[w.model].member.request;
    const auto add = [&](bool is, std::string text) {
        if (is) answer.edges.push_back(std::move(text));
    };
    add(at_end(space.experts, r.experts, true), "experts: the most of the list");
    add(at_end(space.granularity, r.granularity, true), "granularity: the finest of the list");
    add(at_end(space.top_k, r.top_k, true), "top-k: the largest of the list");
    add(at_end_of_sizes(answer, false), "size: the smallest that was built");
    add(at_end_of_sizes(answer, true), "size: the largest that was built");
    add(at_end(space.serving.gpus, w.deployment.layout.gpus(), true), "GPUs: the most of the list");
    const bool fewer = w.deployment.requests < w.deployment.max_concurrency && !space.serving.fill;
    add(fewer && at_end(space.serving.concurrency, w.deployment.requests, true),
        "concurrency: the most of the list, though more would fit");
}

/// The point of a model with these tokens; nothing when it breaks a limit.
std::optional<DesignPoint> held(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
                                const DesignModel& model, DesignPoint p, double tokens) {
    const auto l = loss_at(space.basis, model.point, tokens);
    if (!l || (limits.max_loss > 0 && *l + goal.quantisation_loss > limits.max_loss)) return std::nullopt;
    if (tokens > limits.tokens.of(model.point)) return std::nullopt;
    p.tokens = tokens;
    p.loss = *l + goal.quantisation_loss;
    p.training_flop = model.point.flop_per_token() * tokens;
    p.training_usd = goal.training.usd(p.training_flop, tokens, model.training_rate);
    p.lifetime_usd = p.training_usd + goal.served_tokens * p.deployment.usd_per_mtok / 1e6;
    return p;
}

/// Numbers of experts without an answer, and why the model that came nearest has none.
void add_left_out(const DesignSpace& space, const DesignLimits& limits, const std::vector<Outcome>& outcomes,
                  DesignAnswer& answer) {
    for (const int experts : space.experts) {
        const auto has = [&](const DesignPoint& p) {
            return answer.models[p.model].member.request.experts == experts;
        };
        const auto told = [&](const LeftOut& l) { return l.experts == experts; };
        if (std::any_of(answer.by_experts.begin(), answer.by_experts.end(), has) ||
            std::any_of(answer.left_out.begin(), answer.left_out.end(), told))
            continue;
        std::vector<Outcome> of_these;
        std::vector<DesignModel> models;
        for (std::size_t i = 0; i < answer.models.size(); ++i) {
            if (!answer.models[i].candidate || answer.models[i].member.request.experts != experts) continue;
            of_these.push_back(outcomes[i]);
            models.push_back(answer.models[i]);
        }
        answer.left_out.push_back({experts, why_none(of_these, limits, space.serving, models)});
    }
    std::sort(answer.left_out.begin(), answer.left_out.end(),
              [](const LeftOut& a, const LeftOut& b) { return a.experts < b.experts; });
}

/// The least loss at the budget over the models that have as many experts as the base.
double base_loss(const LossBasis& basis, const DesignGoal& goal, const std::vector<DesignModel>& models) {
    double least = HUGE_VAL;
    for (const DesignModel& m : models) {
        if (m.member.request.experts != goal.equal_to) continue;
        const auto l = loss_at(basis, m.point, affordable_tokens(goal.budget, goal.tokens, m.point));
        if (l) least = std::min(least, *l + goal.quantisation_loss);
    }
    return least;
}

/// Models trained on one budget cost the same but for rounding, which must not keep one beside what dominates it.
double nine_digits(double x) {
    if (!(x > 0) || !std::isfinite(x)) return x;
    const double unit = std::pow(10.0, std::floor(std::log10(x)) - 8);
    return std::round(x / unit) * unit;
}

}   // namespace

void add_frontier(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
                  DesignAnswer& answer, std::size_t most) {
    constexpr int rungs = 7;   // three in a decade
    const double top = limits.budget > 0 ? limits.budget : 4 * answer.winner.training_flop;
    std::vector<DesignPoint> points;
    Frontier frontier(3);
    const auto offer = [&](const std::optional<DesignPoint>& p) {
        if (!p) return;
        frontier.offer(
            {{nine_digits(p->loss), nine_digits(p->training_usd), nine_digits(p->deployment.usd_per_mtok)},
             points.size()});
        points.push_back(*p);
    };
    // Deployments do not depend on training: one outcome without limits on it tells them.
    DesignGoal whole = goal;
    whole.objective = DesignObjective::loss;
    DesignLimits serving = limits;
    serving.max_loss = 0;
    serving.budget = top;
    for (const Outcome& o : outcomes_of(whole, space.basis, serving, answer.models)) {
        if (o.stage != DesignStage::done) continue;
        const DesignModel& m = answer.models[o.point.model];
        for (int i = 0; i < rungs; ++i) {
            const double flop = top * std::pow(10.0, -i / 3.0);
            offer(held(space, goal, limits, m, o.point, flop / m.point.flop_per_token()));
        }
        if (limits.max_loss <= 0) continue;
        const auto tokens = tokens_to_reach(space.basis, m.point, limits.max_loss - goal.quantisation_loss);
        if (!tokens || m.point.flop_per_token() * *tokens > top) continue;
        if (*tokens > limits.tokens.of(m.point)) continue;
        auto p = held(space, goal, {}, m, o.point, *tokens);
        if (p) p->loss = limits.max_loss;
        offer(p);
    }
    const auto members = frontier.sorted();
    answer.frontier_members = members.size();
    const std::size_t kept = std::min(most, members.size());
    for (std::size_t i = 0; i < kept; ++i) {
        const std::size_t at = kept < 2 ? 0 : i * (members.size() - 1) / (kept - 1);
        answer.frontier.push_back(points[members[at].point]);
    }
}

void add_wins(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
              DesignAnswer& answer) {
    std::map<std::size_t, unsigned> wins;
    LossBasis basis = space.basis;
    const std::vector<Law> draws = draws_of(space.basis.law, goal.bootstrap, goal.seed);
    if (draws.empty()) return;
    for (const Law& draw : draws) {
        basis.law = draw;
        DesignLimits l = limits;
        if (goal.equal_to > 0) l.max_loss = base_loss(basis, goal, answer.models);
        const auto best = best_of(outcomes_of(goal, basis, l, answer.models));
        if (best) ++wins[answer.models[best->model].combination];
    }
    answer.samples = goal.bootstrap;
    for (const auto& [combination, n] : wins) answer.wins.push_back({combination, n});
    std::stable_sort(answer.wins.begin(), answer.wins.end(),
                     [](const WinShare& a, const WinShare& b) { return a.wins > b.wins; });
}

void review(const DesignSpace& space, const DesignGoal& goal, const DesignLimits& limits,
            std::optional<std::size_t> base, DesignAnswer& answer) {
    const auto outcomes = outcomes_of(goal, space.basis, limits, answer.models);
    for (const Outcome& o : outcomes) {
        if (o.stage == DesignStage::done) answer.all.push_back(o.point);
    }
    std::sort(answer.all.begin(), answer.all.end(), better);
    add_by_experts(outcomes, answer);
    add_left_out(space, limits, outcomes, answer);
    add_by_machine(space, goal, limits, answer);
    if (base) add_base_point(space, goal, limits, *base, answer);
    add_edges(space, answer);
    add_frontier(space, goal, limits, answer, most_on_frontier);
    add_wins(space, goal, limits, answer);
}

}   // namespace moecost
