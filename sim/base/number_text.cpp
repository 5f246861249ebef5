// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/number_text.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace moecost {
namespace {

constexpr int digits = 6;
constexpr double ten_to_digits = 1e6;
constexpr int table_reach = 40;

/// 10^-40 .. 10^40.
struct PowersOfTen {
    std::array<double, 2 * table_reach + 1> values{};
    PowersOfTen() {
        for (int e = -table_reach; e <= table_reach; ++e) {
            values[static_cast<std::size_t>(e + table_reach)] = std::pow(10.0, e);
        }
    }
    [[nodiscard]] double operator()(int e) const { return values[static_cast<std::size_t>(e + table_reach)]; }
};
const PowersOfTen power_of_ten;

char* write_integer(char* to, std::int64_t value) {
    return std::to_chars(to, to + longest_figure, value).ptr;
}

/// `figures` is a whole number of six digits that stands for d.ddddd x 10^exponent.
char* write_fixed(char* to, std::uint32_t figures, int exponent) {
    std::array<char, digits> text{};
    for (int i = digits - 1; i >= 0; --i) {
        text[static_cast<std::size_t>(i)] = static_cast<char>('0' + figures % 10);
        figures /= 10;
    }
    int last = digits;
    while (last > 1 && text[static_cast<std::size_t>(last - 1)] == '0') --last;
    const auto copy = [&](int from, int end) {
        const auto n = static_cast<std::size_t>(end - from);
        std::memcpy(to, text.data() + from, n);
        to += n;
    };
    const auto zeros = [&](int n) {
        for (int i = 0; i < n; ++i) *to++ = '0';
    };
    if (exponent < 0) {
        *to++ = '0';
        *to++ = '.';
        zeros(-exponent - 1);
        copy(0, last);
    } else if (last <= exponent + 1) {
        copy(0, last);
        zeros(exponent + 1 - last);
    } else {
        copy(0, exponent + 1);
        *to++ = '.';
        copy(exponent + 1, last);
    }
    return to;
}

}   // namespace

char* write_figure(char* to, double value) {
    if (!std::isfinite(value)) return to;
    const double magnitude = std::abs(value);
    if (magnitude < 1e15) {
        const auto whole = static_cast<std::int64_t>(value);
        if (static_cast<double>(whole) == value) return write_integer(to, whole);
    }
    if (magnitude < 1e-5 || magnitude >= 1e15) {
        return std::to_chars(to, to + longest_figure, value, std::chars_format::scientific, digits - 1).ptr;
    }
    if (value < 0) *to++ = '-';
    const auto binary =
        static_cast<int>(std::bit_cast<std::uint64_t>(magnitude) >> 52) - 1023;   // normal, positive
    int exponent = (binary * 77) / 256;   // log10(2) = 77.06/256: at most one too low or too high
    if (magnitude < power_of_ten(exponent))
        --exponent;
    else if (magnitude >= power_of_ten(exponent + 1))
        ++exponent;
    auto figures = static_cast<std::uint32_t>(magnitude * power_of_ten(digits - 1 - exponent) + 0.5);
    if (figures >= static_cast<std::uint32_t>(ten_to_digits)) {
        figures /= 10;
        ++exponent;
    }
    return write_fixed(to, figures, exponent);
}

}   // namespace moecost
