// SPDX-License-Identifier: Apache-2.0
#include "moecost/validate/validate.h"

#include <array>

namespace moecost {
namespace {

std::string concurrency_band(const MeasuredPoint& p) {
    if (!p.concurrency) return "not stated";
    const double n = *p.concurrency;
    return n <= 8     ? "  1 to   8"
           : n <= 32  ? "  9 to  32"
           : n <= 64  ? " 33 to  64"
           : n <= 128 ? " 65 to 128"
                      : "above 128";
}

ErrorGroup group_errors(std::string dimension, std::string name,
                        const std::vector<const Prediction*>& members) {
    std::vector<double> throughput, tpot, ttft;
    for (const Prediction* p : members) {
        if (p->throughput_ratio > 0) throughput.push_back(p->throughput_ratio);
        if (p->tpot_ratio > 0) tpot.push_back(p->tpot_ratio);
        if (p->ttft_ratio > 0) ttft.push_back(p->ttft_ratio);
    }
    return {std::move(dimension), std::move(name), summarise(std::move(throughput)),
            summarise(std::move(tpot)), summarise(std::move(ttft))};
}

void add_groups(Validation& v, const std::string& dimension,
                const std::function<std::string(const Prediction&)>& key) {
    std::map<std::string, std::vector<const Prediction*>> members;
    for (const Prediction& p : v.predictions) members[key(p)].push_back(&p);
    for (const auto& [name, rows] : members) v.groups.push_back(group_errors(dimension, name, rows));
}

void add_combinations(Validation& v) {
    std::map<std::array<std::string, 3>, std::vector<const Prediction*>> members;
    for (const Prediction& p : v.predictions) members[{p.point.model, p.gpu, p.point.engine}].push_back(&p);
    for (const auto& [key, rows] : members) {
        v.combinations.push_back({key[0], key[1], key[2], group_errors("combination", {}, rows)});
    }
}

void add_errors(Validation& v) {
    std::vector<const Prediction*> all;
    for (const Prediction& p : v.predictions) all.push_back(&p);
    v.overall = group_errors("all", "all", all);
    add_groups(v, "scenario", [](const Prediction& p) { return p.point.scenario; });
    add_groups(v, "model", [](const Prediction& p) { return p.point.model; });
    add_groups(v, "gpu", [](const Prediction& p) { return p.gpu; });
    add_groups(v, "engine", [](const Prediction& p) { return p.point.engine; });
    add_groups(v, "concurrency", [](const Prediction& p) { return concurrency_band(p.point); });
    add_combinations(v);
}

}   // namespace

Validation validate(const DataStore& data, const std::vector<MeasuredPoint>& points,
                    const std::function<bool(const MeasuredPoint&)>& keep, const std::string& profile) {
    Validation v;
    Predictor predictor(data, profile);
    for (const MeasuredPoint& point : points) {
        if (!keep(point)) continue;
        ++v.rows;
        if (point.suspect) {
            ++v.suspect;
            ++v.skipped["marked suspect in the table"];
            continue;
        }
        auto result = predictor.predict(point);
        if (auto* reason = std::get_if<std::string>(&result))
            ++v.skipped[*reason];
        else
            v.predictions.push_back(std::move(std::get<Prediction>(result)));
    }
    add_errors(v);
    return v;
}

Validation validation_of(std::vector<Prediction> predictions) {
    Validation v;
    v.rows = predictions.size();
    v.predictions = std::move(predictions);
    add_errors(v);
    return v;
}

}   // namespace moecost
