// SPDX-License-Identifier: Apache-2.0
// The serving constants from served points, and how well they predict what they have not seen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "moecost/calibrate/serving/constants.h"
#include "moecost/calibrate/serving/effect_fit.h"
#include "moecost/measured/predict.h"

namespace moecost {

/// Points that the constants are fitted to, a group of n weighing n^(3/4): closed loops and offline runs of at most `most_gpus` GPUs, no drafting, on
/// accelerators with kernels of their own.
struct ServingRows {
    std::vector<PreparedPoint> points;
    std::vector<double> weight;   // of each in the fit; 0: judged alone
    std::vector<PreparedPoint>
        others;   // never fitted: other loads, and accelerators with the kernels of another maker
    std::vector<std::string> left_out;   // reason of each row that is not among them
};
[[nodiscard]] ServingRows serving_rows(const DataStore& data, const std::vector<MeasuredPoint>& points);

/// Ratios predicted over measured of a point, and its class.
struct ScoredPoint {
    double throughput = 0, tpot = 0, ttft = 0;   // 0: not both known
    double log_effect = 0;                       // that was applied
    LogSpread spread;                            // that was stated
    LogSpread closed;                            // that of a closed loop of the same class
    double beyond = 0;                           // share of its time outside the fitted ranges of the kernels
};

struct ServingFit {
    std::vector<FittedConstant> constants;
    std::vector<double> values;
    std::vector<double> standard_errors;   // of ln value, or of a linear one
    std::vector<ScoredPoint> in_sample;    // of the rows, without effects
};
struct ServingFitOptions {
    int iterations = 12;
    std::function<void(const std::string& stage, double cost)> progress{};
};
/// Soft-L1 least squares of ln(predicted/measured): throughput, and TPOT at tpot_weight, of the steps; then of TTFT.
[[nodiscard]] ServingFit fit_serving(const LawConstants& law, std::vector<FittedConstant> constants,
                                     ServingRows& rows, const ServingFitOptions& options);

/// A prediction under these constants and what is known of its class; sets both in the scenario.
[[nodiscard]] ScoredPoint score_with(const std::vector<ServedEngine>& engines, PreparedPoint& point,
                                     const ServedClass& known);
/// The same for points that differ in load alone.
[[nodiscard]] std::string curve_of(const PreparedPoint& point);

/// Predictions of every row with the class it belongs to (`key`) left out of constants and effects: the constants move by
/// one Gauss-Newton step from the fit of all rows. Version effects are never applied.
/// What the rows say beyond the constants: ln(predicted/measured throughput) of closed loops, as time.
[[nodiscard]] std::vector<PooledPoint> pooled_points(const ServingRows& rows,
                                                     const std::vector<ScoredPoint>& scores);

struct LeftOut {
    std::string what;
    std::vector<ScoredPoint> points;   // as the rows
};
using RowKey = std::function<std::string(const PreparedPoint&)>;
/// Whether a row is left out with the class of the judged one.
using RowPair = std::function<bool(const PreparedPoint& judged, const PreparedPoint& row)>;
struct ServingJudge {
    ServingJudge(const LawConstants& law, ServingFit fit, ServingRows& rows);
    /// `with_it`: rows that are left out beside those of the class.
    [[nodiscard]] LeftOut leave_out(std::string what, const RowKey& key, bool with_effects,
                                    const EffectTable& spreads, const RowPair& with_it = {});
    /// Effects of all rows, applied to them.
    [[nodiscard]] LeftOut in_sample(std::string what, bool with_versions, const EffectTable& spreads);

    LawConstants law;
    ServingFit fit;
    ServingRows& rows;

  private:
    std::vector<double> jacobian_;    // of ln throughput, then of ln TTFT, by row and constant
    std::vector<double> residuals_;   // the same
    std::vector<double> weights_;     // of the reweighted squares
};

}   // namespace moecost
