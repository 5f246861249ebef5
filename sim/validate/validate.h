// SPDX-License-Identifier: Apache-2.0
// Predictions against published measurements: every row that can be predicted, error tables, and what was skipped.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "moecost/measured/predict.h"

namespace moecost {

struct ErrorGroup {
    std::string dimension;   // model, gpu, engine, scenario, concurrency
    std::string name;
    ErrorSummary throughput, tpot, ttft;
};

/// Errors of one model on one accelerator under one engine.
struct MeasuredCombination {
    std::string model, gpu, engine;
    ErrorGroup errors;
};

struct Validation {
    std::size_t rows = 0;      // read and kept by the filter
    std::size_t suspect = 0;   // of them marked suspect: left out
    std::vector<Prediction> predictions;
    std::map<std::string, std::size_t> skipped;   // reason -> rows
    ErrorGroup overall;
    std::vector<ErrorGroup> groups;   // by scenario, model, gpu, engine, concurrency
    std::vector<MeasuredCombination> combinations;
};

/// Runs over all points that `keep` accepts.
[[nodiscard]] Validation validate(const DataStore& data, const std::vector<MeasuredPoint>& points,
                                  const std::function<bool(const MeasuredPoint&)>& keep,
                                  const std::string& profile = {});
/// The same over predictions that were made elsewhere.
[[nodiscard]] Validation validation_of(std::vector<Prediction> predictions);

}   // namespace moecost
