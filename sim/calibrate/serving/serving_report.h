// SPDX-License-Identifier: Apache-2.0
// Constants, effects and spreads from served points in one go, with the leave-out table that judges them.
#pragma once

#include <string>
#include <vector>

#include "moecost/calibrate/serving/serving_fit.h"

namespace moecost {

/// Errors and coverage of nominal 80 % intervals of one way to leave rows out; throughput also of 90 % ones.
struct JudgedErrors {
    std::string what;
    ErrorSummary throughput, tpot, ttft;
    double covered_throughput = 0, covered_tpot = 0, covered_ttft = 0;   // shares
    double covered_throughput_90 = 0;
};

struct ServingReport {
    ServingFit fit;
    EffectTable effects;
    std::vector<JudgedErrors> judged;
};
/// Fits, pools, and leaves out: a row's (engine, GPU, model), its model, its GPU, both of these, its release; in sample
/// without and with effects. Spreads are scaled so that intervals of left-out groups cover 80 %; those of a model or a GPU
/// without a row, and of both, grow until they do too. `queued`: offline runs of releases that
/// are fitted to nothing (offline_runs); each gives an effect of its own, shrunk by what is not known of its deployment.
[[nodiscard]] ServingReport serving_report(const DataStore& data, const std::vector<MeasuredPoint>& points,
                                           const ServingFitOptions& options,
                                           std::vector<PreparedPoint> queued = {});

}   // namespace moecost
