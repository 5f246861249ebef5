// SPDX-License-Identifier: Apache-2.0
// Units as types: a double that carries its dimension, so that bytes never meet seconds by accident.
// Bytes / (bytes per second) = seconds; whatever has no physical meaning does not compile.
#pragma once

#include <compare>

namespace moecost {

/// Exponents of the base dimensions: byte, floating-point operation, second, US dollar, token, joule.
template <int ByteExp, int FlopExp, int SecondExp, int DollarExp, int TokenExp, int JouleExp>
struct Dim {};

/// A number with a dimension; SI units inside (B, FLOP, s, USD, token, J), GB is 10^9 bytes.
template <class D>
class Quantity {
  public:
    constexpr Quantity() = default;
    explicit constexpr Quantity(double v) : value_(v) {}
    /// The bare number in SI units; for printing and for the inside of a law whose header states the units.
    [[nodiscard]] constexpr double value() const { return value_; }

    constexpr auto operator<=>(const Quantity&) const = default;
    constexpr Quantity& operator+=(Quantity o) {
        value_ += o.value_;
        return *this;
    }
    constexpr Quantity& operator-=(Quantity o) {
        value_ -= o.value_;
        return *this;
    }
    constexpr Quantity& operator*=(double s) {
        value_ *= s;
        return *this;
    }
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.value_ + b.value_}; }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.value_ - b.value_}; }
    friend constexpr Quantity operator-(Quantity a) { return Quantity{-a.value_}; }
    friend constexpr Quantity operator*(Quantity a, double s) { return Quantity{a.value_ * s}; }
    friend constexpr Quantity operator*(double s, Quantity a) { return Quantity{a.value_ * s}; }
    friend constexpr Quantity operator/(Quantity a, double s) { return Quantity{a.value_ / s}; }
    friend constexpr double operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }

  private:
    double value_ = 0;
};

template <int... A, int... B>
constexpr auto operator*(Quantity<Dim<A...>> a, Quantity<Dim<B...>> b) {
    return Quantity<Dim<(A + B)...>>{a.value() * b.value()};
}
template <int... A, int... B>
constexpr auto operator/(Quantity<Dim<A...>> a, Quantity<Dim<B...>> b) {
    return Quantity<Dim<(A - B)...>>{a.value() / b.value()};
}

template <class D>
constexpr Quantity<D> max(Quantity<D> a, Quantity<D> b) {
    return a < b ? b : a;
}
template <class D>
constexpr Quantity<D> min(Quantity<D> a, Quantity<D> b) {
    return b < a ? b : a;
}

using Bytes = Quantity<Dim<1, 0, 0, 0, 0, 0>>;
using Flop = Quantity<Dim<0, 1, 0, 0, 0, 0>>;
using Seconds = Quantity<Dim<0, 0, 1, 0, 0, 0>>;
using Dollars = Quantity<Dim<0, 0, 0, 1, 0, 0>>;
using Tokens = Quantity<Dim<0, 0, 0, 0, 1, 0>>;
using Joules = Quantity<Dim<0, 0, 0, 0, 0, 1>>;

using BytesPerSecond = Quantity<Dim<1, 0, -1, 0, 0, 0>>;
using FlopPerSecond = Quantity<Dim<0, 1, -1, 0, 0, 0>>;
using TokensPerSecond = Quantity<Dim<0, 0, -1, 0, 1, 0>>;
using PerSecond = Quantity<Dim<0, 0, -1, 0, 0, 0>>;
using Watts = Quantity<Dim<0, 0, -1, 0, 0, 1>>;
using BytesPerToken = Quantity<Dim<1, 0, 0, 0, -1, 0>>;
using DollarsPerSecond = Quantity<Dim<0, 0, -1, 1, 0, 0>>;
using DollarsPerToken = Quantity<Dim<0, 0, 0, 1, -1, 0>>;
using JoulesPerToken = Quantity<Dim<0, 0, 0, 0, -1, 1>>;

inline constexpr double gib = 1073741824.0;

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long v) { return Bytes{static_cast<double>(v)}; }
constexpr Bytes operator""_GB(long double v) { return Bytes{static_cast<double>(v) * 1e9}; }
constexpr Bytes operator""_GB(unsigned long long v) { return Bytes{static_cast<double>(v) * 1e9}; }
constexpr Bytes operator""_GiB(long double v) { return Bytes{static_cast<double>(v) * gib}; }
constexpr Bytes operator""_GiB(unsigned long long v) { return Bytes{static_cast<double>(v) * gib}; }
constexpr BytesPerSecond operator""_GB_per_s(unsigned long long v) {
    return BytesPerSecond{static_cast<double>(v) * 1e9};
}
constexpr BytesPerSecond operator""_TB_per_s(long double v) {
    return BytesPerSecond{static_cast<double>(v) * 1e12};
}
constexpr FlopPerSecond operator""_TFLOP_per_s(long double v) {
    return FlopPerSecond{static_cast<double>(v) * 1e12};
}
constexpr Seconds operator""_s(long double v) { return Seconds{static_cast<double>(v)}; }
constexpr Seconds operator""_ms(long double v) { return Seconds{static_cast<double>(v) * 1e-3}; }
constexpr Seconds operator""_us(long double v) { return Seconds{static_cast<double>(v) * 1e-6}; }
}   // namespace literals

}   // namespace moecost
