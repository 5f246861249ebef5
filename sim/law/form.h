// SPDX-License-Identifier: Apache-2.0
// The forms of validation-loss laws: names, coefficients, and each formula once, for numbers and for derivatives.
// Letters are those of the papers. ln N and ln D enter as logarithms; Ehat is the saturating number of experts.
#pragma once

#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <span>
#include <string_view>

#include "moecost/law/dual.h"

namespace moecost {

inline constexpr std::size_t max_coefficients = 12;

enum class LossForm {
    chinchilla,
    yun,
    joint_moe,
    clark,
    krajewski,
    abnar,
    zhao,
    kaplan,
    power_n,
    power_d,
    leverage
};

/// Where a coefficient may lie; a fit moves ln x, ln(-x) or ln(x - E_start), so that it stays there.
enum class Domain { above_zero, below_zero, free, above_e_start, constant };

struct CoefficientInfo {
    std::string_view name;
    Domain domain = Domain::above_zero;
};

/// What a law depends on besides N.
struct Axes {
    bool n = true;
    bool d = false;
    bool experts = false;       // E
    bool granularity = false;   // G
    bool active = false;        // A, share that is active
    bool shared = false;        // S, share of shared experts
};

struct FormInfo {
    LossForm form;
    std::string_view name;
    std::string_view formula;
    Axes axes;
    std::size_t count = 0;
    std::array<CoefficientInfo, max_coefficients> coefficients{};
};

/// Every form, in the order of the enum.
[[nodiscard]] std::span<const FormInfo> loss_forms();
[[nodiscard]] const FormInfo& info(LossForm form);
[[nodiscard]] std::optional<LossForm> loss_form_named(std::string_view name);

template <class V>
struct Variables {
    V ln_n{};
    V ln_d{};
    V experts{};       // E >= 1
    V granularity{};   // G > 0
    V active{};        // A in (0, 1]
    V shared{};        // S in [0, 1]
};

/// 1/Ehat = 1/(x - x0 + 1/(1/start - 1/most)) + 1/most: start at x = x0, most in the limit (Clark et al. 2022, Eq. 1b).
template <class X, class C>
auto saturated(const X& x, double x0, const C& start, const C& most) {
    const auto reach = x - x0 + 1.0 / (1.0 / start - 1.0 / most);
    return 1.0 / (1.0 / reach + 1.0 / most);
}

namespace forms {

using std::exp;
using std::log;

/// L = E + A N^-alpha + B D^-beta
template <class C, class V>
auto chinchilla(const C* c, const Variables<V>& v) {
    return c[0] + c[1] * exp(-c[3] * v.ln_n) + c[2] * exp(-c[4] * v.ln_d);
}

/// ln L = ln(A N^-alpha + B Ehat^-beta + C D^-gamma + F) + d ln(N/N_ref) ln Ehat (Yun et al. 2024, Eq. 4)
template <class C, class V>
auto yun(const C* c, const Variables<V>& v) {
    const auto e = log(saturated(v.experts, 1, c[8], c[9]));
    const auto sum = c[0] * exp(-c[1] * v.ln_n) + c[2] * exp(-c[3] * e) + c[4] * exp(-c[5] * v.ln_d) + c[6];
    return sum * exp(c[7] * (v.ln_n - log(c[10])) * e);
}

/// L = a Ehat^delta N^(alpha + gamma ln Ehat) + b Ehat^omega D^(beta + zeta ln Ehat) + c (Ludziejewski 2025, Eq. 6)
template <class C, class V>
auto joint_moe(const C* c, const Variables<V>& v) {
    const auto e = log(saturated(v.experts, 1, c[8], c[9]));
    const auto size = c[0] * exp(c[2] * e + (c[1] + c[3] * e) * v.ln_n);
    const auto data = c[4] * exp(c[6] * e + (c[5] + c[7] * e) * v.ln_d);
    return size + data + c[10];
}

/// log10 L = a log10 N + b log10 Ehat + c log10 N log10 Ehat + d (Clark et al. 2022, Eq. 1)
template <class C, class V>
auto clark(const C* c, const Variables<V>& v) {
    constexpr double ln10 = std::numbers::ln10;
    const auto n = v.ln_n / ln10;
    const auto e = log(saturated(v.experts, 1, c[4], c[5])) / ln10;
    return exp(ln10 * (c[0] * n + c[1] * e + c[2] * n * e + c[3]));
}

/// L = c + (g G^-gamma + a) N^-alpha + b D^-beta (Krajewski et al. 2024, Eq. 9)
template <class C, class V>
auto krajewski(const C* c, const Variables<V>& v) {
    const auto fine = c[4] * exp(-c[5] * log(v.granularity)) + c[0];
    return c[6] + fine * exp(-c[1] * v.ln_n) + c[2] * exp(-c[3] * v.ln_d);
}

/// L = a N^-alpha + b D^-beta + c A^-lambda + d A^-delta N^-gamma + e, A = 1 - sparsity (Abnar et al. 2025, Eq. 6)
template <class C, class V>
auto abnar(const C* c, const Variables<V>& v) {
    const auto share = log(v.active);
    return c[0] * exp(-c[1] * v.ln_n) + c[2] * exp(-c[3] * v.ln_d) + c[4] * exp(-c[5] * share) +
           c[6] * exp(-c[7] * share - c[8] * v.ln_n) + c[9];
}

/// L = (e G + f/G + m S^2 + n S)(N^-alpha + k Na^-alpha + h Na/N) + a N^-alpha + b D^-beta + c Na^-alpha + eps,
/// Na = A N (Zhao et al. 2025)
template <class C, class V>
auto zhao(const C* c, const Variables<V>& v) {
    const auto& g = v.granularity;
    const auto& s = v.shared;
    const auto total = exp(-c[7] * v.ln_n);
    const auto used = exp(-c[7] * (v.ln_n + log(v.active)));
    const auto shape = c[0] * g + c[1] / g + c[2] * s * s + c[3] * s;
    return shape * (total + c[4] * used + c[5] * v.active) + c[6] * total + c[8] * exp(-c[9] * v.ln_d) +
           c[10] * used + c[11];
}

/// L = ((Nc/N)^(alphaN/alphaD) + Dc/D)^alphaD (Kaplan et al. 2020, Eq. 1.5)
template <class C, class V>
auto kaplan(const C* c, const Variables<V>& v) {
    return exp(c[1] * log(exp(c[0] / c[1] * (log(c[2]) - v.ln_n)) + exp(log(c[3]) - v.ln_d)));
}

/// L = (Xc/X)^alpha for ln X
template <class C, class V>
auto power(const C* c, const V& ln_x) {
    return exp(c[0] * (log(c[1]) - ln_x));
}

/// The loss by that form; c are its coefficients in the order of info(form). `leverage` has none: NaN.
template <class C, class V>
auto loss(LossForm form, const C* c, const Variables<V>& v) {
    using Result = decltype(chinchilla(c, v));
    switch (form) {
        case LossForm::chinchilla:
            return Result(chinchilla(c, v));
        case LossForm::yun:
            return Result(yun(c, v));
        case LossForm::joint_moe:
            return Result(joint_moe(c, v));
        case LossForm::clark:
            return Result(clark(c, v));
        case LossForm::krajewski:
            return Result(krajewski(c, v));
        case LossForm::abnar:
            return Result(abnar(c, v));
        case LossForm::zhao:
            return Result(zhao(c, v));
        case LossForm::kaplan:
            return Result(kaplan(c, v));
        case LossForm::power_n:
            return Result(power(c, v.ln_n));
        case LossForm::power_d:
            return Result(power(c, v.ln_d));
        case LossForm::leverage:
            break;
    }
    return Result(std::nan(""));
}

}   // namespace forms
}   // namespace moecost
