// SPDX-License-Identifier: Apache-2.0
// Partial pooling of served points: how much of what a law misses belongs to the engine on an accelerator, the model, both,
// the group and the release.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "moecost/hardware/profile/effects.h"

namespace moecost {

/// y = ln(measured/predicted time) of one served point; `curve` is the same for points that differ in load alone.
struct PooledPoint {
    ServedNames names;
    std::string curve;
    double y = 0;
};

/// Standard deviations of the levels of each kind, of curves and of points.
struct PooledSpread {
    std::array<double, effect_kinds> of{};
    double curve = 0;
    double point = 0;
};

/// y = engine_gpu + model + engine_model + group + version + curve + point, each normal about zero: the best linear
/// unbiased prediction of every level with points, with its standard deviation. Points of a curve, curves of a version and
/// versions of a group enter as means of their precision; the four wider kinds are solved together.
[[nodiscard]] std::vector<Effect> pooled_effects(const std::vector<PooledPoint>& points,
                                                 const PooledSpread& spread);

/// The spreads that the points themselves show: points within curves, curves within versions and versions within groups by
/// pooled squares about their means, the wider kinds by expectation maximisation. |y| is cut at `cut` first, so that a
/// few broken runs do not widen them for all.
[[nodiscard]] PooledSpread pooled_spread(std::vector<PooledPoint> points, double cut);

}   // namespace moecost
