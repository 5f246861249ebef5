// SPDX-License-Identifier: Apache-2.0
// Fits a loss law to training runs: Huber cost on log residuals, many starts, bootstrap intervals, held-out error, and
// warnings where the data do not decide. The result depends on data and options alone, never on threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "moecost/law/fit_data.h"

namespace moecost {

struct FitOptions {
    LossForm form = LossForm::chinchilla;
    SizeMeaning size = SizeMeaning::total;
    double delta =
        1e-3;             // of the Huber cost in ln L (Hoffmann et al. 2022); large values give least squares
    double n_ref = 1e8;   // unit of N in the form `yun` (its formula is not invariant to it)
    double experts = 0;   // E of all runs, for a form without this axis; 0: not stated
    double active_share = 0;   // of N, for a form without this axis; 0: not stated
    unsigned starts = 64;
    unsigned bootstrap = 200;   // resamples of the rows; 0: none
    double level = 0.95;        // of the intervals: how often they hold the true value
    unsigned folds = 5;         // of the held-out error; below 2: none
    std::uint64_t seed = 1;
    unsigned threads = 1;
    std::function<void(std::size_t done, std::size_t all)> progress;   // called by one thread at a time
};

/// One coefficient. Interval and standard error (half of the middle 68 %) are those of the bootstrap; equal ends: there
/// is none, since no resamples were asked for or the data do not identify the coefficient. Where the data decide one
/// end alone (the ends of a two-sided interval lie a factor of 100 apart), the interval is one-sided at the same level:
/// E_max from `low` to infinity, an amplitude from 0 to `high`.
struct FittedCoefficient {
    std::string name;
    double value = 0;   // infinite: an E_max that the data do not show
    double low = 0;
    double high = 0;
    double standard_error = 0;
    bool identified = true;
    bool one_sided = false;
    [[nodiscard]] bool interval() const { return low < high; }
};

struct Fit {
    // With the resampled parameters as samples; without resamples, with the covariance of least squares, which spans
    // identified directions alone.
    Law law;
    std::vector<FittedCoefficient> estimates;
    std::size_t rows = 0;
    std::size_t parameters = 0;
    std::size_t rank = 0;
    double cost = 0;         // sum of the Huber cost
    double rmsle = 0;        // root mean square of ln residuals
    double r2 = 0;           // of ln L
    double held_out = 0;     // RMSLE over rows left out, all folds together; 0: none
    unsigned agreeing = 0;   // polished starts that ended within 1 % of the least cost
    unsigned polished = 0;
    std::vector<std::string> warnings;
};

/// The unit of N that a form is fitted with by default: what its paper counts.
[[nodiscard]] SizeMeaning usual_size(LossForm form);
/// Whether the N of its paper holds the embeddings; what a fit states about its N.
[[nodiscard]] bool usual_embeddings(LossForm form);

/// InputError: fewer rows than parameters + 1, or no start gives a finite loss.
[[nodiscard]] Fit fit_law(const TrainingRuns& runs, const FitOptions& options);

}   // namespace moecost
