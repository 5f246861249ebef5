// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/huggingface/module_lists.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace moecost {
namespace {

constexpr std::size_t max_patterns = 256;   // different ones, after layer numbers are taken out

bool is_number(std::string_view segment) {
    return !segment.empty() && segment.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "model.layers.3.mlp.gate" to "layers.#.mlp.gate"; the number of the layer, -1 without one. Expressions stay.
int normalise(std::string& pattern) {
    if (pattern.starts_with("re:")) return -1;
    std::string result;
    int layer = -1;
    std::string_view rest = pattern;
    while (!rest.empty()) {
        const std::size_t dot = rest.find('.');
        std::string_view segment = rest.substr(0, dot);
        rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
        const bool star = segment.ends_with('*') && is_number(segment.substr(0, segment.size() - 1));
        if (is_number(segment) || star) {
            if (layer < 0 && result.ends_with("layers")) {   // what precedes differs by wrapper
                result = "layers";
                layer = max_layers;   // where it does not fit an int
                std::from_chars(segment.data(), segment.data() + segment.size(), layer);
            }
            segment = star ? "#*" : "#";
        }
        if (!result.empty()) result += '.';
        result.append(segment);
    }
    pattern = std::move(result);
    return layer;
}

}   // namespace

/// Entries as patterns; names of layers beyond the last (MTP modules) are left out.
std::vector<ListedModules> listed(const HfConfig& config, const Reader& table, std::string_view key,
                                  std::vector<std::string> names) {
    std::map<std::string, int> counts;
    for (std::string& name : names) {
        const int layer = normalise(name);
        if (layer >= config.layers) continue;
        counts[std::move(name)] += layer >= 0 ? 1 : 0;
        if (counts.size() > max_patterns) table.fail(key, "more than 256 different entries");
    }
    std::vector<ListedModules> result;
    for (const auto& [name, count] : counts) {
        const bool twice = std::count(name.begin(), name.end(), '#') > 1;
        result.push_back({ModulePattern(name), count, twice});
    }
    return result;
}

}   // namespace moecost
