// SPDX-License-Identifier: Apache-2.0
// Numbers as text, independent of locale: fixed digits, significant digits, shortest round-trip.
#pragma once

#include <string>
#include <string_view>

namespace moecost {

/// Fixed-point with `digits` decimals: fixed(3.14159, 2) == "3.14".
std::string fixed(double value, int digits);
/// `digits` significant digits without exponent for everyday magnitudes: significant(0.012345, 3) == "0.0123".
std::string significant(double value, int digits);
/// Shortest text that reads back as the same double.
std::string shortest(double value);
/// The value with that many significant digits: rounded(0.123456, 3) == 0.123.
double rounded(double value, int digits);
/// Digits grouped by comma: grouped(46702792704) == "46,702,792,704".
std::string grouped(long long value);
/// Seconds as "12.3 us", "4.56 ms" or "7.89 s", three significant digits.
std::string duration(double seconds);
/// Bytes as "123 MB", "45.6 GB", "1.34 TB", three significant digits (decimal units).
std::string byte_size(double bytes);

/// Pads on the left (right-aligns) or on the right (left-aligns) to `width` columns.
std::string align_right(std::string_view text, std::size_t width);
std::string align_left(std::string_view text, std::size_t width);

}   // namespace moecost
