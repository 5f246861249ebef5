// SPDX-License-Identifier: Apache-2.0
// The datasheet roofline: no operation is faster than its own FLOP, bytes and messages at peak.
#pragma once

#include "moecost/ops/operation.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/timed.h"

namespace moecost {

/// total = max(FLOP/peak, bytes/bandwidth, message/link): the ideal profile, and the lower bound of every other.
[[nodiscard]] inline Timed roofline(const Work& work, const CalibratedHardware& machine) {
    Timed t;
    t.compute = work.flop / machine.peak(work.unit);
    t.memory = work.memory() / machine.memory_bandwidth();
    if (work.message.value() > 0) t.network = work.message / machine.link_bandwidth();
    t.total = max(max(t.compute, t.memory), t.network);
    t.ideal_compute = t.compute;
    t.ideal_memory = t.memory;
    t.ideal_total = t.total;
    return t;
}

/// Raises a calibrated time to the roofline of its own work: tables timed with warm caches may promise more than
/// the datasheet.
inline void raise_to_roofline(Timed& calibrated, const Timed& ideal) {
    calibrated.compute = max(calibrated.compute, ideal.compute);
    calibrated.memory = max(calibrated.memory, ideal.memory);
    calibrated.network = max(calibrated.network, ideal.network);
    calibrated.total = max(calibrated.total, ideal.total);
    calibrated.ideal_compute = ideal.compute;
    calibrated.ideal_memory = ideal.memory;
    calibrated.ideal_total = ideal.total;
}

}   // namespace moecost
