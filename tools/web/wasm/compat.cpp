// SPDX-License-Identifier: Apache-2.0
#if defined(__EMSCRIPTEN__) && _LIBCPP_VERSION < 16000
#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <cmath>
#include <string>

namespace std {   // NOLINT: what the standard puts there
namespace {

to_chars_result copy_chars(char* first, char* last, const std::string& text) {
    if (static_cast<std::size_t>(last - first) < text.size()) return {last, errc::value_too_large};
    return {std::copy(text.begin(), text.end(), first), errc{}};
}

std::string scientific_of(const std::string& digits, int exponent) {
    std::string s(digits.substr(0, 1));
    if (digits.size() > 1) s.append(".").append(digits.substr(1));
    s.append(exponent < 0 ? "e-" : "e+");
    if (exponent > -10 && exponent < 10) s.append("0");
    return s.append(std::to_string(exponent < 0 ? -exponent : exponent));
}

/// A whole number shows all its digits, as the standard says; `lowest` is the exponent of the last digit.
std::string fixed_of(double value, const std::string& digits, int exponent, int lowest) {
    if (lowest >= 0) return fmt::format("{:.0f}", value);
    if (exponent < 0)
        return std::string("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    return std::string(digits, 0, whole).append(".").append(digits, whole);
}

}   // namespace

from_chars_result from_chars(const char* first, const char* last, double& value) {
    const auto r = fast_float::from_chars(first, last, value);
    return {r.ptr, r.ec};
}

to_chars_result to_chars(char* first, char* last, double value, chars_format format, int precision) {
    const char* how = format == chars_format::fixed        ? "{:.{}f}"
                      : format == chars_format::scientific ? "{:.{}e}"
                                                           : "{:.{}g}";
    return copy_chars(first, last, fmt::format(fmt::runtime(how), value, precision));
}

to_chars_result to_chars(char* first, char* last, double value) {
    if (!std::isfinite(value)) return copy_chars(first, last, fmt::format("{}", value));
    if (value == 0) return copy_chars(first, last, std::signbit(value) ? "-0" : "0");
    const double size = std::abs(value);
    const auto decimal = fmt::detail::dragonbox::to_decimal(size);
    const std::string digits = std::to_string(decimal.significand);
    const int exponent = decimal.exponent + static_cast<int>(digits.size()) - 1;
    const std::string scientific = scientific_of(digits, exponent);
    const std::string fixed = fixed_of(size, digits, exponent, decimal.exponent);
    const std::string& shorter = fixed.size() <= scientific.size() ? fixed : scientific;
    return copy_chars(first, last, std::string(value < 0 ? "-" : "").append(shorter));
}

}   // namespace std
#endif
