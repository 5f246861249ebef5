// SPDX-License-Identifier: Apache-2.0
// Times a prepared case on the device: launches queue behind a latch, events bracket them, and clock counters of the
// multiprocessors against the global timer give the clock they ran at.
#pragma once

#include <functional>
#include <memory>

#include "host/bench.h"

namespace microbench {

/// A sampler of `prepared`, `operations` calls to a launch. Holds stream, events and graph until the function is gone.
/// SkipCase when the latch has to give up because the launch queue is full.
[[nodiscard]] std::function<Sample()> make_sampler(std::shared_ptr<Prepared> prepared, double operations);

/// Launches between two events: at least every operand copy once, and so many that they take `least_us` together,
/// so that starting them weighs little; never more than `most` unless the copies ask for it.
[[nodiscard]] constexpr int launches_for(double one_us, int copies, double least_us = 400, int most = 1000) {
    const double wanted = one_us > 0 ? least_us / one_us : most;
    const int batch = wanted < most ? static_cast<int>(wanted) + 1 : most;
    const int rounds = (batch + copies - 1) / copies;   // whole rounds of the copies: each is equally cold
    return rounds * copies;
}

}   // namespace microbench
