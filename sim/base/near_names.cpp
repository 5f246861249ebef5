// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/near_names.h"

#include <algorithm>

#include "moecost/base/error.h"

namespace moecost {
namespace {

constexpr std::size_t longest_name = 100;       // longer ones are not compared
constexpr std::size_t most_compared = 10'000;   // a file may hold millions of keys

char folded(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

/// Length of the longest part that both hold, without regard to case and to '-' against '_'.
std::size_t common_part(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::size_t longest = 0;
    for (const char c : a) {
        for (std::size_t j = b.size(); j > 0; --j) {
            row[j] = folded(c) == folded(b[j - 1]) ? row[j - 1] + 1 : 0;
            longest = std::max(longest, row[j]);
        }
    }
    return longest;
}

}   // namespace

std::vector<std::string_view> related_names(std::string_view name, std::span<const std::string> candidates) {
    std::vector<std::string_view> related;
    if (name.empty() || name.size() > longest_name) return related;
    const std::size_t least = std::max(std::min<std::size_t>(4, name.size()), (3 * name.size() + 4) / 5);
    for (const std::string& candidate : candidates.first(std::min(candidates.size(), most_compared))) {
        if (candidate.size() <= longest_name && common_part(name, candidate) >= least)
            related.emplace_back(candidate);
    }
    return related;
}

std::string names_hint(std::string_view name, std::span<const std::string> candidates,
                       std::string_view command) {
    std::vector<std::string_view> near = related_names(name, candidates);
    const std::string_view nearest = nearest_name(name, candidates);
    std::erase(near, nearest);
    if (!nearest.empty()) near.insert(near.begin(), nearest);
    std::string s;
    for (const std::string_view n : near) s.append(s.empty() ? "did you mean " : ", ").append(n);
    if (!s.empty()) s.append("? ");
    return s.append("all names: ").append(command);
}

}   // namespace moecost
