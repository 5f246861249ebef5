// SPDX-License-Identifier: Apache-2.0
#include "law/parameters.h"

namespace moecost {

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
                name.append("ln (")
                    .append(c.name)
                    .append(" - ")
                    .append(f.coefficients[i - 1].name)
                    .append(")");
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
                p.push_back(std::log(c[i] - c[i - 1]));
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

}   // namespace moecost
