// SPDX-License-Identifier: Apache-2.0
// Loss laws by name, and shapes that each of them accepts, for tests.
#pragma once

#include "moecost/law/law_toml.h"

inline moecost::Law law_named(std::string_view name) { return moecost::load_law(moecost::DataStore{}, name); }

/// A setting in the middle of every axis of the law.
inline moecost::Setting typical(const moecost::Law& law) {
    const moecost::Axes& axes = moecost::info(law.form).axes;
    moecost::Setting s;
    s.n = 1e9;
    s.d = 2e10;
    if (axes.experts) s.experts = 8;
    if (axes.granularity) s.granularity = 4;
    if (axes.active) s.active = 0.25;
    if (axes.shared) s.shared = 0.1;
    return s;
}

/// Every shipped law that gives a loss.
inline std::vector<moecost::Law> loss_laws() {
    std::vector<moecost::Law> laws;
    for (const std::string& name : moecost::law_names(moecost::DataStore{})) {
        moecost::Law law = law_named(name);
        if (law.form != moecost::LossForm::leverage) laws.push_back(std::move(law));
    }
    return laws;
}
