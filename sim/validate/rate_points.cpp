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

/// Why a row is left out; empty: it is predicted.
std::string left_out(const RateRow& r) {
    if (r.text("scenario") != "Server" && r.text("scenario") != "Interactive") return "not at a rate";
    if (r.text("suspect") == "1") return "marked suspect in the table";
    if (r.number("tp") <= 0) return "parallel layout not recorded";
    if (r.number("target_rate_rps") <= 0 || r.number("isl_mean") <= 0 || r.number("osl_mean") <= 0)
        return "rate or lengths not recorded";
    return {};
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
    d.load = OpenLoop{r.number("target_rate_rps") / std::max(r.number("instances"), 1.0)};
    return d;
}

class RatePredictor {
  public:
    explicit RatePredictor(const DataStore& data) : data_(data) {}
    /// The prediction, or why there is none.
    std::variant<RatePrediction, std::string> operator()(const RateRow& r) {
        if (std::string reason = left_out(r); !reason.empty()) return reason;
        const Description d = description_of(r);
        Expected<Scenario> s = Infeasible{};
        try {
            s = resolve(data_, d);
            if (!s) return std::string("infeasible: ").append(s.error().reason);
            s->traffic.shape = load_traffic(data_, std::string("mlperf-").append(d.model)).shape;
        } catch (const InputError& e) {
            return std::string(e.what());
        }
        const Expected<Estimate> e = answer(*s, {});
        if (!e) return std::string("infeasible: ").append(e.error().reason);
        return prediction(r, *s, *e);
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
};

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

void add_groups(RateValidation& v, std::string RatePrediction::*key) {
    std::set<std::string> names;
    for (const RatePrediction& p : v.predictions) names.insert(p.*key);
    for (const std::string& name : names)
        v.groups.push_back(
            errors_of(name, v.predictions, [&](const RatePrediction& p) { return p.*key == name; }));
}

}   // namespace

bool is_rate_table(const CsvTable& table) { return table.find_column("target_rate_rps").has_value(); }

RateValidation validate_rates(const DataStore& data, const CsvTable& table) {
    for (const std::string_view needed :
         {"id", "gpu", "engine", "model", "scenario", "isl_mean", "osl_mean", "tp"})
        (void)table.column(needed);
    RateValidation v;
    RatePredictor predict(data);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        ++v.rows;
        auto result = predict(RateRow(table, row));
        if (auto* reason = std::get_if<std::string>(&result))
            ++v.skipped[*reason];
        else
            v.predictions.push_back(std::move(std::get<RatePrediction>(result)));
    }
    v.groups.push_back(errors_of("all", v.predictions, [](const RatePrediction&) { return true; }));
    add_groups(v, &RatePrediction::scenario);
    add_groups(v, &RatePrediction::model);
    add_groups(v, &RatePrediction::gpu);
    return v;
}

}   // namespace moecost
