// SPDX-License-Identifier: Apache-2.0
// Where fits start: exponents drawn from the range that published laws have, amplitudes such that the terms share the
// median loss of the data.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "moecost/law/robust.h"

namespace moecost {

/// Uniform numbers that are the same on every platform.
class Draw {
  public:
    explicit Draw(std::uint64_t seed) : engine_(seed) {}
    double between(double low, double high) { return low + (high - low) * unit(); }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(unit() * static_cast<double>(n)); }

  private:
    double unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
    std::mt19937_64 engine_;
};

/// The middle of the data.
struct Centre {
    Variables<double> at;
    double loss = 0;
};
[[nodiscard]] Centre centre_of(const std::vector<Observation>& rows);

/// Coefficients to start from; `c` comes with the constants of the form and keeps them.
void draw_start(LossForm form, const Centre& centre, Draw& draw, std::array<double, max_coefficients>& c);

}   // namespace moecost
