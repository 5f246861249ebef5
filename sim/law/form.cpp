// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/form.h"

namespace moecost {
namespace {

constexpr Domain pos = Domain::above_zero;
constexpr Domain neg = Domain::below_zero;
constexpr Domain any = Domain::free;
constexpr CoefficientInfo e_start{"E_start", pos};
constexpr CoefficientInfo e_max{"E_max", Domain::above_e_start};

constexpr Axes size_data{.d = true};
constexpr Axes size_data_experts{.d = true, .experts = true};

// Coefficients whose sign decides whether more parameters or tokens help are bounded; interactions are free.
constexpr FormInfo table[] = {
    {LossForm::chinchilla,
     "chinchilla",
     "L = E + A N^-alpha + B D^-beta",
     size_data,
     5,
     {{{"E", pos}, {"A", pos}, {"B", pos}, {"alpha", pos}, {"beta", pos}}}},
    {LossForm::yun,
     "yun",
     "ln L = ln(A N^-alpha + B Ehat^-beta + C D^-gamma + F) + d ln(N/N_ref) ln Ehat",
     size_data_experts,
     11,
     {{{"A", pos},
       {"alpha", pos},
       {"B", pos},
       {"beta", pos},
       {"C", pos},
       {"gamma", pos},
       {"F", pos},
       {"d", any},
       e_start,
       e_max,
       {"N_ref", Domain::constant}}}},
    {LossForm::joint_moe,
     "joint-moe",
     "L = a Ehat^delta N^(alpha + gamma ln Ehat) + b Ehat^omega D^(beta + zeta ln Ehat) + c",
     size_data_experts,
     11,
     {{{"a", pos},
       {"alpha", neg},
       {"delta", any},
       {"gamma", any},
       {"b", pos},
       {"beta", neg},
       {"omega", any},
       {"zeta", any},
       e_start,
       e_max,
       {"c", pos}}}},
    {LossForm::clark,
     "clark",
     "log10 L = a log10 N + b log10 Ehat + c log10 N log10 Ehat + d",
     {.experts = true},
     6,
     {{{"a", neg}, {"b", any}, {"c", any}, {"d", any}, e_start, e_max}}},
    {LossForm::krajewski,
     "krajewski",
     "L = c + (g G^-gamma + a) N^-alpha + b D^-beta",
     {.d = true, .granularity = true},
     7,
     {{{"a", pos}, {"alpha", pos}, {"b", pos}, {"beta", pos}, {"g", pos}, {"gamma", pos}, {"c", pos}}}},
    {LossForm::abnar,
     "abnar",
     "L = a N^-alpha + b D^-beta + c A^-lambda + d A^-delta N^-gamma + e",
     {.d = true, .active = true},
     10,
     {{{"a", pos},
       {"alpha", pos},
       {"b", pos},
       {"beta", pos},
       {"c", pos},
       {"lambda", any},
       {"d", pos},
       {"delta", any},
       {"gamma", pos},
       {"e", pos}}}},
    {LossForm::zhao,
     "zhao",
     "L = (e G + f/G + m S^2 + n S)(N^-alpha + k Na^-alpha + h Na/N) + a N^-alpha + b D^-beta + c Na^-alpha "
     "+ eps",
     {.d = true, .granularity = true, .active = true, .shared = true},
     12,
     {{{"e", pos},
       {"f", pos},
       {"m", any},
       {"n", any},
       {"k", pos},
       {"h", pos},
       {"a", pos},
       {"alpha", pos},
       {"b", pos},
       {"beta", pos},
       {"c", pos},
       {"eps", pos}}}},
    {LossForm::kaplan,
     "kaplan",
     "L = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D",
     size_data,
     4,
     {{{"alpha_N", pos}, {"alpha_D", pos}, {"N_c", pos}, {"D_c", pos}}}},
    {LossForm::power_n, "power-n", "L = (N_c/N)^alpha", {}, 2, {{{"alpha", pos}, {"N_c", pos}}}},
    {LossForm::power_d,
     "power-d",
     "L = (D_c/D)^alpha",
     {.n = false, .d = true},
     2,
     {{{"alpha", pos}, {"D_c", pos}}}},
    {LossForm::leverage,
     "leverage",
     "C_dense/C_moe = Ahat^(a + d log10 C + gamma (log2 G)^2 + beta log2 G)",
     {.n = false, .granularity = true, .active = true},
     6,
     {{{"a", any},
       {"d", any},
       {"gamma", any},
       {"beta", any},
       {"A_start", pos},
       {"A_max", Domain::above_e_start}}}},
};

}   // namespace

std::span<const FormInfo> loss_forms() { return table; }

const FormInfo& info(LossForm form) { return table[static_cast<std::size_t>(form)]; }

std::optional<LossForm> loss_form_named(std::string_view name) {
    for (const FormInfo& f : table) {
        if (f.name == name) return f.form;
    }
    return std::nullopt;
}

}   // namespace moecost
