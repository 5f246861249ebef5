// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/format.h"

#include <array>
#include <charconv>
#include <cmath>

namespace moecost {
namespace {

std::string print(double value, std::chars_format format, int precision) {
    if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    std::array<char, 400> buffer{};
    const auto r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, precision);
    return {buffer.data(), r.ptr};
}

std::string scaled(double value, double unit, std::string_view name) {
    return significant(value / unit, 3).append(" ").append(name);
}

}   // namespace

std::string fixed(double value, int digits) { return print(value, std::chars_format::fixed, digits); }

std::string significant(double value, int digits) {
    if (value == 0 || !std::isfinite(value)) return print(value, std::chars_format::fixed, 0);
    int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
    // Rounding may carry into a new digit: 9.996 with three digits is 10.0.
    if (std::abs(value) >= (10 - 5 * std::pow(10, -digits)) * std::pow(10, exponent)) ++exponent;
    if (exponent > 11 || exponent < -6) return print(value, std::chars_format::scientific, digits - 1);
    const int decimals = digits - 1 - exponent;
    return fixed(value, decimals < 0 ? 0 : decimals);
}

std::string shortest(double value) {
    std::array<char, 64> buffer{};
    const auto r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), r.ptr};
}

double rounded(double value, int digits) {
    if (value == 0 || !std::isfinite(value)) return value;
    const std::string text = print(value, std::chars_format::scientific, digits - 1);
    double result = value;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
}

std::string grouped(long long value) {
    std::string digits = std::to_string(value);
    const std::size_t first = value < 0 ? 1 : 0;
    for (std::size_t i = digits.size(); i > first + 3;) {
        i -= 3;
        digits.insert(i, 1, ',');
    }
    return digits;
}

std::string duration(double seconds) {
    const double magnitude = std::abs(seconds);
    if (magnitude < 0.5e-9) return "0 us";   // what is left of an exponential, not a time
    // A unit ends where its three digits would read 1000.
    if (magnitude < 0.9995e-3) return scaled(seconds, 1e-6, "us");
    if (magnitude < 0.9995) return scaled(seconds, 1e-3, "ms");
    return scaled(seconds, 1, "s");
}

std::string byte_size(double bytes) {
    const double magnitude = std::abs(bytes);
    if (magnitude < 0.9995e3) return scaled(bytes, 1, "B");
    if (magnitude < 0.9995e6) return scaled(bytes, 1e3, "kB");
    if (magnitude < 0.9995e9) return scaled(bytes, 1e6, "MB");
    if (magnitude < 0.9995e12) return scaled(bytes, 1e9, "GB");
    return scaled(bytes, 1e12, "TB");
}

std::string align_right(std::string_view text, std::size_t width) {
    std::string s(width > text.size() ? width - text.size() : 0, ' ');
    return s.append(text);
}

std::string align_left(std::string_view text, std::size_t width) {
    std::string s(text);
    if (s.size() < width) s.append(width - s.size(), ' ');
    return s;
}

}   // namespace moecost
