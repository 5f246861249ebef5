// SPDX-License-Identifier: Apache-2.0
// What a running design has found so far, and how models join it. Inner header of the design room.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "moecost/design/design.h"
#include "moecost/design/solve.h"

namespace moecost {

struct Wanted {
    std::size_t combination = 0;
    double size = 0;
};

/// Everything that a design has found so far.
struct Search {
    const DesignSpace& space;
    const DesignGoal& goal;
    const TableOptions& options;
    DesignAnswer answer;
    std::map<int, Infeasible> not_built;   // why the last model of so many experts that can not be is none
    std::optional<std::size_t> base;       // the model that sets the loss
    std::map<std::pair<std::size_t, int>, double>
        training_rates;       // by combination and power of two of the size
    std::size_t listed = 0;   // combinations of the lists; later ones are there for comparison alone

    [[nodiscard]] bool stopped() const { return options.stop != nullptr && *options.stop; }
};

/// Whether two models have the same shape; the sizes that were asked for may differ.
[[nodiscard]] bool same(const DesignModel& a, const DesignModel& b);
/// Prices models and joins them to the answer; those that are there already are left out.
void add_models(Search& search, std::vector<DesignModel> models);
/// The same for sizes; what can not be built is remembered.
void add_sizes(Search& search, const std::vector<Wanted>& wanted);
/// The place of a combination in the answer, added where it is new. Models of combinations that no list holds are no
/// candidates.
[[nodiscard]] std::size_t place_of(Search& search, const DesignCombination& combination, bool& candidate);

/// Adds the dense models and the best mixtures at which the compute of a rung of the curve runs out; they compete. None where
/// sizes are not refined.
void add_iso_models(Search& search, const DesignLimits& limits);
/// Fills iso_loss and dense_at_20 from the models that are there.
void add_iso_loss(Search& search, const DesignLimits& limits);

}   // namespace moecost
