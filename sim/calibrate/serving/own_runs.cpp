// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/serving/own_runs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "moecost/base/format.h"

namespace moecost {
namespace {

/// What is impossible about a row: figures that contradict one another beyond any convention of averaging.
std::string contradiction(const MeasuredPoint& p) {
    if (p.scenario != "closed_loop" || !p.concurrency || !p.tpot_ms || !p.ttft_ms || !p.output_per_gpu ||
        !p.osl || !p.gpus)
        return {};
    const double e2e = (*p.ttft_ms + (*p.osl - 1) * *p.tpot_ms) * 1e-3;
    const double little = *p.concurrency * *p.osl / e2e / *p.gpus;
    const double ratio = *p.output_per_gpu / little;
    if (ratio > 0.5 && ratio < 2) return {};
    std::string s("output throughput of ");
    return s.append(significant(*p.output_per_gpu, 3))
        .append(" tokens/s per GPU contradicts latencies and concurrency, which give ")
        .append(significant(little, 3))
        .append(": are the units right (per GPU, milliseconds)?");
}

std::string deployment_of(const MeasuredPoint& p) {
    std::string key(p.version);
    for (const auto& x : {p.isl, p.osl, p.tp, p.pp, p.ep, p.attention_dp})
        key.append("|").append(std::to_string(x.value_or(0)));
    return key;
}

struct Own {
    const EffectTable& table;
    std::vector<PooledPoint> points;

    /// The effect of the person's own release in each group: a normal prior as wide as what is not known of the group,
    /// points of a deployment as its mean.
    [[nodiscard]] std::vector<MovedEffect> moved() const {
        std::map<std::string, std::vector<const PooledPoint*>> by_group;
        for (const PooledPoint& p : points) {
            const ServedNames& n = p.names;
            std::string key = n.engine + "|" + n.gpu + "|" + n.model + "|" +
                              std::string(info(n.attention).name) + "|" + std::string(info(n.experts).name);
            by_group[key].push_back(&p);
        }
        std::vector<MovedEffect> result;
        for (const auto& [key, members] : by_group) result.push_back(of_group(members));
        return result;
    }

  private:
    [[nodiscard]] MovedEffect of_group(const std::vector<const PooledPoint*>& members) const {
        const ServedNames& names = members.front()->names;
        std::map<std::string, std::pair<double, double>> curves;
        for (const PooledPoint* p : members) {
            curves[p->curve].first += p->y;
            curves[p->curve].second += 1;
        }
        const double curve = table.spread[effect_kinds].throughput,
                     point = table.spread[effect_kinds + 1].throughput;
        double weight = 0, sum = 0;
        for (const auto& [name, c] : curves) {
            const double w = 1 / (curve * curve + point * point / c.second);
            weight += w;
            sum += w * c.first / c.second;
        }
        const double sd = std::max(prior_sd(names), 1e-3);
        const double prior = 1 / (sd * sd);
        MovedEffect m{{EffectKind::version, names, 0, sd, 0}, {}};
        m.after = m.before;
        // y is beyond all effects that were applied, this one included.
        m.after.log_time += sum / (weight + prior);
        m.after.sd = std::sqrt(1 / (weight + prior) + unexplained(members, sum / (weight + prior)));
        m.after.points += static_cast<double>(members.size());
        return m;
    }
    /// Variance that runs keep after their effect, beyond what curves and points of one deployment have among themselves:
    /// runs that contradict the prediction more than an effect may move, or each other, make nothing more certain.
    [[nodiscard]] double unexplained(const std::vector<const PooledPoint*>& members, double effect) const {
        const double curve = table.spread[effect_kinds].throughput,
                     point = table.spread[effect_kinds + 1].throughput;
        double squares = 0;
        for (const PooledPoint* p : members) squares += (p->y - effect) * (p->y - effect);
        return std::max(squares / static_cast<double>(members.size()) - curve * curve - point * point, 0.0);
    }
    /// Of all that is not known of the deployments: own runs share it.
    [[nodiscard]] double prior_sd(const ServedNames& names) const {
        const double all = served_class(table, names, Provenance::calibrated, false).spread[0].throughput;
        const double curve = table.spread[effect_kinds].throughput,
                     point = table.spread[effect_kinds + 1].throughput;
        return std::sqrt(std::max(all * all - curve * curve - point * point, 0.0));
    }
};

/// Change of the time of the level of these names by the moved effects.
double change_of(const std::vector<MovedEffect>& moved, const ServedNames& names) {
    for (const MovedEffect& m : moved)
        if (m.after.level == level_of(m.after.kind, names)) return m.after.log_time - m.before.log_time;
    return 0;
}

}   // namespace

double MovedEffect::spreads() const { return std::abs(after.log_time - before.log_time) / before.sd; }

OwnRuns own_runs(const DataStore& data, const std::vector<MeasuredPoint>& points) {
    OwnRuns o;
    Predictor predictor(data);
    const auto table = load_effects(data);
    Own own{*table, {}};
    for (MeasuredPoint p : points) {
        const std::string deployment = deployment_of(p);
        p.version.clear();   // whatever release they run, it is theirs
        std::string why = contradiction(p);
        if (why.empty() && !p.output_per_gpu) why = "states no output throughput";
        if (why.empty() && p.suspect) why = "is marked suspect";
        auto result = why.empty() ? predictor.predict(p) : std::variant<Prediction, std::string>(why);
        if (const auto* reason = std::get_if<std::string>(&result)) {
            o.unusable.push_back((p.id.empty() ? std::string("a row") : p.id) + ": " + *reason);
            continue;
        }
        const auto& r = std::get<Prediction>(result);
        own.points.push_back({r.names, deployment, std::log(r.throughput_ratio)});
        o.before.push_back(r);
    }
    if (o.before.size() < 2) {
        std::string message(std::to_string(o.before.size()));
        message.append(" of ")
            .append(std::to_string(points.size()))
            .append(" rows can be used, two are needed");
        if (!o.unusable.empty()) message.append("; ").append(o.unusable.front());
        throw InputError({"--serving"}, {}, message, "moecost validate FILE says what is missing");
    }
    o.moved = own.moved();
    std::map<std::string, bool> deployments;
    for (const PooledPoint& p : own.points) deployments[p.curve] = true;
    for (std::size_t i = 0; i < o.before.size(); ++i) {
        const double ratio = o.before[i].throughput_ratio;
        o.after.push_back(ratio * std::exp(-change_of(o.moved, own.points[i].names)));
        Own rest{*table, {}};
        for (std::size_t j = 0; j < own.points.size(); ++j) {
            // With one deployment alone each run is predicted from its others.
            const bool out = deployments.size() > 1 ? own.points[j].curve == own.points[i].curve : j == i;
            if (!out) rest.points.push_back(own.points[j]);
        }
        o.left_out.push_back(ratio * std::exp(-change_of(rest.moved(), own.points[i].names)));
    }
    const Prediction& first = o.before.front();
    o.spread_before = first.spread.throughput;
    EffectTable after = *table;
    for (const MovedEffect& m : o.moved) {
        std::erase_if(after.effects,
                      [&](const Effect& e) { return e.kind == m.after.kind && e.level == m.after.level; });
        after.effects.push_back(m.after);
    }
    o.spread_after = served_class(after, first.names, Provenance::calibrated, false).spread[0].throughput;
    return o;
}

}   // namespace moecost
