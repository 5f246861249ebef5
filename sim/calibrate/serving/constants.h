// SPDX-License-Identifier: Apache-2.0
// The serving constants that are fitted, by the keys of hwmodels/serving.toml: which, between which bounds, of which engine.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/robust_least_squares.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

/// What a constant is judged by: speed (throughput and time per token) or the first token.
enum class FitStage { steps, first_token };

struct FittedConstant {
    std::string engine;   // empty: one value for all
    std::string key;
    FitStage stage{};
    Bounds bounds;   // in the unit of the file
    double usual =
        0;   // what is known of it without these rows, +- width in ln (or in itself where it is linear)
    double width = 0;   // 0: nothing is
};
/// hwmodels/calibrate/serving.toml: the list, in its order.
[[nodiscard]] std::vector<FittedConstant> load_fitted_constants(const DataStore& data);

/// A constant by its key, in the unit of the file. std::logic_error: no such key.
[[nodiscard]] double constant_named(const ServingConstants& constants, std::string_view key);
void set_constant(ServingConstants& constants, std::string_view key, double value);

/// The constants of each engine with values in place of the fitted ones.
[[nodiscard]] std::vector<ServedEngine> with_values(const LawConstants& law,
                                                    const std::vector<FittedConstant>& fitted,
                                                    std::span<const double> values);
/// The values that stand in the data files.
[[nodiscard]] std::vector<double> values_in(const LawConstants& law,
                                            const std::vector<FittedConstant>& fitted);

}   // namespace moecost
