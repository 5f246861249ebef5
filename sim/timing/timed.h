// SPDX-License-Identifier: Apache-2.0
// Seconds of one operation, split by what they are spent on. Every law of this room returns a Timed.
#pragma once

#include <algorithm>
#include <string_view>

#include "moecost/base/quantity.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

enum class Bound { compute, memory, network, floor };
[[nodiscard]] constexpr std::string_view name_of(Bound bound) {
    constexpr std::string_view names[] = {"compute", "memory", "network", "floor"};
    return names[static_cast<std::size_t>(bound)];
}

/// compute, memory and network overlap (their p-norm is the body); the floor is paid on top:
///   total = floor + body >= every single term.
struct Timed {
    Seconds compute;
    Seconds memory;
    Seconds network;
    Seconds floor;   // launch, fixed and per-sequence costs
    Seconds total;
    // Datasheet roofline of the same work, for utilisation and for the lower bound of `total`.
    Seconds ideal_compute;
    Seconds ideal_memory;
    Seconds ideal_total;
    Provenance provenance = Provenance::calibrated;

    /// The largest term.
    [[nodiscard]] constexpr Bound bound() const {
        const Seconds largest = std::max({compute, memory, network, floor});
        if (largest == memory) return Bound::memory;
        if (largest == compute) return Bound::compute;
        return largest == network ? Bound::network : Bound::floor;
    }
};

/// Every part takes `factor` times as long, but never less than the roofline.
[[nodiscard]] inline Timed stretched(Timed t, double factor) {
    t.compute = t.compute * factor;
    t.memory = t.memory * factor;
    t.network = t.network * factor;
    t.floor = t.floor * factor;
    t.total = std::max(t.total * factor, t.ideal_total);
    return t;
}

[[nodiscard]] constexpr Provenance in_range(bool inside) {
    return inside ? Provenance::calibrated : Provenance::extrapolated;
}

}   // namespace moecost
