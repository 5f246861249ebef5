// SPDX-License-Identifier: Apache-2.0
// Numerical functions of the laws: fast powers, p-norms, order statistics of the normal distribution.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "moecost/base/quantity.h"

namespace moecost {

/// Tables of the fast powers: 1/c and log2 c at the lower ends c of 128 intervals of [1, 2), and 2^(i/128).
struct PowerTables {
    double reciprocal[128];
    double log2[128];
    double exp2[128];
};
extern const PowerTables power_tables;

/// log2(x) of a positive, finite, normal x; absolute error below 1e-12.
/// x = 2^e m, m = c (1 + r) with c the lower end of the interval of m, 0 <= r < 2^-7; log2(1 + r) by its series.
[[nodiscard]] inline double fast_log2(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
    const std::size_t i = (bits >> 45) & 127;
    const double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);
    const double r = m * power_tables.reciprocal[i] - 1;
    constexpr double inverse_ln2 = 1.4426950408889634074;
    const double r2 = r * r;   // terms in pairs: a chain of products is what a processor waits for
    const double series = r * ((1 - r * (1.0 / 2)) + r2 * ((1.0 / 3 - r * (1.0 / 4)) + r2 * (1.0 / 5)));
    return static_cast<double>(exponent) + power_tables.log2[i] + inverse_ln2 * series;
}

/// 2^x for |x| < 1000; relative error below 1e-12. x = n + i/128 + f, |f| <= 1/256; exp(f ln 2) by its series.
[[nodiscard]] inline double fast_exp2(double x) {
    constexpr double shift = 52776558133248.0;   // 1.5 * 2^45: adding it rounds to a multiple of 1/128
    const double shifted = x + shift;
    const double y = (x - (shifted - shift)) * 0.69314718055994530942;
    const auto step =
        std::bit_cast<std::int64_t>(shifted) - std::bit_cast<std::int64_t>(shift);   // 128 n + i
    const double y2 = y * y;
    const double series = (1 + y) + y2 * ((1.0 / 2 + y * (1.0 / 6)) + y2 * (1.0 / 24));
    const auto scale = static_cast<std::uint64_t>((step >> 7) + 1023) << 52;
    return series * power_tables.exp2[step & 127] * std::bit_cast<double>(scale);
}

/// log2(1 + 2^x) in pieces of a quarter over [negligible_exponent, 0], each its Taylor series at the middle.
struct SoftMaximum {
    static constexpr int pieces = 145;   // the last begins at 0
    double series[pieces][8];
};
extern const SoftMaximum soft_maximum;

/// A term of a p-norm below 2^-36 = 1.5e-11 of the largest changes nothing at the accuracy of these functions.
inline constexpr double negligible_exponent = -36;

/// log2(1 + 2^x), negligible_exponent < x <= 0; absolute error below 1e-12. The nearest singularity of the function is pi/ln 2
/// = 4.5 off the real line, so that the eighth power of 1/36 is what a series leaves out.
[[nodiscard]] inline double soft_maximum_of(double x) {
    const double y = 4 * (x - negligible_exponent);
    const int i = static_cast<int>(y);
    const double f = (y - i - 0.5) / 4;
    const double f2 = f * f;
    const double* c = soft_maximum.series[i];
    return ((c[0] + c[1] * f) + f2 * (c[2] + c[3] * f)) +
           f2 * f2 * ((c[4] + c[5] * f) + f2 * (c[6] + c[7] * f));
}

/// Smallest whole number not below x, 0 <= x < 2^62; std::ceil is a library call without SSE4.1.
[[nodiscard]] inline double ceil_positive(double x) {
    const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
    return whole < x ? whole + 1 : whole;
}

/// (a^p + b^p)^(1/p) for a, b >= 0 and p > 0; p = infinity gives the maximum. Never below max(a, b).
/// The roofline with a soft overlap_exponent: physics of a kernel whose compute and memory phases overlap imperfectly.
[[nodiscard]] inline double p_norm(double a, double b, double p) {
    const double high = std::max(a, b);
    const double low = std::min(a, b);
    if (low <= 0) return high;
    const double exponent = p * fast_log2(low / high);
    if (!(exponent > negligible_exponent)) return high;
    return high * fast_exp2(soft_maximum_of(exponent) / p);
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

}   // namespace moecost
