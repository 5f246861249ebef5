// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/law.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

template <class V>
Variables<V> variables(const Setting& s) {
    // Axes that a law lacks still pass through logarithms of unused terms in no formula; 1 keeps them finite.
    const auto or_one = [](double x) { return x > 0 ? x : 1.0; };
    return {V(std::log(or_one(s.n))), V(std::log(or_one(s.d))), V(or_one(s.experts)),
            V(or_one(s.granularity)), V(or_one(s.active)),      V(s.shared)};
}

bool usable(double x) { return std::isfinite(x) && x > 0; }

Infeasible refused(std::string_view reason, std::string_view quantity, double needed, double available) {
    return {reason, quantity, "asked for", needed, available, true};
}

std::optional<Infeasible> refused_experts(const Law& law, const Setting& s) {
    const Axes& axes = info(law.form).axes;
    if (axes.experts) {
        if (s.experts == 0) return Infeasible{"the law needs the number of experts", {}, {}, 0, 0};
        if (!(std::isfinite(s.experts) && s.experts >= 1))
            return refused("the number of experts must be at least 1", "E", 1, s.experts);
    } else if (law.experts > 0) {
        if (s.experts != 0 && s.experts != law.experts)
            return refused("the law holds for one number of experts only", "E", law.experts, s.experts);
    } else if (!axes.active && s.experts != 0 && s.experts != 1) {
        return refused("the law knows dense models only", "E", 1, s.experts);
    }
    if (law.top_k > 0 && s.top_k != 0 && s.top_k != law.top_k)
        return refused("the law holds for one number of experts per token only", "k", law.top_k, s.top_k);
    return std::nullopt;
}

std::optional<Infeasible> refused_shape(const Law& law, const Setting& s) {
    const Axes& axes = info(law.form).axes;
    if (axes.granularity ? !usable(s.granularity) : s.granularity != 0 && s.granularity != 1) {
        return axes.granularity ? refused("the law needs a positive granularity", "G", 1, s.granularity)
                                : refused("the law has no granularity", "G", 1, s.granularity);
    }
    if (axes.active && !(usable(s.active) && s.active <= 1))
        return refused("the law needs an active share above 0 and at most 1", "A", 1, s.active);
    if (axes.shared ? !(s.shared >= 0 && s.shared <= 1) : s.shared != 0) {
        return axes.shared ? refused("the share of shared experts must lie between 0 and 1", "S", 1, s.shared)
                           : refused("the law has no shared experts", "S", 0, s.shared);
    }
    return std::nullopt;
}

bool outside(const std::optional<AxisRange>& range, double x) {
    // One part in 1e9: a bound that was reached by arithmetic is still inside.
    constexpr double slack = 1e-9;
    return range && x > 0 && (x < range->low * (1 - slack) || x > range->high * (1 + slack));
}

}   // namespace

std::string_view name_of(SizeMeaning meaning) {
    switch (meaning) {
        case SizeMeaning::dense_equivalent:
            return "dense-equivalent";
        case SizeMeaning::active:
            return "active";
        case SizeMeaning::total:
            return "total";
    }
    return "";
}

std::optional<Infeasible> refusal(const Law& law, const Setting& s, bool with_n, bool with_d) {
    const Axes& axes = info(law.form).axes;
    if (law.form == LossForm::leverage)
        return Infeasible{"the law gives an efficiency leverage, no loss", {}, {}, 0, 0};
    if (with_n && axes.n && !usable(s.n)) return refused("the law needs a positive model size", "N", 1, s.n);
    if (with_d && axes.d && !usable(s.d))
        return refused("the law needs a positive number of tokens", "D", 1, s.d);
    if (auto why = refused_experts(law, s)) return why;
    return refused_shape(law, s);
}

Expected<double> loss(const Law& law, const Setting& setting) {
    if (const auto why = refusal(law, setting)) return *why;
    const double value = forms::loss(law.form, law.c.data(), variables<double>(setting));
    if (!usable(value)) return Infeasible{"the law has no finite loss there", {}, {}, 0, 0};
    return value;
}

Expected<LossGradient> gradient(const Law& law, const Setting& setting) {
    if (const auto why = refusal(law, setting)) return *why;
    using D6 = Dual<6>;
    const Variables<double> at = variables<double>(setting);
    const Variables<D6> v{D6::variable(at.ln_n, 0),    D6::variable(at.ln_d, 1),
                          D6::variable(at.experts, 2), D6::variable(at.granularity, 3),
                          D6::variable(at.active, 4),  D6::variable(at.shared, 5)};
    const D6 l = forms::loss(law.form, law.c.data(), v);
    if (!usable(l.value)) return Infeasible{"the law has no finite loss there", {}, {}, 0, 0};
    LossGradient g;
    g.ln_n = l.partial[0] / l.value;
    g.ln_d = l.partial[1] / l.value;
    g.experts = l.partial[2] / l.value;
    g.granularity = l.partial[3] / l.value;
    g.active = l.partial[4] / l.value;
    g.shared = l.partial[5] / l.value;
    return g;
}

Expected<double> efficiency_leverage(const Law& law, double active, double granularity, double flop) {
    if (law.form != LossForm::leverage)
        return Infeasible{"the law gives a loss, no efficiency leverage", {}, {}, 0, 0};
    if (!(usable(active) && active <= 1))
        return refused("the active share must lie above 0, at most 1", "A", 1, active);
    if (!usable(granularity)) return refused("the granularity must be positive", "G", 1, granularity);
    if (!usable(flop)) return refused("the training compute must be positive", "C", 1, flop);
    const auto& c = law.c;
    const double g = std::log2(granularity);
    const double power = c[0] + c[1] * std::log10(flop) + c[2] * g * g + c[3] * g;
    return std::pow(saturated(active, 0, c[4], c[5]), power);
}

Expected<double> used_share(const Law& law, const Setting& setting) {
    if (law.size != SizeMeaning::total) return 1.0;
    if (setting.active > 0 && setting.active <= 1) return setting.active;
    if (law.active_share > 0) return law.active_share;
    return refused("training compute needs the active share of the parameters", "A", 1, setting.active);
}

Expected<double> training_flop(const Law& law, const Setting& setting) {
    const auto share = used_share(law, setting);
    if (!share) return share.error();
    if (!usable(setting.n)) return refused("training compute needs a positive model size", "N", 1, setting.n);
    if (!usable(setting.d))
        return refused("training compute needs a positive number of tokens", "D", 1, setting.d);
    return 6 * *share * setting.n * setting.d;
}

Expected<double> least_loss(const Law& law, Setting s) {
    const Axes& axes = info(law.form).axes;
    if (axes.d) s.d = 1e290;
    double least = HUGE_VAL;
    for (double power = 6; power <= (axes.n ? 60 : 6); power += 0.5) {
        if (axes.n) s.n = std::pow(10.0, power);
        const auto l = loss(law, s);
        if (!l) return l.error();
        least = std::min(least, *l);
    }
    return least;
}

double effective_tokens(double tokens, double unique, double repetition) {
    if (!(unique > 0) || tokens <= unique) return tokens;
    return unique + unique * repetition * -std::expm1(-(tokens / unique - 1) / repetition);
}

double tokens_for_effective(double effective, double unique, double repetition) {
    if (!(unique > 0) || effective <= unique) return effective;
    const double share = (effective / unique - 1) / repetition;
    return share < 1 ? unique * (1 - repetition * std::log1p(-share)) : HUGE_VAL;
}

Outside extrapolated(const Law& law, const Setting& s) {
    const TrainingRange& r = law.range;
    return {outside(r.n, s.n),
            outside(r.d, s.d),
            outside(r.experts, s.experts),
            outside(r.granularity, s.granularity),
            outside(r.active, s.active),
            outside(r.shared, s.shared)};
}

std::string describe(const Outside& o) {
    std::string s;
    const auto add = [&](bool is, std::string_view name) {
        if (is) s.append(s.empty() ? "" : ", ").append(name);
    };
    add(o.n, "N");
    add(o.d, "D");
    add(o.experts, "E");
    add(o.granularity, "G");
    add(o.active, "A");
    add(o.shared, "S");
    return s;
}

}   // namespace moecost
