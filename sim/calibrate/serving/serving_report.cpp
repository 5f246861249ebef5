// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/serving/serving_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace moecost {
namespace {

constexpr double z90 = 1.2815515655446004, z95 = 1.6448536269514722;
constexpr double cut_steps = 0.35, cut_first_token = 1.2;   // of |ln ratio| before spreads are estimated

struct Column {
    double ScoredPoint::*ratio;
    double LogSpread::*sd;
};
constexpr Column columns[] = {{&ScoredPoint::throughput, &LogSpread::throughput},
                              {&ScoredPoint::tpot, &LogSpread::tpot},
                              {&ScoredPoint::ttft, &LogSpread::ttft}};

bool offline(const PreparedPoint& p) { return std::holds_alternative<Offline>(p.scenario.traffic.load); }

using Pick = std::function<bool(const PreparedPoint&)>;

/// Errors, and the share of rows within `z` standard deviations.
std::pair<ErrorSummary, double> judged(const std::vector<ScoredPoint>& points, const ServingRows& rows,
                                       const Pick& pick, const Column& c, double z = z90) {
    std::vector<double> ratios;
    double covered = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double r = points[i].*c.ratio;
        if (!pick(rows.points[i]) || !(r > 0)) continue;
        ratios.push_back(r);
        covered += std::abs(std::log(r)) <= z * (points[i].spread.*c.sd) ? 1 : 0;
    }
    const auto n = static_cast<double>(std::max<std::size_t>(ratios.size(), 1));
    return {summarise(std::move(ratios)), covered / n};
}

JudgedErrors judge(const std::string& what, const std::vector<ScoredPoint>& points, const ServingRows& rows,
                   const Pick& pick) {
    JudgedErrors e;
    e.what = what;
    std::tie(e.throughput, e.covered_throughput) = judged(points, rows, pick, columns[0]);
    std::tie(e.tpot, e.covered_tpot) = judged(points, rows, pick, columns[1]);
    std::tie(e.ttft, e.covered_ttft) = judged(points, rows, pick, columns[2]);
    e.covered_throughput_90 = judged(points, rows, pick, columns[0], z95).second;
    return e;
}

/// 80 % quantile of |ln ratio|/sd, over that of a normal.
double widening(const std::vector<ScoredPoint>& points, const ServingRows& rows, const Pick& pick,
                const Column& c) {
    std::vector<double> z;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double r = points[i].*c.ratio, sd = points[i].spread.*c.sd;
        if (pick(rows.points[i]) && r > 0 && sd > 0) z.push_back(std::abs(std::log(r)) / sd);
    }
    if (z.empty()) return 1;
    std::sort(z.begin(), z.end());
    return z[static_cast<std::size_t>(0.8 * static_cast<double>(z.size() - 1))] / z90;
}

void put_spread(EffectTable& t, const PooledSpread& s, double LogSpread::*figure) {
    for (std::size_t k = 0; k < effect_kinds; ++k) t.spread[k].*figure = s.of[k];
    t.spread[effect_kinds].*figure = s.curve;
    t.spread[effect_kinds + 1].*figure = s.point;
}

std::vector<PooledPoint> points_of(const ServingRows& rows, const std::vector<ScoredPoint>& scores,
                                   double ScoredPoint::*ratio) {
    std::vector<ScoredPoint> moved = scores;
    for (ScoredPoint& p : moved) p.throughput = p.*ratio;
    return pooled_points(rows, moved);
}

std::string group_of(const PreparedPoint& p) {
    return p.names.engine + "|" + p.names.gpu + "|" + p.names.model;
}
std::string release_of(const PreparedPoint& p) {
    return group_of(p) + "|" + std::to_string(int(p.names.attention)) + "|" +
           std::to_string(int(p.names.experts)) + "|" + p.names.version;
}

/// The least addition to the variances at which 80 % of the deviations are inside their interval.
double excess(const std::vector<std::pair<double, double>>& members) {
    double low = 0, high = 2;
    for (int i = 0; i < 30; ++i) {
        const double middle = (low + high) / 2;
        const auto inside = std::count_if(members.begin(), members.end(), [&](const auto& m) {
            return m.first <= z90 * std::sqrt(m.second * m.second + middle * middle);
        });
        (5 * static_cast<std::size_t>(inside) >= 4 * members.size() ? high : low) = middle;
    }
    return high < 1e-6 ? 0 : high;
}

PooledSpread spread_of(const EffectTable& t) {
    PooledSpread s;
    for (std::size_t k = 0; k < effect_kinds; ++k) s.of[k] = t.spread[k].throughput;
    s.curve = t.spread[effect_kinds].throughput;
    s.point = t.spread[effect_kinds + 1].throughput;
    return s;
}

/// Predictions of rows that were not fitted, with the fitted constants and the effects of a table.
std::vector<ScoredPoint> scored(const ServingJudge& judge_of, std::vector<PreparedPoint>& points,
                                const EffectTable& t) {
    const auto engines = with_values(judge_of.law, judge_of.fit.constants, judge_of.fit.values);
    std::vector<ScoredPoint> scores;
    for (PreparedPoint& p : points) {
        Pool& pool = p.scenario.pool();
        const ServedClass c = served_class(
            t, p.names, pool.sibling ? Provenance::calibrated : pool.profile.basis, false, pool.sibling);
        scores.push_back(score_with(engines, p, c));
    }
    return scores;
}

/// Accelerators with the kernels of another maker: what their served points say beyond the effects that are known, with
/// `far` as wide a spread of (engine, accelerator) as such borrowing shows.
void add_borrowed(const ServingJudge& judge_of, ServingRows& rows, EffectTable& t) {
    constexpr double far = 0.35;
    std::vector<PreparedPoint> borrowed;
    for (const PreparedPoint& p : rows.others)
        if (p.scenario.pool().profile.basis == Provenance::borrowed && !p.scenario.pool().sibling)
            borrowed.push_back(p);
    t.log_time = {};
    const std::vector<ScoredPoint> scores = scored(judge_of, borrowed, t);
    std::vector<PooledPoint> points;
    for (std::size_t i = 0; i < borrowed.size(); ++i)
        if (scores[i].throughput > 0 && borrowed[i].point.scenario == "closed_loop")
            points.push_back({borrowed[i].names, curve_of(borrowed[i]), std::log(scores[i].throughput)});
    PooledSpread s = spread_of(t);
    s.of[0] = far;
    s.of[1] = s.of[2] = 1e-3;   // known from other accelerators
    double sum = 0, squares = 0, n = 0;
    for (Effect& e : pooled_effects(points, s)) {
        if (e.kind == EffectKind::model || e.kind == EffectKind::engine_model) continue;
        if (e.kind == EffectKind::engine_gpu) {
            sum += e.log_time;
            squares += e.log_time * e.log_time;
            n += 1;
        }
        t.effects.push_back(std::move(e));
    }
    const auto slot = static_cast<std::size_t>(Familiarity::borrowed);
    t.of_class[slot] = {far, far, far};
    if (n > 0) t.log_time[slot] = sum / (n + 1);   // one more of no deviation
}

/// What runs of further releases say beyond all that is known of their deployments.
void add_releases(const ServingJudge& judge_of, std::vector<PreparedPoint>& runs, EffectTable& t) {
    struct Release {
        ServedNames names;
        double sum = 0, n = 0, prior = 0;
    };
    std::vector<Release> releases;
    const std::vector<ScoredPoint> scores = scored(judge_of, runs, t);
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (!(scores[i].throughput > 0) || runs[i].names.version.empty()) continue;
        auto it = std::find_if(releases.begin(), releases.end(),
                               [&](const Release& r) { return r.names == runs[i].names; });
        if (it == releases.end())
            it = releases.insert(it, {runs[i].names, 0, 0, scores[i].closed.throughput});
        it->sum += std::log(scores[i].throughput);
        it->n += 1;
    }
    const PooledSpread s = spread_of(t);
    for (const Release& r : releases) {
        const double own = s.curve * s.curve + s.point * s.point / r.n, prior = r.prior * r.prior;
        const double share = prior / (prior + own);
        t.effects.push_back({EffectKind::version, r.names, share * r.sum / r.n, std::sqrt(share * own), r.n});
    }
}

/// What each kind of load scatters beyond closed loops: so much that 80 % of its points lie inside.
void add_loads(const ServingJudge& judge_of, ServingRows& rows, const std::vector<ScoredPoint>& fitted,
               EffectTable& t) {
    constexpr std::size_t enough = 5;
    const std::vector<ScoredPoint> scores = scored(judge_of, rows.others, t);
    for (std::size_t load = 1; load < load_kinds; ++load) {
        for (const Column& c : columns) {
            std::vector<std::pair<double, double>> members;   // |ln ratio|, sd of a closed loop
            const auto add = [&](const PreparedPoint& p, const ScoredPoint& s) {
                const double r = s.*c.ratio;
                const bool foreign = p.scenario.pool().profile.basis == Provenance::borrowed;
                if (p.scenario.traffic.load.index() == load && r > 0 && !foreign)
                    members.emplace_back(std::abs(std::log(r)), s.closed.*c.sd);
            };
            for (std::size_t i = 0; i < rows.points.size(); ++i) add(rows.points[i], fitted[i]);
            for (std::size_t i = 0; i < rows.others.size(); ++i) add(rows.others[i], scores[i]);
            t.of_load[load].*c.sd = members.size() < enough ? 0.2 : excess(members);
        }
    }
}

/// Deployments whose model, whose accelerator, or both have no row.
struct Classes {
    LeftOut models, gpus, both;
};
Classes judged_far(ServingJudge& judge_of, const EffectTable& t) {
    const auto model = [](const PreparedPoint& p) { return p.names.model; };
    const auto gpu = [](const PreparedPoint& p) { return p.names.gpu; };
    const auto pair = [&](const PreparedPoint& p) { return gpu(p) + "|" + model(p); };
    const auto either = [](const PreparedPoint& a, const PreparedPoint& b) {
        return a.names.gpu == b.names.gpu || a.names.model == b.names.model;
    };
    return {judge_of.leave_out("model", model, true, t), judge_of.leave_out("GPU", gpu, true, t),
            judge_of.leave_out("GPU and model", pair, true, t, either)};
}

/// What such deployments scatter beyond the spreads of their unknown levels: so much that 80 % lie inside.
void widen_classes(const Classes& far, const ServingRows& rows, EffectTable& t) {
    const auto add = [&](Familiarity of, std::initializer_list<const LeftOut*> members) {
        for (const Column& c : columns) {
            std::vector<std::pair<double, double>> all;
            for (const LeftOut* l : members)
                for (std::size_t i = 0; i < l->points.size(); ++i)
                    if (const ScoredPoint& p = l->points[i]; !offline(rows.points[i]) && p.*c.ratio > 0)
                        all.emplace_back(std::abs(std::log(p.*c.ratio)), p.spread.*c.sd);
            t.of_class[static_cast<std::size_t>(of)].*c.sd = all.empty() ? 0 : excess(all);
        }
    };
    add(Familiarity::engine_or_model, {&far.models, &far.gpus});
    add(Familiarity::calibrated, {&far.both});
}

/// What an answer scatters more where a good part of its time lies beyond what was fitted: so much, per share of the time,
/// that 80 % of such points of any load lie inside.
void add_beyond(const ServingJudge& judge_of, ServingRows& rows, const std::vector<ScoredPoint>& left_out,
                EffectTable& t) {
    constexpr double good_part = 0.2;
    std::vector<std::pair<double, double>> members;   // |ln ratio|, sd, both per share
    const auto add = [&](const PreparedPoint& p, const ScoredPoint& s) {
        if (!(s.throughput > 0) || s.beyond < good_part ||
            p.scenario.pool().profile.basis != Provenance::calibrated)
            return;
        const double of_load = t.of_load[p.scenario.traffic.load.index()].throughput;
        members.emplace_back(std::abs(std::log(s.throughput)) / s.beyond,
                             std::hypot(s.closed.throughput, of_load) / s.beyond);
    };
    const std::vector<ScoredPoint> others = scored(judge_of, rows.others, t);
    for (std::size_t i = 0; i < rows.points.size(); ++i) add(rows.points[i], left_out[i]);
    for (std::size_t i = 0; i < rows.others.size(); ++i) add(rows.others[i], others[i]);
    if (!members.empty()) t.beyond = excess(members);
}

}   // namespace

ServingReport serving_report(const DataStore& data, const std::vector<MeasuredPoint>& points,
                             const ServingFitOptions& options, std::vector<PreparedPoint> queued) {
    ServingReport report;
    const LawConstants law = load_law_constants(data);
    ServingRows rows = serving_rows(data, points);
    if (rows.points.size() < 2)
        throw InputError({"--serving-rows"}, {}, "fewer than two rows can be used",
                         rows.left_out.empty() ? std::string() : rows.left_out.front());
    ServingFit fit = fit_serving(law, load_fitted_constants(data), rows, options);
    EffectTable t = *load_effects(data);
    for (const Column& c : columns) {
        const double cut = c.ratio == &ScoredPoint::ttft ? cut_first_token : cut_steps;
        put_spread(t, pooled_spread(points_of(rows, fit.in_sample, c.ratio), cut), c.sd);
    }
    ServingJudge judge_of(law, std::move(fit), rows);
    const Pick closed = [](const PreparedPoint& p) { return !offline(p); };
    const LeftOut first = judge_of.leave_out("", group_of, true, t);
    for (const Column& c : columns) {
        const double wider = widening(first.points, rows, closed, c);
        for (LogSpread& s : t.spread) s.*c.sd *= wider;
    }
    const LeftOut groups = judge_of.leave_out("group", group_of, true, t);
    const LeftOut plain = judge_of.leave_out("group, no effects", group_of, false, t);
    for (const Familiarity f : {Familiarity::engine_or_model, Familiarity::calibrated})
        t.of_class[static_cast<std::size_t>(f)] = {};
    const Classes far = judged_far(judge_of, t);
    widen_classes(far, rows, t);
    const auto [models, gpus, both] = judged_far(judge_of, t);
    const LeftOut releases = judge_of.leave_out("release", release_of, true, t);
    const LeftOut with_groups = judge_of.in_sample("group effects", false, t);
    const LeftOut with_versions = judge_of.in_sample("group and release effects", true, t);
    const auto add = [&](const std::string& what, const std::vector<ScoredPoint>& p, const Pick& pick) {
        report.judged.push_back(judge(what, p, rows, pick));
    };
    add("in sample, constants alone", judge_of.fit.in_sample, closed);
    add("in sample, with group effects", with_groups.points, closed);
    add("in sample, with release effects", with_versions.points, closed);
    add("each group left out, constants alone", plain.points, closed);
    add("each group left out", groups.points, closed);
    add("each model left out", models.points, closed);
    add("each accelerator left out", gpus.points, closed);
    add("each release left out", releases.points, closed);
    add("each accelerator with each model left out", both.points, closed);
    const auto spread_recent = [](const PreparedPoint& p) {
        return !offline(p) && p.point.spread_lengths && p.point.date >= "2026-01-21";
    };
    const auto equal = [](const PreparedPoint& p) { return !offline(p) && !p.point.spread_lengths; };
    add("spread lengths since 2026-01-21, in sample", judge_of.fit.in_sample, spread_recent);
    add("spread lengths since 2026-01-21, group left out", plain.points, spread_recent);
    add("equal lengths, in sample", judge_of.fit.in_sample, equal);
    add("equal lengths, group left out", plain.points, equal);
    add("offline, in sample", judge_of.fit.in_sample, offline);
    add("offline, group left out", plain.points, offline);
    t.median_error[static_cast<std::size_t>(Familiarity::version)] = report.judged[2].throughput.median_ape;
    t.median_error[static_cast<std::size_t>(Familiarity::group)] = report.judged[7].throughput.median_ape;
    t.median_error[static_cast<std::size_t>(Familiarity::engine_and_model)] =
        report.judged[4].throughput.median_ape;
    t.median_error[static_cast<std::size_t>(Familiarity::engine_or_model)] =
        report.judged[5].throughput.median_ape;
    t.median_error[static_cast<std::size_t>(Familiarity::calibrated)] =
        report.judged[8].throughput.median_ape;
    t.effects = pooled_effects(pooled_points(rows, judge_of.fit.in_sample), spread_of(t));
    add_borrowed(judge_of, rows, t);
    add_releases(judge_of, queued, t);
    add_loads(judge_of, rows, groups.points, t);
    add_beyond(judge_of, rows, groups.points, t);
    report.fit = std::move(judge_of.fit);
    report.effects = std::move(t);
    return report;
}

}   // namespace moecost
