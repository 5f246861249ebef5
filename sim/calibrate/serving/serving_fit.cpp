// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/serving/serving_fit.h"

#include "moecost/calibrate/serving/fit_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <variant>

namespace moecost {
namespace {

using namespace serving_fit;

constexpr double tpot_weight = 0.2;          // of a squared ln of TPOT beside one of throughput
constexpr double offline_weight = 1.5;       // of a row of an offline run: there are few of them
constexpr double group_power = 0.25;         // a group of n points weighs n^(1 - this)
constexpr double warm_up_since = 20260121;   // runs of the published harness warm up since 2026-01-21

double date_number(const std::string& date) {
    double n = 0;
    for (const char c : date)
        if (c >= '0' && c <= '9') n = 10 * n + (c - '0');
    return date.size() == 10 ? n : 0;
}

}   // namespace

bool serving_fit::tells_first_token(const PreparedPoint& p) {
    if (!p.point.ttft_ms || std::holds_alternative<Offline>(p.scenario.traffic.load)) return false;
    return !p.point.spread_lengths || date_number(p.point.date) >= warm_up_since;
}

namespace {

void use(const std::vector<ServedEngine>& engines, PreparedPoint& p, double log_effect) {
    Pool& pool = p.scenario.pool();
    const auto it = std::find_if(engines.begin(), engines.end(),
                                 [&](const ServedEngine& e) { return e.engine == pool.profile.engine; });
    if (it == engines.end()) return;
    const ServingLaw law = pool.profile.serving.law;
    const bool compiled = pool.profile.serving.compiled;
    pool.profile.serving = compiled ? as_compiled(it->constants) : it->constants;
    pool.profile.serving.law = law;
    const ServingConstants& c = it->constants;
    const double young = p.model_years > 0 && c.young_years > 0
                             ? c.young_slowdown * std::exp(-p.model_years / c.young_years)
                             : 0;
    pool.profile.serving.pace = std::exp(log_effect + young);
}

ScoredPoint score(const PreparedPoint& p) {
    const auto result = predict(p);
    const auto* r = std::get_if<Prediction>(&result);
    if (r == nullptr) return {};
    const ServedClass& c = p.scenario.pool().served;
    return {r->throughput_ratio, r->tpot_ratio, r->ttft_ratio, c.log_time, r->spread, c.spread[0], r->beyond};
}

double log_or_zero(double ratio) { return ratio > 0 ? std::log(ratio) : 0; }

/// Residuals of a stage: two of the steps, one of the first token.
void put(const PreparedPoint& p, const ScoredPoint& s, FitStage stage, std::span<double> out) {
    if (stage == FitStage::first_token) {
        out[0] = tells_first_token(p) ? log_or_zero(s.ttft) : 0;
        return;
    }
    const bool offline = std::holds_alternative<Offline>(p.scenario.traffic.load);
    out[0] = log_or_zero(s.throughput);
    out[1] = offline ? 0 : std::sqrt(tpot_weight) * log_or_zero(s.tpot);
}

std::size_t residuals_of(FitStage stage) { return stage == FitStage::steps ? 2 : 1; }

double prior_residual(const FittedConstant& c, double x) {
    if (c.width <= 0) return 0;
    const double z = (c.bounds.logarithmic ? std::log(x / c.usual) : x - c.usual) / c.width;
    return std::sqrt(prior_points) * typical_error * z;
}

class Stage {
  public:
    Stage(const LawConstants& law, const std::vector<FittedConstant>& all, std::vector<double> values,
          ServingRows& rows, FitStage stage)
        : law_(law),
          all_(all),
          values_(std::move(values)),
          rows_(rows),
          stage_(stage),
          width_(residuals_of(stage)) {
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].stage == stage) mine_.push_back(i);
    }
    [[nodiscard]] const std::vector<std::size_t>& constants() const { return mine_; }
    /// Those of the points, then one of each constant against what is known of it.
    [[nodiscard]] std::size_t rows() const { return width_ * rows_.points.size() + mine_.size(); }

    void residuals(std::span<const double> x, std::span<double> out) {
        set(x);
        const auto engines = with_values(law_, all_, values_);
        for (std::size_t i = 0; i < rows_.points.size(); ++i)
            one(engines, i, out.subspan(i * width_, width_));
        for (std::size_t j = 0; j < mine_.size(); ++j)
            out[width_ * rows_.points.size() + j] = prior_residual(all_[mine_[j]], x[j]);
    }
    /// d residual / d x, row by row.
    void derivatives(std::span<const double> x, std::span<double> out, std::span<double> jacobian) {
        residuals(x, out);
        std::vector<double> here(width_);
        for (std::size_t j = 0; j < mine_.size(); ++j) {
            const FittedConstant& c = all_[mine_[j]];
            const auto [value, step] = moved(c.bounds, x[j]);
            std::vector<double> values = values_;
            values[mine_[j]] = value;
            const auto engines = with_values(law_, all_, values);
            const double dx = c.bounds.logarithmic ? value - x[j] : step;
            for (std::size_t k = 0; k < mine_.size(); ++k)
                jacobian[(width_ * rows_.points.size() + k) * mine_.size() + j] =
                    k == j ? (prior_residual(c, value) - prior_residual(c, x[j])) / dx : 0;
            for (std::size_t i = 0; i < rows_.points.size(); ++i) {
                std::span<double> slot = jacobian.subspan(i * width_ * mine_.size());
                const bool concerned =
                    c.engine.empty() || rows_.points[i].scenario.pool().profile.engine == c.engine;
                if (concerned) one(engines, i, here);
                for (std::size_t k = 0; k < width_; ++k)
                    slot[k * mine_.size() + j] = concerned ? (here[k] - out[i * width_ + k]) / dx : 0;
            }
        }
    }
    [[nodiscard]] std::vector<double> fit(int iterations) {
        RobustLeastSquares problem;
        problem.rows = rows();
        for (const std::size_t i : mine_) problem.bounds.push_back(all_[i].bounds);
        problem.scale = stage_ == FitStage::steps ? steps_scale : first_token_scale;
        for (const double w : rows_.weight) problem.weights.insert(problem.weights.end(), width_, w);
        problem.weights.insert(problem.weights.end(), mine_.size(), 1.0);
        problem.residuals = [this](auto x, auto r) { residuals(x, r); };
        problem.derivatives = [this](auto x, auto r, auto j) { derivatives(x, r, j); };
        std::vector<double> start;
        for (const std::size_t i : mine_)
            start.push_back(std::clamp(values_[i], all_[i].bounds.low, all_[i].bounds.high));
        const RobustMinimum best = levenberg_marquardt(problem, start, {iterations, 1e-4, 1e8, 1e-12});
        set(best.x);
        cost_ = best.cost;
        return values_;
    }
    [[nodiscard]] double cost() const { return cost_; }

  private:
    void set(std::span<const double> x) {
        for (std::size_t j = 0; j < mine_.size(); ++j) values_[mine_[j]] = x[j];
    }
    void one(const std::vector<ServedEngine>& engines, std::size_t i, std::span<double> out) {
        if (rows_.weight[i] == 0) {
            std::fill(out.begin(), out.end(), 0.0);
            return;
        }
        use(engines, rows_.points[i], 0);
        put(rows_.points[i], score(rows_.points[i]), stage_, out);
    }

    const LawConstants& law_;
    const std::vector<FittedConstant>& all_;
    std::vector<double> values_;
    ServingRows& rows_;
    FitStage stage_;
    std::size_t width_;
    std::vector<std::size_t> mine_;
    double cost_ = 0;
};

std::string curve_group(const PreparedPoint& p) {
    return p.names.engine + "|" + p.names.gpu + "|" + p.names.model + "|" + p.point.scenario;
}

}   // namespace

std::string curve_of(const PreparedPoint& p) {
    const MeasuredPoint& m = p.point;
    std::string key = m.scenario;
    for (const auto& x : {m.isl, m.osl, m.tp, m.pp, m.ep, m.attention_dp})
        key.append("|").append(std::to_string(x.value_or(0)));
    key.append("|").append(m.version).append("|").append(m.cache);
    const ServedNames& n = p.names;
    return key.append("|")
        .append(n.engine)
        .append(n.gpu)
        .append(n.model)
        .append(std::to_string(int(n.attention)))
        .append(std::to_string(int(n.experts)));
}

ScoredPoint score_with(const std::vector<ServedEngine>& engines, PreparedPoint& p, const ServedClass& known) {
    use(engines, p, known.log_time);
    p.scenario.pool().served = known;
    return score(p);
}

namespace {

/// Rows that no constant can explain are judged, not fitted: hwmodels/calibrate/serving.toml names them with the reason.
std::vector<double> fit_weights(const DataStore& data, const ServingRows& rows) {
    const Document document = data.open("hwmodels/calibrate", "serving", "list of fitted constants");
    const Reader root(document);
    std::map<std::string, double> members;
    for (const PreparedPoint& p : rows.points) members[curve_group(p)] += 1;
    std::vector<double> weights;
    for (const PreparedPoint& p : rows.points) {
        const double offline = p.point.scenario == "offline_max" ? offline_weight : 1;
        weights.push_back(offline * std::pow(members[curve_group(p)], -group_power));
        if (!root.has("left_out")) continue;
        for (const Reader& r : root.tables("left_out")) {
            const auto is = [&](std::string_view key, const std::string& value) {
                if (!r.has(key)) return true;
                const auto list = r.texts(key);
                return std::find(list.begin(), list.end(), value) != list.end();
            };
            if (is("scenarios", p.point.scenario) && is("engines", p.names.engine) &&
                is("models", p.names.model) && is("versions", p.point.version))
                weights.back() = 0;
        }
    }
    return weights;
}

}   // namespace

ServingRows serving_rows(const DataStore& data, const std::vector<MeasuredPoint>& points) {
    constexpr double most_gpus = 8;
    ServingRows rows;
    Predictor predictor(data);
    for (const MeasuredPoint& p : points) {
        if (p.suspect || p.repeated || p.speculative || p.disaggregated) continue;
        if (!p.output_per_gpu && !p.total_per_gpu) continue;
        const bool closed = p.scenario == "closed_loop";
        auto prepared = predictor.prepare(p);
        if (auto* why = std::get_if<std::string>(&prepared)) {
            rows.left_out.push_back(std::string(p.id).append(": ").append(*why));
            continue;
        }
        auto& one = std::get<PreparedPoint>(prepared);
        const bool timed = one.scenario.pool().profile.basis == Provenance::calibrated;
        if (timed && closed && (!p.ttft_ms || !p.tpot_ms)) continue;
        const bool usual = (closed || p.scenario == "offline_max") && p.gpus.value_or(1) <= most_gpus;
        (timed && usual ? rows.points : rows.others).push_back(std::move(one));
    }
    rows.weight = fit_weights(data, rows);
    return rows;
}

ServingFit fit_serving(const LawConstants& law, std::vector<FittedConstant> constants, ServingRows& rows,
                       const ServingFitOptions& options) {
    ServingFit fit;
    fit.constants = std::move(constants);
    fit.values = values_in(law, fit.constants);
    for (const FitStage stage : {FitStage::steps, FitStage::first_token}) {
        Stage s(law, fit.constants, fit.values, rows, stage);
        if (s.constants().empty()) continue;
        if (options.iterations > 0) fit.values = s.fit(options.iterations);
        if (options.progress) options.progress(stage == FitStage::steps ? "steps" : "first token", s.cost());
    }
    const auto engines = with_values(law, fit.constants, fit.values);
    for (PreparedPoint& p : rows.points) {
        use(engines, p, 0);
        fit.in_sample.push_back(score(p));
    }
    return fit;
}

}   // namespace moecost
