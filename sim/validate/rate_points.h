// SPDX-License-Identifier: Apache-2.0
// Published runs at a rate with percentiles (MLPerf Server and Interactive) beside what is predicted for them.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/csv.h"
#include "moecost/base/data.h"
#include "moecost/validate/validate.h"

namespace moecost {

/// A table of runs at a rate: it has a column target_rate_rps.
[[nodiscard]] bool is_rate_table(const CsvTable& table);

/// Figures that a row states and a prediction answers, in the order of the table's columns.
inline constexpr std::array<std::string_view, 8> rate_figures = {
    "ttft_mean_ms", "ttft_p50_ms", "ttft_p90_ms", "ttft_p99_ms",
    "tpot_mean_ms", "tpot_p50_ms", "tpot_p90_ms", "tpot_p99_ms"};

struct RatePrediction {
    std::string id, model, gpu, scenario, weights;
    double tp = 1, instances = 1;
    double rate = 0;   // requests/s of an instance
    double load = 0;   // over the capacity that is predicted
    bool simulated = false;
    std::array<double, rate_figures.size()> measured{}, predicted{};   // ms; 0: not stated
    [[nodiscard]] double ratio(std::size_t figure) const {
        return measured[figure] > 0 && predicted[figure] > 0 ? predicted[figure] / measured[figure] : 0;
    }
};

struct RateErrors {
    std::string name;
    std::size_t rows = 0;
    std::array<ErrorSummary, rate_figures.size()> figure;
};

struct RateValidation {
    std::size_t rows = 0;
    std::vector<RatePrediction> predictions;
    std::vector<Prediction> queues;               // runs without arrivals, judged by throughput
    std::map<std::string, std::size_t> skipped;   // reason -> rows
    std::vector<RateErrors> groups;               // all, then by scenario, model, gpu
    std::vector<ErrorGroup> queue_groups;         // all, then by model and gpu together
};

/// Every row at a rate whose layout is recorded and that is not suspect; lengths spread as the traffic mlperf-MODEL with
/// the row's means; the closed form where it holds, else the simulation (answer.h). The target rate is shared evenly by
/// the instances. Queues by offline_runs().
[[nodiscard]] RateValidation validate_rates(const DataStore& data, const CsvTable& table);

/// The rows of such a table that ran a queue without arrivals (MLPerf Offline): the same servers, judged by throughput
/// alone. What they teach of a release is known when its rows at a rate are predicted (moecost calibrate --serving-rows).
[[nodiscard]] std::vector<PreparedPoint> offline_runs(const DataStore& data, const CsvTable& table);

}   // namespace moecost
