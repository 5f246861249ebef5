// SPDX-License-Identifier: Apache-2.0
// Profiles and accelerators written as the files that profile.h and accelerator.h read.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

/// A file of hwmodels/engines/profiles; reading it back gives the same profile up to the fifteenth digit.
[[nodiscard]] std::string toml_of(const Profile& profile, std::string_view date);

/// An accelerator file that carries its own engine profile in the table [profile]. `sources` says where each group of
/// figures comes from: peak_tflops, memory, compute, scale_up, scale_out, power.
[[nodiscard]] std::string toml_of(const Accelerator& accelerator,
                                  const std::vector<std::pair<std::string, std::string>>& sources,
                                  const Profile& profile, std::string_view date);

}   // namespace moecost
