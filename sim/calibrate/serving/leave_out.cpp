// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <variant>

#include "moecost/calibrate/serving/fit_rules.h"

namespace moecost {
namespace {

using namespace serving_fit;

double log_or_zero(double ratio) { return ratio > 0 ? std::log(ratio) : 0; }

std::vector<double> flat(const std::vector<ScoredPoint>& points, double ScoredPoint::*figure) {
    std::vector<double> v;
    for (const ScoredPoint& p : points) v.push_back(log_or_zero(p.*figure));
    return v;
}

/// Solves a x = b, symmetric and positive, by Cholesky.
std::vector<double> solve(std::vector<double> a, std::vector<double> b) {
    const std::size_t n = b.size();
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            double sum = a[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / a[j * n + j];
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
    return b;
}

}   // namespace

ServingJudge::ServingJudge(const LawConstants& law_in, ServingFit fit_in, ServingRows& rows_in)
    : law(law_in), fit(std::move(fit_in)), rows(rows_in) {
    // ln throughput and ln TTFT by every constant: one pass for each.
    const std::size_t n = rows.points.size(), m = fit.constants.size();
    residuals_ = flat(fit.in_sample, &ScoredPoint::throughput);
    const std::vector<double> first = flat(fit.in_sample, &ScoredPoint::ttft);
    residuals_.insert(residuals_.end(), first.begin(), first.end());
    jacobian_.assign(2 * n * m, 0);
    for (std::size_t j = 0; j < m; ++j) {
        const FittedConstant& c = fit.constants[j];
        const auto [value, step] = moved(c.bounds, fit.values[j]);
        std::vector<double> values = fit.values;
        values[j] = value;
        const auto engines = with_values(law, fit.constants, values);
        for (std::size_t i = 0; i < n; ++i) {
            if (!c.engine.empty() && rows.points[i].scenario.pool().profile.engine != c.engine) continue;
            const ScoredPoint s = score_with(engines, rows.points[i], {});
            if (s.throughput > 0) jacobian_[i * m + j] = (std::log(s.throughput) - residuals_[i]) / step;
            if (s.ttft > 0) jacobian_[(n + i) * m + j] = (std::log(s.ttft) - residuals_[n + i]) / step;
        }
    }
    weights_.assign(2 * n, 0);
    for (std::size_t i = 0; i < n; ++i) {
        const double x = residuals_[i] / steps_scale, y = residuals_[n + i] / first_token_scale;
        weights_[i] = rows.weight[i] / std::sqrt(1 + x * x);
        if (tells_first_token(rows.points[i]) && fit.in_sample[i].ttft > 0)
            weights_[n + i] = rows.weight[i] / std::sqrt(1 + y * y);
    }
}

namespace {

/// The step of the constants when rows are left out: normal equations of each stage by its own residuals.
class Shift {
  public:
    Shift(const std::vector<FittedConstant>& constants, const std::vector<double>& jacobian,
          const std::vector<double>& residuals, const std::vector<double>& weights)
        : constants_(constants), jacobian_(jacobian), residuals_(residuals), weights_(weights) {}

    [[nodiscard]] std::vector<double> without(const std::vector<bool>& out) const {
        std::vector<double> step(constants_.size());
        const std::size_t n = out.size();
        for (const FitStage stage : {FitStage::steps, FitStage::first_token}) {
            std::vector<std::size_t> mine;
            for (std::size_t j = 0; j < constants_.size(); ++j)
                if (constants_[j].stage == stage) mine.push_back(j);
            const std::size_t first = stage == FitStage::steps ? 0 : n;
            std::vector<double> a(mine.size() * mine.size()), b(mine.size());
            for (std::size_t k = 0; k < mine.size(); ++k) {
                const double width = constants_[mine[k]].width;
                const double known = std::sqrt(prior_points) * typical_error / width;
                a[k * mine.size() + k] = width > 0 ? known * known : 1e-3;
            }
            for (std::size_t i = 0; i < n; ++i)
                if (!out[i]) add(first + i, mine, a, b);
            // The full fit need not stand exactly where this quadratic is flat: only what leaving out changes counts.
            std::vector<double> all_b(mine.size());
            std::vector<double> unused = a;
            for (std::size_t i = 0; i < n; ++i) add(first + i, mine, unused, all_b);
            for (std::size_t k = 0; k < mine.size(); ++k) b[k] -= all_b[k];
            const std::vector<double> s = solve(a, b);
            for (std::size_t k = 0; k < mine.size(); ++k) step[mine[k]] = s[k];
        }
        return step;
    }

  private:
    void add(std::size_t row, const std::vector<std::size_t>& mine, std::vector<double>& a,
             std::vector<double>& b) const {
        const double w = weights_[row];
        if (w == 0) return;
        const double* j = &jacobian_[row * constants_.size()];
        for (std::size_t k = 0; k < mine.size(); ++k) {
            b[k] -= w * j[mine[k]] * residuals_[row];
            for (std::size_t l = 0; l < mine.size(); ++l)
                a[k * mine.size() + l] += w * j[mine[k]] * j[mine[l]];
        }
    }
    const std::vector<FittedConstant>& constants_;
    const std::vector<double>& jacobian_;
    const std::vector<double>& residuals_;
    const std::vector<double>& weights_;
};

std::vector<double> stepped(const std::vector<FittedConstant>& constants, std::vector<double> values,
                            const std::vector<double>& step) {
    for (std::size_t j = 0; j < values.size(); ++j) {
        const Bounds& b = constants[j].bounds;
        const double x = b.logarithmic ? values[j] * std::exp(step[j]) : values[j] + step[j];
        values[j] = std::clamp(x, b.low, b.high);
    }
    return values;
}

EffectTable with_effects(const EffectTable& spreads, std::vector<Effect> effects) {
    EffectTable t = spreads;
    t.effects = std::move(effects);
    return t;
}

PooledSpread of_throughput(const EffectTable& t) {
    PooledSpread s;
    for (std::size_t k = 0; k < effect_kinds; ++k) s.of[k] = std::max(t.spread[k].throughput, 1e-3);
    s.curve = t.spread[effect_kinds].throughput;
    s.point = std::max(t.spread[effect_kinds + 1].throughput, 1e-3);
    return s;
}

}   // namespace

std::vector<PooledPoint> pooled_points(const ServingRows& rows, const std::vector<ScoredPoint>& scores) {
    std::vector<PooledPoint> points;
    for (std::size_t i = 0; i < rows.points.size(); ++i) {
        if (!(scores[i].throughput > 0) ||
            std::holds_alternative<Offline>(rows.points[i].scenario.traffic.load))
            continue;
        points.push_back({rows.points[i].names, curve_of(rows.points[i]), std::log(scores[i].throughput)});
    }
    return points;
}

LeftOut ServingJudge::leave_out(std::string what, const RowKey& key, bool with_effects_too,
                                const EffectTable& spreads, const RowPair& with_it) {
    const std::size_t n = rows.points.size(), m = fit.constants.size();
    LeftOut result{std::move(what), std::vector<ScoredPoint>(n)};
    std::map<std::string, std::vector<std::size_t>> classes;
    for (std::size_t i = 0; i < n; ++i) classes[key(rows.points[i])].push_back(i);
    const Shift shift(fit.constants, jacobian_, residuals_, weights_);
    for (const auto& [name, members] : classes) {
        std::vector<bool> out(n);
        for (const std::size_t i : members) out[i] = true;
        for (std::size_t i = 0; with_it && i < n; ++i)
            if (with_it(rows.points[members.front()], rows.points[i])) out[i] = true;
        const std::vector<double> step = shift.without(out);
        const auto engines = with_values(law, fit.constants, stepped(fit.constants, fit.values, step));
        std::vector<PooledPoint> others;
        for (std::size_t i = 0; with_effects_too && i < n; ++i) {
            if (out[i] || !(fit.in_sample[i].throughput > 0) ||
                std::holds_alternative<Offline>(rows.points[i].scenario.traffic.load))
                continue;
            double y = residuals_[i];
            for (std::size_t j = 0; j < m; ++j) y += jacobian_[i * m + j] * step[j];
            others.push_back({rows.points[i].names, curve_of(rows.points[i]), y});
        }
        const EffectTable table = with_effects(spreads, pooled_effects(others, of_throughput(spreads)));
        for (const std::size_t i : members) {
            PreparedPoint& p = rows.points[i];
            const ServedClass c = served_class(table, p.names, Provenance::calibrated, false);
            result.points[i] = score_with(engines, p, c);
        }
    }
    return result;
}

LeftOut ServingJudge::in_sample(std::string what, bool with_versions, const EffectTable& spreads) {
    LeftOut result{std::move(what), {}};
    const EffectTable table =
        with_effects(spreads, pooled_effects(pooled_points(rows, fit.in_sample), of_throughput(spreads)));
    const auto engines = with_values(law, fit.constants, fit.values);
    for (PreparedPoint& p : rows.points) {
        ServedNames names = p.names;
        if (!with_versions) names.version.clear();
        const ServedClass c = served_class(table, names, Provenance::calibrated, false);
        result.points.push_back(score_with(engines, p, c));
    }
    return result;
}

}   // namespace moecost
