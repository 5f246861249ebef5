// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/parameters.h"

#include <algorithm>
#include <random>

#include "moecost/base/numerics.h"

namespace moecost {
namespace {

/// Lower factor of a covariance (Cholesky); directions without variance get zeros, as rounding may leave them negative.
std::vector<double> factor_of(const std::vector<double>& covariance, std::size_t n) {
    constexpr double rounding = 1e-12;
    std::vector<double> l(n * n, 0);
    for (std::size_t j = 0; j < n; ++j) {
        double pivot = covariance[j * n + j];
        for (std::size_t k = 0; k < j; ++k) pivot -= l[j * n + k] * l[j * n + k];
        if (!(pivot > rounding * covariance[j * n + j])) continue;
        l[j * n + j] = std::sqrt(pivot);
        for (std::size_t i = j + 1; i < n; ++i) {
            double sum = covariance[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = sum / l[j * n + j];
        }
    }
    return l;
}

}   // namespace

std::vector<std::string> parameter_names(LossForm form) {
    const FormInfo& f = info(form);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < f.count; ++i) {
        const CoefficientInfo& c = f.coefficients[i];
        std::string name;
        switch (c.domain) {
            case Domain::above_zero:
                name.append("ln ").append(c.name);
                break;
            case Domain::below_zero:
                name.append("ln -").append(c.name);
                break;
            case Domain::above_e_start:
                name.append("sqrt(").append(f.coefficients[i - 1].name).append("/(").append(c.name);
                name.append(" - ").append(f.coefficients[i - 1].name).append("))");
                break;
            case Domain::free:
                name.append(c.name);
                break;
            case Domain::constant:
                continue;
        }
        names.push_back(std::move(name));
    }
    return names;
}

std::vector<double> parameters_of(LossForm form, const std::array<double, max_coefficients>& c) {
    const FormInfo& f = info(form);
    std::vector<double> p;
    for (std::size_t i = 0; i < f.count; ++i) {
        switch (f.coefficients[i].domain) {
            case Domain::above_zero:
                p.push_back(std::log(c[i]));
                break;
            case Domain::below_zero:
                p.push_back(std::log(-c[i]));
                break;
            case Domain::above_e_start:
                p.push_back(std::sqrt(std::max(0.0, c[i - 1] / (c[i] - c[i - 1]) - 1 / endless)));
                break;
            case Domain::free:
                p.push_back(c[i]);
                break;
            case Domain::constant:
                break;
        }
    }
    return p;
}

void set_coefficients(LossForm form, const std::vector<double>& parameters,
                      std::array<double, max_coefficients>& c) {
    const FormInfo& f = info(form);
    std::size_t p = 0;
    for (std::size_t i = 0; i < f.count; ++i) {
        if (f.coefficients[i].domain == Domain::constant) continue;
        c[i] = coefficient(f.coefficients[i].domain, parameters[p++], i > 0 ? c[i - 1] : 0.0);
    }
}

std::vector<Law> draws_of(const Law& law, unsigned count, std::uint64_t seed) {
    std::vector<Law> laws;
    const std::size_t n = parameter_names(law.form).size();
    for (std::size_t i = 0; i < count && !law.samples.empty(); ++i) {
        laws.push_back(law);
        set_coefficients(law.form, law.samples[i * law.samples.size() / count], laws.back().c);
    }
    if (!law.samples.empty() || law.covariance.size() != n * n || count == 0) return laws;
    std::mt19937_64 engine(seed);
    // Uniform in (0, 1), the same on every platform.
    const auto uniform = [&] { return (static_cast<double>(engine() >> 11) + 0.5) * 0x1p-53; };
    for (unsigned i = 0; i < count; ++i) {
        std::vector<double> normals;
        for (std::size_t k = 0; k < n; ++k) normals.push_back(normal_quantile(uniform()));
        laws.push_back(sampled(law, normals));
    }
    return laws;
}

Law sampled(const Law& law, const std::vector<double>& normals) {
    std::vector<double> parameters = parameters_of(law.form, law.c);
    const std::size_t n = parameters.size();
    if (law.covariance.size() != n * n || normals.size() != n) return law;
    const std::vector<double> l = factor_of(law.covariance, n);
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k <= i; ++k) parameters[i] += l[i * n + k] * normals[k];
    }
    Law moved = law;
    set_coefficients(law.form, parameters, moved.c);
    return moved;
}

}   // namespace moecost
