// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/solve.h"

#include "moecost/design/models.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

struct Place {
    const Deployment* best = nullptr;
    bool fits = false;
};

Place cheapest_place(const DesignModel& model, const DesignLimits& limits) {
    Place place;
    for (std::size_t i = 0; i < model.served.size(); ++i) {
        if (limits.machine && *limits.machine != i) continue;
        const Served& served = model.served[i];
        place.fits = place.fits || served.fits;
        const Deployment& d = served.best[static_cast<std::size_t>(limits.loosened)];
        if (d.possible() && (place.best == nullptr || d.usd_per_mtok < place.best->usd_per_mtok))
            place.best = &d;
    }
    return place;
}

/// Tokens and loss: those of the whole budget when the loss is minimised, else those that reach the loss.
Outcome trained(const DesignGoal& goal, const LossBasis& basis, const DesignLimits& limits,
                const LawPoint& point) {
    Outcome o;
    o.stage = DesignStage::loss;
    if (goal.objective == DesignObjective::loss) {
        o.point.tokens = affordable_tokens(limits.budget, limits.tokens, point);
        const auto l = loss_at(basis, point, o.point.tokens);
        if (!l) return o;
        o.point.loss = o.needed = *l + goal.quantisation_loss;
        if (limits.max_loss > 0 && o.point.loss > limits.max_loss) return o;
    } else {
        const auto d = tokens_to_reach(basis, point, limits.max_loss - goal.quantisation_loss);
        if (!d) {
            o.needed = d.error().needed + goal.quantisation_loss;
            return o;
        }
        o.point.tokens = *d;
        o.point.loss = limits.max_loss;
    }
    // One part in 1e9: the model that sets the loss spends the budget, or the data, exactly.
    constexpr double slack = 1 + 1e-9;
    o.stage = DesignStage::tokens;
    o.needed = o.point.tokens / limits.tokens.of(point);   // times what is allowed
    if (o.point.tokens > limits.tokens.of(point) * slack) return o;
    o.point.training_flop = point.flop_per_token() * o.point.tokens;
    o.stage = DesignStage::budget;
    o.needed = o.point.training_flop;
    if (limits.budget > 0 && o.point.training_flop > limits.budget * slack) return o;
    o.stage = DesignStage::max_cost;
    return o;
}

double least_needed(const std::vector<Outcome>& outcomes, DesignStage stage) {
    double least = HUGE_VAL;
    for (const Outcome& o : outcomes) {
        if (o.stage == stage && o.needed > 0) least = std::min(least, o.needed);
    }
    return std::isfinite(least) ? least : 0;
}

Infeasible missed_objectives(const DeploymentSpace& serving, const std::vector<DesignModel>& models) {
    double tpot = HUGE_VAL;
    double ttft = HUGE_VAL;
    for (const DesignModel& m : models) {
        for (const Served& s : m.served) {
            tpot = std::min(tpot, s.least_tpot_s);
            ttft = std::min(ttft, s.least_ttft_s);
        }
    }
    const Slo& slo = serving.machines.front().slo;
    if (slo.tpot_s > 0 && tpot > slo.tpot_s)
        return {"no deployment of any model meets the objective", "TPOT", "s", tpot, slo.tpot_s};
    if (slo.ttft_s > 0 && ttft > slo.ttft_s)
        return {"no deployment of any model meets the objective", "TTFT", "s", ttft, slo.ttft_s};
    return {"no deployment of any model meets both objectives, TTFT and TPOT", {}, {}, 0, 0};
}

}   // namespace

double objective_of(const DesignGoal& goal, const DesignPoint& p) {
    switch (goal.objective) {
        case DesignObjective::cost:
            return p.deployment.usd_per_mtok;
        case DesignObjective::lifetime:
            return p.lifetime_usd;
        case DesignObjective::loss:
            break;
    }
    return p.loss;
}

Outcome outcome_of(const DesignGoal& goal, const LossBasis& basis, const DesignLimits& limits,
                   const std::vector<DesignModel>& models, std::size_t index) {
    const DesignModel& model = models[index];
    const Place place = cheapest_place(model, limits);
    if (place.best == nullptr) {
        Outcome o;
        if (place.fits) o.stage = DesignStage::objectives;
        return o;
    }
    Outcome o = trained(goal, basis, limits, model.point);
    if (o.stage != DesignStage::max_cost) return o;
    o.needed = place.best->usd_per_mtok;
    if (limits.max_cost > 0 && place.best->usd_per_mtok > limits.max_cost) return o;
    DesignPoint& p = o.point;
    p.model = index;
    p.deployment = *place.best;
    p.training_usd = goal.training.usd(p.training_flop, p.tokens, model.training_rate);
    p.lifetime_usd = p.training_usd + goal.served_tokens * p.deployment.usd_per_mtok / 1e6;
    p.objective = objective_of(goal, p);
    o.stage = DesignStage::done;
    return o;
}

bool trainable(const DesignGoal& goal, const LossBasis& basis, const DesignLimits& limits,
               const LawPoint& point) {
    return trained(goal, basis, limits, point).stage == DesignStage::max_cost;
}

std::vector<Outcome> outcomes_of(const DesignGoal& goal, const LossBasis& basis, const DesignLimits& limits,
                                 const std::vector<DesignModel>& models) {
    std::vector<Outcome> outcomes(models.size());
    for (std::size_t i = 0; i < models.size(); ++i) {
        if (models[i].candidate) outcomes[i] = outcome_of(goal, basis, limits, models, i);
    }
    return outcomes;
}

bool better(const DesignPoint& a, const DesignPoint& b) {
    if (a.objective != b.objective) return a.objective < b.objective;
    if (a.training_flop != b.training_flop) return a.training_flop < b.training_flop;
    return a.model < b.model;
}

std::optional<DesignPoint> best_of(const std::vector<Outcome>& outcomes) {
    std::optional<DesignPoint> best;
    for (const Outcome& o : outcomes) {
        if (o.stage == DesignStage::done && (!best || better(o.point, *best))) best = o.point;
    }
    return best;
}

Infeasible why_none(const std::vector<Outcome>& outcomes, const DesignLimits& limits,
                    const DeploymentSpace& serving, const std::vector<DesignModel>& models) {
    DesignStage farthest = DesignStage::memory;
    for (const Outcome& o : outcomes) farthest = std::max(farthest, o.stage);
    const double needed = least_needed(outcomes, farthest);
    switch (farthest) {
        case DesignStage::objectives:
            return missed_objectives(serving, models);
        case DesignStage::loss:
            return {"no model reaches the loss, even with unlimited tokens or the whole budget", "loss",
                    "nats", needed, limits.max_loss};
        case DesignStage::tokens:
            if (limits.tokens.per_parameter > 0)
                return {"no model reaches the loss on so few training tokens", "training",
                        "tokens per parameter", needed * limits.tokens.per_parameter,
                        limits.tokens.per_parameter};
            return {"no model reaches the loss on so few training tokens", "training", "tokens",
                    needed * limits.tokens.most, limits.tokens.most};
        case DesignStage::budget:
            return {"no model that can be served reaches the loss within the training budget", "training",
                    "FLOP", needed, limits.budget};
        case DesignStage::max_cost:
            return {"no model can be served at this price", "price", "$/Mtok", needed, limits.max_cost};
        case DesignStage::memory:
        case DesignStage::done:
            break;
    }
    for (const DesignModel& m : models) {
        for (const Served& s : m.served) {
            if (m.candidate) return s.why;
        }
    }
    return {"no model can be built", {}, {}, 0, 0};
}

}   // namespace moecost
