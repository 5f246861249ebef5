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

/// Parts between '-', in lower case.
std::vector<std::string> parts_of(std::string_view name) {
    std::vector<std::string> parts(1);
    for (const char c : name) {
        if (folded(c) == '-')
            parts.emplace_back();
        else
            parts.back() += folded(c);
    }
    std::erase(parts, std::string());
    return parts;
}

/// Letters of the parts that both have, each part once.
std::size_t shared_letters(std::vector<std::string> a, const std::vector<std::string>& b) {
    std::size_t letters = 0;
    for (const std::string& part : b) {
        const auto it = std::find(a.begin(), a.end(), part);
        if (it == a.end()) continue;
        letters += part.size();
        a.erase(it);
    }
    return letters;
}

std::size_t letters_of(const std::vector<std::string>& parts) {
    std::size_t letters = 0;
    for (const std::string& part : parts) letters += part.size();
    return letters;
}

struct Related {
    std::size_t shared = 0;    // letters, of parts or in one piece
    std::size_t foreign = 0;   // letters of the candidate that the name lacks
    std::string_view name;
};

}   // namespace

std::vector<std::string_view> related_names(std::string_view name, std::span<const std::string> candidates) {
    if (name.empty() || name.size() > longest_name) return {};
    const std::size_t least = std::max(std::min<std::size_t>(4, name.size()), (3 * name.size() + 4) / 5);
    const std::vector<std::string> own = parts_of(name);
    std::vector<Related> related;
    for (const std::string& candidate : candidates.first(std::min(candidates.size(), most_compared))) {
        if (candidate.size() > longest_name) continue;
        const std::vector<std::string> parts = parts_of(candidate);
        const std::size_t letters = letters_of(parts);
        const std::size_t by_parts = parts.size() > 1 ? shared_letters(own, parts) : 0;
        const std::size_t piece = common_part(name, candidate);
        const bool most_parts = by_parts >= 4 && 5 * by_parts >= 4 * letters;
        if (piece < least && !most_parts) continue;
        const std::size_t shared = std::max(by_parts, piece);
        related.push_back({shared, letters - std::min(letters, shared), candidate});
    }
    std::stable_sort(related.begin(), related.end(), [](const Related& a, const Related& b) {
        return a.shared + b.foreign > b.shared + a.foreign;
    });
    std::vector<std::string_view> names;
    for (const Related& r : related) names.push_back(r.name);
    return names;
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
