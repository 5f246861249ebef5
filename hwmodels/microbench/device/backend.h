// SPDX-License-Identifier: Apache-2.0
// The back end that times on a CUDA device. Nothing of the device is ever set: clocks, power and modes stay as they are.
#pragma once

#include "host/measure.h"

namespace microbench {

/// Device 0 of those that CUDA shows (CUDA_VISIBLE_DEVICES chooses). NoDevice when there is none, with the reason.
[[nodiscard]] Backend cuda_backend();

}   // namespace microbench
