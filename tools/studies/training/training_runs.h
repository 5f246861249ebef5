// SPDX-License-Identifier: Apache-2.0
// Published training runs (results/training/published_runs.csv) beside what the laws of training say of the same layout.
#pragma once

#include <string>
#include <vector>

#include "moecost/base/csv.h"
#include "moecost/base/data.h"
#include "moecost/training/training.h"

namespace training_runs {

/// One run and everything that a prediction of it needs.
struct Run {
    std::string name, gpu, kind, format;
    moecost::Architecture architecture;
    moecost::Cluster cluster;
    moecost::Profile profile;
    moecost::Precision precision;
    moecost::TrainingLayout layout;
    moecost::TrainingTask task;
    double published = 0;   // tokens/s of a GPU
    bool stated = true;     // the layout was published; else it is searched for, and the run judges nothing
};

/// Rows of the table; models are names of the library or files under `root`.
[[nodiscard]] std::vector<Run> read_published(const moecost::DataStore& data, const moecost::CsvTable& table,
                                              const std::string& root);

/// The step as published: its layout is taken as it stands, memory is not asked. A layout that was not published is the best
/// of the search.
[[nodiscard]] moecost::Expected<moecost::TrainingStep> predicted(const Run& run,
                                                                 const moecost::TrainingConstants& constants);

/// The constants with the sustained shares that make the median of |ln(predicted/published)| least over all runs of a stated
/// layout but one (none: -1).
[[nodiscard]] moecost::TrainingConstants fitted_without(const std::vector<Run>& runs,
                                                        moecost::TrainingConstants constants, int left_out);

/// predicted/published of each run, by constants fitted to the others.
[[nodiscard]] std::vector<double> judged(const std::vector<Run>& runs,
                                         const moecost::TrainingConstants& constants);

[[nodiscard]] double median(std::vector<double> values);

}   // namespace training_runs
