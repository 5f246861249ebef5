// SPDX-License-Identifier: Apache-2.0
// The iso-loss curve: at the loss that is asked for, what the cheapest dense model and the cheapest MoE cost to serve when so
// much compute may train them. One point of it compares two designs at the exchange rate that happens to hold there.
#include <algorithm>
#include <cmath>

#include "moecost/design/models.h"
#include "moecost/design/search.h"

namespace moecost {
namespace {

constexpr double rungs[] = {0.0625, 0.125, 0.25, 0.5, 0.75, 1, 1.125,
                            1.25,   1.5,   2,    3,   4,    8};   // of the budget
constexpr int halvings = 24;

/// Where training alone leaves a combination: the size that needs the least compute.
std::optional<double> cheapest_size(const Search& search, const DesignCombination& c, double target) {
    const auto trained = cheapest_trained(search.space, c, target);
    return trained ? std::optional(trained->model.member.request.size) : std::nullopt;
}

/// The smallest size that can be trained within the limits; `enough` can.
double smallest_within(const Search& search, const DesignCombination& c, const DesignLimits& limits,
                       double enough) {
    DesignGoal cost = search.goal;
    cost.objective = DesignObjective::cost;
    const auto can = [&](double size) {
        const auto m = build_model(search.space, c, size);
        return m && trainable(cost, search.space.basis, limits, m->point);
    };
    double low = enough / 1000;
    double high = enough;
    if (!can(high)) return 0;
    for (int i = 0; i < halvings && high / low > 1.002; ++i) {
        const double middle = std::sqrt(low * high);
        (can(middle) ? high : low) = middle;
    }
    return high;
}

void add_smallest(Search& search, const DesignLimits& limits, const DesignCombination& c, double unit) {
    const double target = limits.max_loss - search.goal.quantisation_loss;
    const auto enough = cheapest_size(search, c, target);
    if (!enough) return;
    std::vector<DesignModel> models;
    bool candidate = false;
    const std::size_t place = place_of(search, c, candidate);
    for (const double rung : rungs) {
        DesignLimits l = limits;
        l.budget = rung * unit;
        const double size = smallest_within(search, c, l, *enough);
        if (size <= 0) continue;
        for (const double larger : {1.0, 1.03, 1.06}) {   // prices jump with the shape
            auto m = build_model(search.space, c, size * larger);
            if (!m) continue;
            m->combination = place;
            m->candidate = candidate;
            models.push_back(std::move(*m));
        }
    }
    add_models(search, std::move(models));
}

void keep_cheaper(std::optional<DesignPoint>& best, const DesignPoint& p) {
    if (!best || p.deployment.usd_per_mtok < best->deployment.usd_per_mtok) best = p;
}

void add_rung(Search& search, const DesignLimits& limits, double flop) {
    IsoLossRung rung;
    rung.flop = flop;
    DesignGoal cost = search.goal;
    cost.objective = DesignObjective::cost;
    DesignLimits l = limits;
    l.budget = flop;
    l.max_cost = 0;
    const auto& models = search.answer.models;
    for (std::size_t i = 0; i < models.size(); ++i) {
        const Outcome o = outcome_of(cost, search.space.basis, l, models, i);
        if (o.stage != DesignStage::done) continue;
        keep_cheaper(models[i].member.request.experts == 1 ? rung.dense : rung.moe, o.point);
    }
    if (rung.dense || rung.moe) search.answer.iso_loss.push_back(rung);
}

/// The size of the dense model that has the loss after 20 tokens per parameter: fewer for a larger one.
std::optional<double> size_at_20(const Search& search, double target) {
    double low = std::log(1e6);
    double high = std::log(1e15);
    const auto few = [&](double ln_size) {
        const auto m = build_model(search.space, {}, std::exp(ln_size));
        const auto d =
            m ? tokens_to_reach(search.space.basis, m->point, target) : Expected<double>(Infeasible{});
        return d && *d <= 20 * m->point.used;
    };
    if (!few(high)) return std::nullopt;
    for (int i = 0; i < 40 && high - low > 1e-3; ++i)
        (few(0.5 * (low + high)) ? high : low) = 0.5 * (low + high);
    return std::exp(high);
}

void add_dense_at_20(Search& search, const DesignLimits& limits) {
    const auto size = size_at_20(search, limits.max_loss - search.goal.quantisation_loss);
    if (!size) return;
    auto model = build_model(search.space, {}, *size);
    if (!model) return;
    model->combination = place_of(search, {}, model->candidate);
    model->candidate = false;   // there to be compared with
    const DesignModel wanted = *model;
    add_models(search, {std::move(*model)});
    const auto& models = search.answer.models;
    const auto at =
        std::find_if(models.begin(), models.end(), [&](const DesignModel& m) { return same(m, wanted); });
    DesignGoal cost = search.goal;
    cost.objective = DesignObjective::cost;
    DesignLimits l;
    l.max_loss = limits.max_loss;
    const Outcome o =
        outcome_of(cost, search.space.basis, l, models, static_cast<std::size_t>(at - models.begin()));
    if (o.stage != DesignStage::done) return;
    search.answer.dense_at_20 = o.point;
    search.answer.dense_at_20->objective = objective_of(search.goal, o.point);
}

/// The combination of the best MoE that was found, whatever its number of experts.
std::optional<DesignCombination> best_moe(const Search& search, const DesignLimits& limits) {
    std::optional<DesignPoint> best;
    const auto& models = search.answer.models;
    for (const Outcome& o : outcomes_of(search.goal, search.space.basis, limits, models)) {
        if (o.stage != DesignStage::done || models[o.point.model].member.request.experts == 1) continue;
        if (!best || better(o.point, *best)) best = o.point;
    }
    if (!best) return std::nullopt;
    return search.answer.combinations[models[best->model].combination];
}

bool has_curve(const Search& search, const DesignLimits& limits) {
    return search.goal.objective != DesignObjective::loss && limits.max_loss > 0;
}

/// Rungs are shares of the budget; without one, of what the best so far takes.
double unit_of(const Search& search, const DesignLimits& limits) {
    if (limits.budget > 0) return limits.budget;
    const auto best = best_of(outcomes_of(search.goal, search.space.basis, limits, search.answer.models));
    return best ? best->training_flop : 0;
}

}   // namespace

void add_iso_models(Search& search, const DesignLimits& limits) {
    const double unit = unit_of(search, limits);
    if (!has_curve(search, limits) || search.space.refinements == 0 || unit <= 0) return;
    add_smallest(search, limits, {}, unit);
    if (const auto moe = best_moe(search, limits)) add_smallest(search, limits, *moe, unit);
}

void add_iso_loss(Search& search, const DesignLimits& limits) {
    const double unit = unit_of(search, limits);
    if (!has_curve(search, limits) || unit <= 0) return;
    for (const double rung : rungs) add_rung(search, limits, rung * unit);
    add_dense_at_20(search, limits);
}

}   // namespace moecost
