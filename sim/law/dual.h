// SPDX-License-Identifier: Apache-2.0
// Forward-mode derivatives: a value and its K partial derivatives, carried through +, -, *, /, exp and log.
// One formula then gives the loss, its gradient and the Jacobian of a fit, and they can not disagree.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace moecost {

template <std::size_t K>
struct Dual {
    double value = 0;
    std::array<double, K> partial{};

    Dual() = default;
    Dual(double v) : value(v) {}   // NOLINT: a constant is a Dual without partials
    /// The i-th independent variable.
    static Dual variable(double v, std::size_t i) {
        Dual x(v);
        x.partial[i] = 1;
        return x;
    }
};

/// f(x) with f' given: the chain rule.
template <std::size_t K>
Dual<K> chain(const Dual<K>& x, double f, double slope) {
    Dual<K> y(f);
    for (std::size_t i = 0; i < K; ++i) y.partial[i] = slope * x.partial[i];
    return y;
}
/// value with partials a * x' + b * y'.
template <std::size_t K>
Dual<K> chain(const Dual<K>& x, const Dual<K>& y, double value, double a, double b) {
    Dual<K> z(value);
    for (std::size_t i = 0; i < K; ++i) z.partial[i] = a * x.partial[i] + b * y.partial[i];
    return z;
}

template <std::size_t K>
Dual<K> operator-(const Dual<K>& x) {
    return chain(x, -x.value, -1);
}
template <std::size_t K>
Dual<K> operator+(const Dual<K>& x, const Dual<K>& y) {
    return chain(x, y, x.value + y.value, 1, 1);
}
template <std::size_t K>
Dual<K> operator+(const Dual<K>& x, double y) {
    return chain(x, x.value + y, 1);
}
template <std::size_t K>
Dual<K> operator+(double x, const Dual<K>& y) {
    return chain(y, x + y.value, 1);
}
template <std::size_t K>
Dual<K> operator-(const Dual<K>& x, const Dual<K>& y) {
    return chain(x, y, x.value - y.value, 1, -1);
}
template <std::size_t K>
Dual<K> operator-(const Dual<K>& x, double y) {
    return chain(x, x.value - y, 1);
}
template <std::size_t K>
Dual<K> operator-(double x, const Dual<K>& y) {
    return chain(y, x - y.value, -1);
}
template <std::size_t K>
Dual<K> operator*(const Dual<K>& x, const Dual<K>& y) {
    return chain(x, y, x.value * y.value, y.value, x.value);
}
template <std::size_t K>
Dual<K> operator*(const Dual<K>& x, double y) {
    return chain(x, x.value * y, y);
}
template <std::size_t K>
Dual<K> operator*(double x, const Dual<K>& y) {
    return chain(y, x * y.value, x);
}
template <std::size_t K>
Dual<K> operator/(const Dual<K>& x, const Dual<K>& y) {
    const double q = x.value / y.value;
    return chain(x, y, q, 1 / y.value, -q / y.value);
}
template <std::size_t K>
Dual<K> operator/(const Dual<K>& x, double y) {
    return chain(x, x.value / y, 1 / y);
}
template <std::size_t K>
Dual<K> operator/(double x, const Dual<K>& y) {
    const double q = x / y.value;
    return chain(y, q, -q / y.value);
}
template <std::size_t K>
Dual<K> exp(const Dual<K>& x) {
    const double e = std::exp(x.value);
    return chain(x, e, e);
}
template <std::size_t K>
Dual<K> log(const Dual<K>& x) {
    return chain(x, std::log(x.value), 1 / x.value);
}

}   // namespace moecost
