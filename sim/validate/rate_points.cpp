// SPDX-License-Identifier: Apache-2.0
#include "moecost/validate/rate_points.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "moecost/estimate/answer.h"
#include "moecost/traffic/traffic.h"

namespace moecost {
namespace {

/// A row by the names of its columns.
class RateRow {
  public:
    RateRow(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}
    [[nodiscard]] std::string text(std::string_view column) const {
        const auto c = table_.find_column(column);
        return c ? std::string(table_.text(row_, *c)) : std::string();
    }
    [[nodiscard]] double number(std::string_view column) const {
        const auto c = table_.find_column(column);
        return c ? table_.number(row_, *c).value_or(0) : 0;
    }

  private:
    const CsvTable& table_;
    std::size_t row_;
};

bool queued(const RateRow& r) { return r.text("scenario") == "Offline"; }

/// Why a row is left out; empty: it is predicted.
std::string left_out(const RateRow& r) {
    if (r.text("suspect") == "1") return "marked suspect in the table";
    if (r.number("tp") <= 0) return "parallel layout not recorded";
    if (r.number(queued(r) ? "tok_s_gpu" : "target_rate_rps") <= 0 || r.number("isl_mean") <= 0 ||
        r.number("osl_mean") <= 0)
        return "rate or lengths not recorded";
    return {};
}

/// A release by its first two numbers: the names of frameworks add builds and libraries.
std::string release_of(const RateRow& r) {
    std::string name = r.text("engine_version").empty() ? r.text("framework") : r.text("engine_version");
    std::size_t end = name.find('.');
    if (end != std::string::npos) end = name.find_first_not_of("0123456789", end + 1);
    return name.substr(0, end);
}

/// Requests of a queued run: those that the rules of MLPerf ask for (600 s at the expected rate and a tenth more), and no
/// fewer than end by the latency that 99 % keep, for all wait from the start.
double queued_requests(const RateRow& r) {
    constexpr double least_seconds = 660;
    const double seconds = std::max(least_seconds, r.number("e2e_p99_ms") * 1e-3);
    return std::max(r.number("min_query_count"), seconds * r.number("completed_rps"));
}

Description description_of(const RateRow& r) {
    Description d;
    d.model = r.text("model");
    d.gpu = r.text("gpu");
    d.engine = r.text("engine");
    const bool ranks = r.text("attention_dp_enabled") == "1";
    const auto degree = [&](std::string_view column) {
        return std::max(1, static_cast<int>(r.number(column)));
    };
    d.tp = ranks ? 1 : degree("tp");
    d.attention_dp = ranks ? degree("tp") : 1;
    d.pp = degree("pp");
    d.ep = degree("ep");
    const std::string weights = r.text("weight_dtype");
    d.weights = weights == "fp4" ? "nvfp4" : weights;
    d.kv = r.text("kv_dtype");
    d.isl = r.number("isl_mean");
    d.osl = r.number("osl_mean");
    d.usd_per_gpu_hour = 1;
    const double chunk = r.number("max_num_tokens");
    if (chunk > 0) d.chunk = chunk;
    if (r.number("max_batch") > 0) d.max_sequences = r.number("max_batch");
    if (queued(r))
        d.load = Offline{queued_requests(r) / std::max(r.number("instances"), 1.0)};
    else
        d.load = OpenLoop{r.number("target_rate_rps") / std::max(r.number("instances"), 1.0)};
    d.engine_version = release_of(r);
    return d;
}

/// What recipes go by.
MeasuredPoint point_of(const RateRow& r) {
    MeasuredPoint p;
    p.engine = r.text("engine");
    p.date = r.text("source_date");
    p.scenario = std::string("mlperf-").append(r.text("scenario"));
    p.gpus = r.number("num_gpus");
    p.id = r.text("id");
    p.model = r.text("model");
    p.gpu = r.text("gpu");
    if (r.number("tok_s_gpu") > 0) p.output_per_gpu = r.number("tok_s_gpu");
    return p;
}

/// The settings of the run that the table does not state.
void use(const RecipeSettings& recipe, Description& d) {
    if (!recipe.release.empty()) d.engine_version = recipe.release;
    if (d.kv.empty()) d.kv = recipe.cache;
    if (recipe.memory_fraction) d.memory_fraction = recipe.memory_fraction;
}

class RatePredictor {
  public:
    explicit RatePredictor(const DataStore& data)
        : data_(data), recipes_(data.open("hwmodels/measured", "recipes", "recipe file")) {}
    /// The server and the release of a row, or why it is left out.
    std::variant<PreparedPoint, std::string> prepare(const RateRow& r) {
        if (std::string reason = left_out(r); !reason.empty()) return reason;
        Description d = description_of(r);
        Expected<Scenario> s = Infeasible{};
        try {
            const RecipeSettings recipe =
                recipes_.settings(point_of(r), d.model, load_accelerator(data_, d.gpu).id);
            if (!recipe.left_out.empty()) return recipe.left_out;
            use(recipe, d);
            s = resolve(data_, d);
            if (!s) return std::string("infeasible: ").append(s.error().reason);
            if (recipe.output_reserve) s->pool().settings.output_reserve = *recipe.output_reserve;
            s->traffic.spread_as(load_traffic(data_, std::string("mlperf-").append(d.model)).shape);
        } catch (const InputError& e) {
            return std::string(e.what());
        }
        ServedNames names = served_names(*s, s->pool(), d.engine_version);
        return PreparedPoint{point_of(r), std::move(*s), std::move(names), 0};
    }
    /// The prediction, or why there is none.
    std::variant<RatePrediction, std::string> operator()(const RateRow& r) {
        const auto prepared = prepare(r);
        if (const auto* reason = std::get_if<std::string>(&prepared)) return *reason;
        const Scenario& s = std::get<PreparedPoint>(prepared).scenario;
        const Expected<Estimate> e = answer(s, {});
        if (!e) return std::string("infeasible: ").append(e.error().reason);
        return prediction(r, s, *e);
    }

  private:
    static RatePrediction prediction(const RateRow& r, const Scenario& s, const Estimate& e) {
        RatePrediction p{
            r.text("id"),           s.architecture.name,    s.pool().cluster.gpu.id, r.text("scenario"),
            r.text("weight_dtype"), r.number("tp"),         r.number("instances"),   0,
            e.latency->load,        e.simulation != nullptr};
        p.rate = std::get<OpenLoop>(s.traffic.load).rate;
        std::size_t i = 0;
        for (const Latency& l : {e.latency->ttft, e.latency->tpot}) {
            for (const Seconds time : {l.mean, l.p50(), l.p90(), l.p99()}) {
                p.predicted[i] = time.value() * 1e3;
                p.measured[i] = r.number(rate_figures[i]);
                ++i;
            }
        }
        return p;
    }
    const DataStore& data_;
    Recipes recipes_;
};

void predict_queue(RatePredictor& predict, const RateRow& r, RateValidation& v) {
    const auto prepared = predict.prepare(r);
    const auto* reason = std::get_if<std::string>(&prepared);
    std::variant<Prediction, std::string> result = reason != nullptr ? *reason : std::string();
    if (reason == nullptr) result = moecost::predict(std::get<PreparedPoint>(prepared));
    if (reason = std::get_if<std::string>(&result); reason != nullptr)
        ++v.skipped[*reason];
    else
        v.queues.push_back(std::move(std::get<Prediction>(result)));
}

RateErrors errors_of(std::string name, const std::vector<RatePrediction>& all,
                     const std::function<bool(const RatePrediction&)>& keep) {
    RateErrors e{std::move(name), 0, {}};
    for (const RatePrediction& p : all) e.rows += keep(p) ? 1 : 0;
    for (std::size_t i = 0; i < rate_figures.size(); ++i) {
        std::vector<double> ratios;
        for (const RatePrediction& p : all)
            if (keep(p) && p.ratio(i) > 0) ratios.push_back(p.ratio(i));
        e.figure[i] = summarise(std::move(ratios));
    }
    return e;
}

void add_queue_groups(RateValidation& v) {
    std::map<std::string, std::vector<double>> ratios;
    for (const Prediction& p : v.queues) {
        ratios["all"].push_back(p.throughput_ratio);
        ratios[std::string(p.model).append(", ").append(p.gpu)].push_back(p.throughput_ratio);
    }
    for (const auto& [name, values] : ratios)
        v.queue_groups.push_back({"queue", name, summarise(values), {}, {}});
}

void add_groups(RateValidation& v, std::string RatePrediction::*key) {
    std::set<std::string> names;
    for (const RatePrediction& p : v.predictions) names.insert(p.*key);
    for (const std::string& name : names)
        v.groups.push_back(
            errors_of(name, v.predictions, [&](const RatePrediction& p) { return p.*key == name; }));
}

}   // namespace

std::vector<PreparedPoint> offline_runs(const DataStore& data, const CsvTable& table) {
    std::vector<PreparedPoint> runs;
    RatePredictor predict(data);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const RateRow r(table, row);
        if (!queued(r)) continue;
        auto prepared = predict.prepare(r);
        if (auto* point = std::get_if<PreparedPoint>(&prepared)) runs.push_back(std::move(*point));
    }
    return runs;
}

bool is_rate_table(const CsvTable& table) { return table.find_column("target_rate_rps").has_value(); }

RateValidation validate_rates(const DataStore& data, const CsvTable& table) {
    for (const std::string_view needed :
         {"id", "gpu", "engine", "model", "scenario", "isl_mean", "osl_mean", "tp"})
        (void)table.column(needed);
    RateValidation v;
    RatePredictor predict(data);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        ++v.rows;
        const RateRow r(table, row);
        if (queued(r)) {
            predict_queue(predict, r, v);
            continue;
        }
        auto result = predict(r);
        if (auto* reason = std::get_if<std::string>(&result))
            ++v.skipped[*reason];
        else
            v.predictions.push_back(std::move(std::get<RatePrediction>(result)));
    }
    v.groups.push_back(errors_of("all", v.predictions, [](const RatePrediction&) { return true; }));
    add_groups(v, &RatePrediction::scenario);
    add_groups(v, &RatePrediction::model);
    add_groups(v, &RatePrediction::gpu);
    add_queue_groups(v);
    return v;
}

}   // namespace moecost
