// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/law_setting.h"

#include <cmath>

#include "moecost/base/format.h"
#include "moecost/law/optimum.h"

namespace moecost {
namespace {

Infeasible plain(std::string_view reason) { return {reason, {}, {}, 0, 0}; }

bool dense(const FamilyMember& m) { return m.request.experts <= 1; }

/// Width of a routed expert; of the dense FFN in a dense model.
double expert_width(const Architecture& a) {
    for (const FfnGroup& group : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind)) return moe->width;
    }
    for (const FfnGroup& group : a.ffns) {
        if (const auto* ffn = std::get_if<DenseFfn>(&group.kind)) return ffn->width;
    }
    return 0;
}

/// Embeddings that N counts: those of the law's own vocabulary, so that a larger one buys no loss.
double embeddings_of(const Law& law, const FamilyMember& m) {
    if (!law.embeddings) return 0;
    if (law.vocabulary <= 0 || m.architecture.vocabulary <= 0) return m.embeddings;
    return m.embeddings * law.vocabulary / m.architecture.vocabulary;
}

double counted(const Law& law, const FamilyMember& m, double without_embeddings) {
    return without_embeddings + embeddings_of(law, m);
}

/// Parameters that would cost as much FLOP as routing does: router_flop h E G per layer with experts, over 6.
double routing_of(const Law& law, const FamilyMember& m) {
    if (law.router_flop <= 0) return 0;
    double experts = 0;
    for (const FfnGroup& group : m.architecture.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind))
            experts += static_cast<double>(group.count) * moe->experts;
    }
    return law.router_flop / 6 * m.architecture.hidden * experts;
}

double size_of(const Law& law, const FamilyMember& m) {
    switch (law.size) {
        case SizeMeaning::dense_equivalent:
            return counted(law, m, m.dense_equivalent);
        case SizeMeaning::active:
            return counted(law, m, m.active);
        case SizeMeaning::total:
            break;
    }
    return counted(law, m, m.total);
}

/// Routed experts that a token uses plus shared ones, in experts of width f/G: k G.
double activated(const FamilyRequest& r) { return static_cast<double>(r.top_k) * r.granularity; }

double active_share(const Law& law, const FamilyMember& m) {
    if (dense(m)) return 1;
    if (law.form == LossForm::zhao) return counted(law, m, m.active) / counted(law, m, m.total);
    return static_cast<double>(m.request.top_k) / m.request.experts;
}

Setting setting_of(const Law& law, const FamilyMember& m) {
    const Axes& axes = info(law.form).axes;
    const FamilyRequest& r = m.request;
    Setting s;
    s.n = size_of(law, m);
    s.experts = r.experts;
    s.granularity = r.granularity;
    if (!dense(m)) {
        s.top_k = r.top_k;
        if (r.shared_experts > 0) s.shared = r.shared_experts / activated(r);
    }
    if (axes.granularity) s.granularity = law.form == LossForm::zhao ? activated(r) : m.granularity;
    if (axes.active) s.active = active_share(law, m);
    return s;
}

std::optional<Infeasible> refused_layers(const Law& law, const Family& family, const FamilyMember& m) {
    if (dense(m) || law.moe_every == 0) return std::nullopt;
    if (family.moe_every != law.moe_every) {
        return Infeasible{"the law holds for experts in every n-th layer only, not for this family",
                          "n",
                          "of this family",
                          static_cast<double>(law.moe_every),
                          static_cast<double>(family.moe_every),
                          true};
    }
    if (family.dense_layers > 0) {
        return Infeasible{"the law knows no leading dense layers, which this family has",
                          "dense layers",
                          "of this family",
                          0,
                          static_cast<double>(family.dense_layers),
                          true};
    }
    return std::nullopt;
}

/// The dense model with as many parameters as a token of the member uses.
Setting dense_setting(const Law& law, const FamilyMember& m) {
    const Axes& axes = info(law.form).axes;
    Setting s;
    s.n = counted(law, m, m.active);
    if (axes.experts) s.experts = 1;
    if (axes.granularity) s.granularity = 1;
    if (axes.active) s.active = 1;
    return s;
}

LawPoint bridged(const LossBasis& basis, const FamilyMember& m) {
    const FamilyRequest& r = m.request;
    LawPoint p;
    p.setting = dense_setting(basis.law, m);
    p.used = p.setting.n;
    p.active =
        activated(r) / (static_cast<double>(r.experts) * r.granularity + std::max(r.shared_experts, 0));
    p.granularity = 2 * m.architecture.hidden / expert_width(m.architecture);
    return p;
}

/// The dense model that the bridge says has the same loss.
Expected<Setting> equivalent(const LossBasis& basis, const LawPoint& p, double tokens) {
    Setting s = p.setting;
    s.d = effective_tokens(tokens, basis.unique_tokens, basis.repetition);
    if (p.active == 0) return s;
    const auto leverage = efficiency_leverage(*basis.bridge, p.active, p.granularity, 6 * p.used * tokens);
    if (!leverage) return leverage.error();
    s.n *= std::sqrt(*leverage);
    s.d *= std::sqrt(*leverage);
    return s;
}

}   // namespace

Expected<LawPoint> law_point(const LossBasis& basis, const Family& family, const FamilyMember& m) {
    LawPoint p;
    if (basis.bridge && !dense(m)) {
        p = bridged(basis, m);
    } else {
        if (const auto why = refused_layers(basis.law, family, m)) return *why;
        p.setting = setting_of(basis.law, m);
        p.used = basis.law.size == SizeMeaning::total ? counted(basis.law, m, m.active) : p.setting.n;
        p.used += routing_of(basis.law, m);
    }
    p.embeddings = embeddings_of(basis.law, m);
    if (const auto why = refusal(basis.law, p.setting, true, false)) return *why;
    return p;
}

Expected<double> loss_at(const LossBasis& basis, const LawPoint& point, double tokens) {
    const auto setting = equivalent(basis, point, tokens);
    if (!setting) return setting.error();
    const auto l = loss(basis.law, *setting);
    return l ? Expected<double>(*l + basis.added_loss) : l;
}

Expected<double> tokens_to_reach(const LossBasis& basis, const LawPoint& point, double target) {
    if (point.active == 0) {
        const auto d = tokens_for_loss(basis.law, point.setting, target - basis.added_loss);
        return d ? Expected<double>(tokens_for_effective(*d, basis.unique_tokens, basis.repetition)) : d;
    }
    constexpr double most_ln_d = 69.077552789821368;   // 1e30 tokens, as in law/optimum
    const auto reached = [&](double ln_d) {
        const auto l = loss_at(basis, point, std::exp(ln_d));
        return l && *l <= target;
    };
    double low = 0;
    double high = most_ln_d;
    if (!reached(high)) {
        const auto floor = loss_at(basis, point, std::exp(high));
        return Infeasible{"no number of tokens reaches the loss", "loss", "nats", floor ? *floor : 0, target};
    }
    if (reached(low)) return plain("the loss lies above that of an untrained model");
    for (int i = 0; i < 100; ++i) {
        const double middle = 0.5 * (low + high);
        if (!(middle > low && middle < high)) break;
        (reached(middle) ? high : low) = middle;
    }
    return std::exp(high);
}

std::vector<OutsideAxis> outside_runs(const LossBasis& basis, const LawPoint& point, double tokens) {
    std::vector<OutsideAxis> list;
    const auto judge = [&](std::string_view axis, const std::optional<AxisRange>& range, double value) {
        constexpr double slack = 1 + 1e-9;   // a bound that was reached by arithmetic is still inside
        if (!range || !(value > 0)) return;
        if (value > range->high * slack) list.push_back({axis, value / range->high, true});
        if (value * slack < range->low) list.push_back({axis, range->low / value, false});
    };
    const auto s = equivalent(basis, point, tokens);
    const TrainingRange& law = basis.law.range;
    const double flop = 6 * point.used * tokens;
    judge("N", law.n, s ? s->n : point.setting.n);
    judge("D", law.d, s ? s->d : tokens);
    judge("E", law.experts, point.setting.experts);
    judge("G", law.granularity, point.setting.granularity);
    judge("A", law.active, point.setting.active);
    judge("S", law.shared, point.setting.shared);
    judge("C", law.flop, flop);
    if (point.active == 0) return list;
    const TrainingRange& bridge = basis.bridge->range;
    judge("A", bridge.active, point.active);
    judge("G", bridge.granularity, point.granularity);
    if (!law.flop) judge("C", bridge.flop, flop);
    return list;
}

std::string axes_text(const std::vector<OutsideAxis>& outside) {
    std::string s;
    for (const OutsideAxis& o : outside) s.append(s.empty() ? "" : ", ").append(o.axis);
    return s;
}

std::string times_text(const std::vector<OutsideAxis>& outside) {
    std::string s;
    for (const OutsideAxis& o : outside) {
        s.append(s.empty() ? "" : ", ").append(o.axis).append(" ");
        s.append(significant(o.times, o.times < 9.95 ? 2 : 3)).append("x");
        if (!o.above) s.append(" below");
    }
    return s;
}

double trusted_tokens_per_parameter(const Law& law) {
    return law.tokens_per_parameter > 0 ? law.tokens_per_parameter : usual_tokens_per_parameter;
}

std::optional<Infeasible> basis_problem(const LossBasis& basis) {
    const Axes& axes = info(basis.law.form).axes;
    if (basis.law.form == LossForm::leverage) return plain("the law gives an efficiency leverage, no loss");
    if (!axes.n) return plain("the law does not hold the model size");
    if (!axes.d) return plain("the law does not hold training tokens");
    if (!basis.bridge) return std::nullopt;
    if (basis.bridge->form != LossForm::leverage) return plain("the bridge is no efficiency leverage");
    if (basis.law.experts > 1) return plain("the law has no dense model that a bridge could start from");
    return std::nullopt;
}

Freedom freedom_of(const LossBasis& basis) {
    constexpr AxisFreedom any{true, 1};
    if (basis.bridge) return {any, any, any, any};
    const Law& law = basis.law;
    const Axes& axes = info(law.form).axes;
    const AxisFreedom one{false, 1};
    Freedom f;
    const bool has_experts = axes.experts || (axes.active && law.experts == 0);
    f.experts = has_experts ? any : AxisFreedom{false, law.experts > 0 ? static_cast<int>(law.experts) : 1};
    const int k = static_cast<int>(law.top_k);
    f.top_k = axes.active ? any : AxisFreedom{false, k};
    f.granularity = axes.granularity ? any : one;
    f.shared = axes.shared ? any : AxisFreedom{false, 0};
    return f;
}

}   // namespace moecost
