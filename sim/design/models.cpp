// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/models.h"

#include <algorithm>
#include <cmath>

#include "moecost/model/counts.h"

namespace moecost {
namespace {

// Sizes between which an optimum is looked for, and how finely before it is bracketed.
constexpr double least_size = 1e6;
constexpr double most_size = 1e15;
constexpr int scan_points = 55;
constexpr double size_tolerance = 1e-3;   // in ln N

void add_shapes(std::vector<DesignCombination>& list, const DesignSpace& space, int experts) {
    if (experts == 1) {
        list.push_back({});
        return;
    }
    for (const int k : space.top_k) {
        for (const int g : space.granularity) {
            for (const int s : space.shared_experts) {
                if (k <= experts && s <= k * g - 1) list.push_back({experts, k, g, s});
            }
        }
    }
}

/// Size of the least value of f over ln size: a scan brackets it, golden sections narrow it. Members come in steps, so
/// the best size that was tried counts, not an interpolation. 1e9 where f is infinite everywhere: any size tells why.
template <class F>
double least_at(F f) {
    const double low = std::log(least_size);
    const double step = (std::log(most_size) - low) / (scan_points - 1);
    double best = low;
    double least = HUGE_VAL;
    const auto value = [&](double x) {
        const double v = f(std::exp(x));
        if (v < least) {
            least = v;
            best = x;
        }
        return v;
    };
    for (int i = 0; i < scan_points; ++i) value(low + i * step);
    if (least == HUGE_VAL) return 1e9;
    constexpr double golden = 0.61803398874989485;
    double a = best - step;
    double b = best + step;
    double c = b - golden * (b - a);
    double d = a + golden * (b - a);
    double at_c = value(c);
    double at_d = value(d);
    while (b - a > size_tolerance) {
        if (at_c < at_d) {
            b = d;
            d = c;
            at_d = at_c;
            c = b - golden * (b - a);
            at_c = value(c);
        } else {
            a = c;
            c = d;
            at_c = at_d;
            d = a + golden * (b - a);
            at_d = value(d);
        }
    }
    return std::exp(best);
}

bool drafts(const DeploymentSpace& serving) {
    return std::any_of(serving.machines.begin(), serving.machines.end(),
                       [](const Scenario& s) { return s.pool().settings.draft_tokens > 0; });
}

/// Parameters of the drafting module that a token uses: a layer, and the join of its two inputs (2h x h). Its head is that
/// of the model, which C = 6 N D leaves out too.
double drafting_parameters(const Architecture& architecture) {
    Architecture layer = architecture;
    layer.layers = 1;
    layer.mixers = architecture.mtp.mixers;
    layer.ffns = architecture.mtp.ffns;
    const Counts c = count(layer);
    const double join = 2.0 * architecture.hidden * architecture.hidden;
    return c.active_incl_embeddings - c.by_component[static_cast<std::size_t>(Component::embeddings)] -
           c.by_component[static_cast<std::size_t>(Component::head)] + join;
}

/// The least loss of any size on any number of tokens, as the shortfall of a target.
Infeasible out_of_reach(const DesignSpace& space, const DesignCombination& combination, double target) {
    double least = HUGE_VAL;
    for (double size = least_size; size <= most_size; size *= 2) {
        const auto m = build_model(space, combination, size);
        const auto l = m ? loss_at(space.basis, m->point, 1e30) : Expected<double>(Infeasible{});
        if (l) least = std::min(least, *l);
    }
    return {
        "no model reaches the loss: of 1e15 parameters and less, on any number of tokens, the best lies "
        "above it",
        "loss", "nats", std::isfinite(least) ? least : 0, target};
}

}   // namespace

std::vector<DesignCombination> combinations_of(const DesignSpace& space, const std::vector<int>& experts) {
    std::vector<DesignCombination> list;
    for (const int e : experts) add_shapes(list, space, e);
    return list;
}

Expected<DesignModel> build_model(const DesignSpace& space, const DesignCombination& c, double size) {
    FamilyRequest request;
    request.size = std::round(size);   // what a person can write down
    request.experts = c.experts;
    request.top_k = c.top_k;
    request.granularity = c.granularity;
    request.shared_experts = c.shared_experts;
    auto member = member_of(space.family, request);
    if (!member) return member.error();
    const auto point = law_point(space.basis, space.family, *member);
    if (!point) return point.error();
    DesignModel model;
    model.member = std::move(*member);
    model.point = *point;
    if (drafts(space.serving))
        model.point.drafting = drafting_parameters(model.member.architecture);
    else
        model.member.architecture.mtp = {};
    return model;
}

double affordable_tokens(double budget, const TokenBound& bound, const LawPoint& point) {
    return std::min(budget / point.flop_per_token(), bound.of(point));
}

Expected<Trained> loss_optimal_model(const DesignSpace& space, const DesignCombination& combination,
                                     double budget, const TokenBound& bound) {
    const auto loss_of = [&](double size) {
        const auto m = build_model(space, combination, size);
        if (!m) return HUGE_VAL;
        const auto l = loss_at(space.basis, m->point, affordable_tokens(budget, bound, m->point));
        return l ? *l : HUGE_VAL;
    };
    auto model = build_model(space, combination, least_at(loss_of));
    if (!model) return model.error();
    const double tokens = affordable_tokens(budget, bound, model->point);
    const auto loss = loss_at(space.basis, model->point, tokens);
    if (!loss) return loss.error();
    return Trained{std::move(*model), tokens, *loss};
}

Expected<Trained> cheapest_trained(const DesignSpace& space, const DesignCombination& combination,
                                   double target) {
    const auto flop_of = [&](double size) {
        const auto m = build_model(space, combination, size);
        if (!m) return HUGE_VAL;
        const auto d = tokens_to_reach(space.basis, m->point, target);
        return d ? m->point.flop_per_token() * *d : HUGE_VAL;
    };
    auto model = build_model(space, combination, least_at(flop_of));
    if (!model) return model.error();
    const auto tokens = tokens_to_reach(space.basis, model->point, target);
    if (!tokens) return out_of_reach(space, combination, target);
    return Trained{std::move(*model), *tokens, target};
}

}   // namespace moecost
