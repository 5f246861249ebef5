// SPDX-License-Identifier: Apache-2.0
// Numerical functions of the laws: fast powers, p-norms, order statistics of the normal distribution.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/quantity.h"

namespace moecost {

/// log2(x) of a positive, finite, normal x; relative error of 2^result below 1e-11.
/// x = 2^e m with m in [sqrt(1/2), sqrt(2)); log2 m by the series of atanh((m-1)/(m+1)).
[[nodiscard]] inline double fast_log2(double x) {
    constexpr std::uint64_t sqrt_half_bits = 0x3fe6a09e667f3bcdULL;
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) - sqrt_half_bits;
    const auto exponent = static_cast<std::int64_t>(bits) >> 52;
    const double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) + sqrt_half_bits);
    const double s = (m - 1) / (m + 1);
    const double q = s * s;
    const double series =
        1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13))))));
    constexpr double two_over_ln2 = 2.8853900817779268147;
    return static_cast<double>(exponent) + two_over_ln2 * s * series;
}

/// 2^x for |x| < 1000; relative error below 1e-11. 2^x = 2^n exp(f ln 2), |f| <= 1/2, Taylor series.
[[nodiscard]] inline double fast_exp2(double x) {
    constexpr double shift = 6755399441055744.0;   // 1.5 * 2^52: adding it rounds to a whole number
    const double rounded = (x + shift) - shift;
    const double y = (x - rounded) * 0.69314718055994530942;
    constexpr double c[] = {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880};
    const double y2 = y * y;   // two interleaved Horner chains: half the latency
    const double even = 1 + y2 * (c[0] + y2 * (c[2] + y2 * (c[4] + y2 * c[6])));
    const double odd = 1 + y2 * (c[1] + y2 * (c[3] + y2 * (c[5] + y2 * c[7])));
    const double series = even + y * odd;
    const auto n = static_cast<std::int64_t>(rounded);
    return series * std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

/// Smallest whole number not below x, 0 <= x < 2^62; std::ceil is a library call without SSE4.1.
[[nodiscard]] inline double ceil_positive(double x) {
    const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
    return whole < x ? whole + 1 : whole;
}

/// A term of a p-norm below 2^-36 = 1.5e-11 of the largest changes nothing at the accuracy of these functions.
inline constexpr double negligible_exponent = -36;

/// (a^p + b^p)^(1/p) for a, b >= 0 and p > 0; p = infinity gives the maximum. Never below max(a, b).
/// The roofline with a soft corner: physics of a kernel whose compute and memory phases overlap imperfectly.
[[nodiscard]] inline double p_norm(double a, double b, double p) {
    const double high = std::max(a, b);
    const double low = std::min(a, b);
    if (low <= 0) return high;
    const double exponent = p * fast_log2(low / high);
    if (!(exponent > negligible_exponent)) return high;
    return high * fast_exp2(fast_log2(1 + fast_exp2(exponent)) / p);
}
/// The same of three terms.
[[nodiscard]] inline double p_norm(double a, double b, double c, double p) {
    const double high = std::max(std::max(a, b), c);
    if (high <= 0) return 0;
    double sum = 0;
    for (const double x : {a, b, c}) {
        if (x == high) {
            sum += 1;
        } else if (x > 0) {
            const double exponent = p * fast_log2(x / high);
            if (exponent > negligible_exponent) sum += fast_exp2(exponent);
        }
    }
    if (sum == 1) return high;
    return high * fast_exp2(fast_log2(sum) / p);
}
[[nodiscard]] inline Seconds p_norm(Seconds a, Seconds b, double p) {
    return Seconds{p_norm(a.value(), b.value(), p)};
}

/// Phi^-1(u), quantile of the standard normal, 0 < u < 1; absolute error below 1e-9 (Acklam 2003, one Halley step).
[[nodiscard]] double normal_quantile(double u);

/// Expected maximum of n independent standard normals by Blom's formula Phi^-1((n - 0.375)/(n + 0.25)); 0 for n <= 1.
/// Above the exact value by 0.026 at n = 2, 0.02 at 4, about 0.01 from 8 on (Blom 1958); the calibration uses this
/// form, so it is not refined here.
[[nodiscard]] double expected_max_normal(double n);

}  // namespace moecost
