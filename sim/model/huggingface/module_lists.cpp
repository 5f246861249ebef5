// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/huggingface/module_lists.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

namespace moecost {
namespace {

constexpr std::size_t max_patterns = 256;   // different ones, after layer numbers are taken out

bool is_number(std::string_view segment) {
    return !segment.empty() && segment.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The numbers of a name: of its layer, and the next one behind or without it (an expert); -1: none.
struct Numbers {
    int layer = -1;
    int expert = -1;
    auto operator<=>(const Numbers&) const = default;
};

int number_of(std::string_view digits) {
    int n = max_layers;   // where it does not fit an int
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
}

/// Layers of a tower or of a module that drafts, which have numbers of their own.
bool is_beside_decoder(std::string_view before_layers) {
    constexpr std::string_view others[] = {"vision", "visual", "image",     "audio",    "encoder",
                                           "mtp",    "talker", "code2wav.", "resampler"};
    return std::any_of(std::begin(others), std::end(others), [before_layers](std::string_view other) {
        return before_layers.find(other) != std::string_view::npos;
    });
}

/// "model.layers.3.mlp.experts.7" to "layers.#.mlp.experts.#" with its numbers. Expressions stay.
Numbers normalise(std::string& pattern) {
    Numbers numbers;
    if (pattern.starts_with("re:")) return numbers;
    std::string result;
    std::string_view rest = pattern;
    while (!rest.empty()) {
        const std::size_t dot = rest.find('.');
        std::string_view segment = rest.substr(0, dot);
        rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
        const bool star = segment.ends_with('*') && is_number(segment.substr(0, segment.size() - 1));
        if (is_number(segment) || star) {
            if (numbers.layer < 0 && result.ends_with("layers")) {   // what precedes differs by wrapper
                numbers.layer = is_beside_decoder(result) ? max_layers : number_of(segment);
                result = "layers";
            } else if (numbers.expert < 0) {
                numbers.expert = number_of(segment);
            }
            segment = star ? "#*" : "#";
        }
        if (!result.empty()) result += '.';
        result.append(segment);
    }
    pattern = std::move(result);
    return numbers;
}

Numbered kind_of(const Numbers& n) {
    if (n.layer >= 0) return n.expert >= 0 ? Numbered::experts_of_layers : Numbered::layers;
    return n.expert >= 0 ? Numbered::experts : Numbered::nothing;
}

int different(std::vector<Numbers>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    return static_cast<int>(std::unique(numbers.begin(), numbers.end()) - numbers.begin());
}

}   // namespace

/// Entries as patterns; names of layers beyond the last (MTP modules) are left out.
std::vector<ListedModules> listed(const HfConfig& config, const Reader& table, std::string_view key,
                                  std::vector<std::string> names) {
    std::map<std::string, std::vector<Numbers>> numbers;
    for (std::string& name : names) {
        const Numbers n = normalise(name);
        if (n.layer >= config.layers) continue;
        numbers[std::move(name)].push_back(n);
        if (numbers.size() > max_patterns) table.fail(key, "more than 256 different entries");
    }
    std::vector<ListedModules> result;
    for (auto& [name, all] : numbers) {
        const Numbered kind = kind_of(all.front());   // as many numbers as the pattern has places
        result.push_back({ModulePattern(name), different(all), kind});
    }
    return result;
}

}   // namespace moecost
