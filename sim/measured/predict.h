// SPDX-License-Identifier: Apache-2.0
// A measured row as the scenario that it was taken on, and what is predicted for it: for validate, which judges, and for
// calibrate, which fits.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "moecost/estimate/estimate.h"
#include "moecost/measured/measured.h"

namespace moecost {

/// Prediction of one row beside its measurement; a ratio is predicted/measured, 0 where one of both is missing.
struct Prediction {
    MeasuredPoint point;
    std::string model;   // name in the library
    std::string gpu;
    double output_per_gpu = 0;   // tokens/s
    double tpot_s = 0;
    double ttft_s = 0;
    double throughput_ratio = 0;
    double tpot_ratio = 0;
    double ttft_ratio = 0;
    Provenance provenance = Provenance::calibrated;
    double ttft_p99_ratio = 0;
    double tpot_p99_ratio = 0;
    LogSpread spread;    // that the answer states
    double beyond = 0;   // share of its time outside the fitted ranges of the kernels
    ServedClass served;
    ServedNames names;
    double model_years = 0;
};

struct ErrorSummary {
    std::size_t rows = 0;
    double median_ape = 0;   // absolute percentage error as a fraction
    double mean_ape = 0;
    double median_ratio = 0;
    double within_10_percent = 0;
    double within_20_percent = 0;
};
[[nodiscard]] ErrorSummary summarise(std::vector<double> ratios);

/// A measured row as the scenario that it was taken on.
struct PreparedPoint {
    MeasuredPoint point;
    Scenario scenario;
    ServedNames names;
    double model_years = 0;   // on the day of the row; 0: not known
};
/// Runs the scenario and compares. Percentiles only where the row has them.
[[nodiscard]] std::variant<Prediction, std::string> predict(const PreparedPoint& prepared);

/// Predicts rows one by one; loads each model and profile once.
class Predictor {
  public:
    /// With an own profile of `moecost calibrate --serving` where `profile` names its file.
    explicit Predictor(const DataStore& data, std::string profile = {});
    /// The scenario of a row, or the reason why there is none.
    [[nodiscard]] std::variant<PreparedPoint, std::string> prepare(const MeasuredPoint& point);
    [[nodiscard]] std::variant<Scenario, std::string> scenario(const MeasuredPoint& point);
    /// The prediction, or the reason why there is none.
    [[nodiscard]] std::variant<Prediction, std::string> predict(const MeasuredPoint& point);
    /// The deployment a row describes, as `estimate` would be asked. Empty text, or why it cannot be told.
    [[nodiscard]] std::string describe_point(const MeasuredPoint& point, Description& description) const;

  private:
    const Expected<Scenario>& base_scenario(const Description& description);
    const DataStore& data_;
    std::string profile_;
    Recipes recipes_;
    std::map<std::string, Expected<Scenario>> scenarios_;
};

}   // namespace moecost
