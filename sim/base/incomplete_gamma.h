// SPDX-License-Identifier: Apache-2.0
// Tails of the Gamma distribution.
#pragma once

namespace moecost {

/// Q(a, x) = Gamma(a, x)/Gamma(a), the share of a Gamma distribution of shape a and rate 1 above x; a > 0, x >= 0. By its
/// series below a + 1, by Lentz' continued fraction above (Abramowitz and Stegun 6.5.29, 6.5.31); to about 1e-12 for
/// a up to 1e4.
[[nodiscard]] double upper_gamma_share(double a, double x);

}   // namespace moecost
