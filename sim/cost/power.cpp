// SPDX-License-Identifier: Apache-2.0
#include "moecost/cost/power.h"

#include <algorithm>

namespace moecost {

double activity(const StepTime& step, const PowerLaw& law) {
    const Seconds work = step.compute_busy + step.memory_busy;
    if (step.total.value() <= 0 || work.value() <= 0) return 0;
    const double host = step.by_class[static_cast<std::size_t>(OpClass::host)] / step.total;
    const double links = step.by_class[static_cast<std::size_t>(OpClass::communication)] / step.total;
    const double kernels = std::clamp(1 - host - links, 0.0, 1.0);
    const double streams = std::min(1.0, step.memory_busy / step.total + links);
    return std::min(1.0, law.tensor_cores * kernels * (step.compute_busy / work) + law.memory * streams);
}

Watts power_of(const Serving& serving, const Accelerator& gpu, const PowerLaw& law) {
    const double p = serving.prefill_share;
    const double busy = serving.busy_share * (p * activity(serving.prompt_time, law) +
                                              (1 - p) * activity(serving.decode_time, law));
    return gpu.tdp * (gpu.idle_power_share + (1 - gpu.idle_power_share) * busy);
}

}   // namespace moecost
