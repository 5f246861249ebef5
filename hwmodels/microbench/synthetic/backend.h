// SPDX-License-Identifier: Apache-2.0
// The back end without a device whose truth is known: times by the laws of sim/timing with the constants of a profile,
// plus noise. Tables made with it are what a fit must find those constants in again.
#pragma once

#include "host/measure.h"
#include "host/options.h"
#include "moecost/base/data.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/hardware/profile/profile.h"

namespace microbench {

/// Noise-free time of a case in microseconds, floor as of an isolated kernel. SkipCase where the profile has no table
/// for it or the operation has no law (memory, launch, small operations).
[[nodiscard]] double law_us(const Case& c, const moecost::Accelerator& accelerator,
                            const moecost::Profile& profile);

/// Samples law_us * exp(noise z) with z standard normal, a function of case and sample number. Its clock is the sum of the
/// samples, 0.5 ms each at least, and of 0.15 s for every case, one without a law included.
[[nodiscard]] Backend synthetic_backend(const moecost::Accelerator& accelerator,
                                        const moecost::Profile& profile, double noise);

/// By --synthetic (a profile file or its name, such as h100_sxm-vllm), --noise and --device.
[[nodiscard]] Backend synthetic_backend(const Options& options);

}   // namespace microbench
