// SPDX-License-Identifier: Apache-2.0
// Kernels of an accelerator that nobody timed, from those of its relative (Accelerator::relative).
//
// Within one generation the multiprocessors are the same but for their tensor cores, which export parts and small dies have
// capped. A kernel takes the time of its products, at the share c that products alone reach, and time beside them: loads, synchronisation,
// epilogues. The latter stays what it is for so many FLOP of a multiprocessor, so the share of the peak changes:
//   1/e' = 1/c + rho (1/e - 1/c),   rho = (peak/multiprocessors)' / (peak/multiprocessors of the relative)
// e: share of the peak on the relative (`compute` of its tables), e >= c stays. A capped part (rho < 1) comes nearer to its peak: an H20
// (rho 0.25) reaches 0.92 in large GEMMs where an H800 reaches 0.71 (InferSim kernel tables, 2026-05). Across generations nothing
// of this is known, and shares are taken over.
#pragma once

#include <string_view>

#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

class DataStore;

/// e' above: share of the peak, 0 to 1.
[[nodiscard]] double share_on_relative(double share, double rate_ratio, double ceiling);

/// The profile of an engine on an accelerator; one that is borrowed from a relative of the same maker and generation with its
/// shares of the peak as above. InputError: no profile of the engine fits.
[[nodiscard]] Profile load_profile(const DataStore& data, const Accelerator& gpu, std::string_view engine);

}   // namespace moecost
