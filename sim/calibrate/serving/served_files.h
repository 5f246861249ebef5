// SPDX-License-Identifier: Apache-2.0
// The files that served points give: hwmodels/serving.toml, hwmodels/effects.toml, and a person's own effects.
#pragma once

#include <string>
#include <vector>

#include "moecost/calibrate/serving/constants.h"
#include "moecost/hardware/profile/effects.h"

namespace moecost {

/// hwmodels/serving.toml with these values, to 4 digits.
[[nodiscard]] std::string serving_toml(const LawConstants& law, const std::vector<FittedConstant>& fitted,
                                       const std::vector<double>& values, const std::string& date,
                                       const std::string& source);
/// hwmodels/effects.toml.
[[nodiscard]] std::string effects_toml(const EffectTable& table, const std::string& date);
/// A file of own effects for `estimate --profile`.
[[nodiscard]] std::string own_effects_toml(const std::vector<Effect>& effects, const std::string& date,
                                           const std::string& source);

}   // namespace moecost
