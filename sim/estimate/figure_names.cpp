// SPDX-License-Identifier: Apache-2.0
// Names of figures, and the words for their groups, scopes and kinds.
#include "moecost/estimate/figures.h"

namespace moecost {

const Figure* figure_named(std::string_view name) {
    for (const Figure& figure : figures()) {
        if (figure.key == name || (!figure.alias.empty() && figure.alias == name)) return &figure;
    }
    return nullptr;
}

std::vector<std::string> figure_names() {
    std::vector<std::string> names;
    for (const Figure& figure : figures()) names.emplace_back(figure.key);
    for (const Figure& figure : figures()) {
        if (!figure.alias.empty()) names.emplace_back(figure.alias);
    }
    return names;
}

std::vector<std::string> result_figures() {
    std::vector<std::string> names;
    for (const Figure& figure : figures()) {
        if (figure.stage == FigureStage::result && figure.number != nullptr) names.emplace_back(figure.key);
    }
    return names;
}

std::string_view name_of(FigureGroup group) {
    constexpr std::string_view names[] = {"deployment", "cost", "serving", "memory", "trust"};
    return names[static_cast<std::size_t>(group)];
}
std::string_view name_of(FigureScope scope) {
    constexpr std::string_view names[] = {"deployment", "instance", "gpu", "request", "token"};
    return names[static_cast<std::size_t>(scope)];
}
std::string_view name_of(FigureKind kind) {
    constexpr std::string_view names[] = {
        "usd_per_mtok", "usd_per_gpu_hour", "usd",   "tokens_per_s", "per_s", "seconds", "bytes", "share",
        "count",        "joules",           "watts", "text",         "flag"};
    return names[static_cast<std::size_t>(kind)];
}

std::string_view unit_of(FigureKind kind) {
    constexpr std::string_view units[] = {"USD/Mtok", "USD/GPU-h", "USD", "tokens/s", "1/s", "s", "bytes",
                                          "",         "",          "J",   "W",        "",    ""};
    return units[static_cast<std::size_t>(kind)];
}

}   // namespace moecost
