// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/error.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "moecost/base/near_names.h"

namespace moecost {
namespace {

/// Whatever the input held, each part of the report stays one line.
std::string one_line(std::string s) {
    for (char& c : s) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return s;
}

std::string compose(const Location& where, std::string_view key, std::string_view message) {
    std::string s = where.file;
    if (where.line > 0) s.append(":").append(std::to_string(where.line));
    if (where.line > 0 && where.column > 0) s.append(":").append(std::to_string(where.column));
    if (!s.empty()) s.append(": ");
    if (key.empty()) key = where.key;
    if (!key.empty()) s.append("key '").append(key).append("': ");
    return one_line(s.append(message));
}

/// Levenshtein distance, with two swapped neighbours as one mistake ("modle"); both names are short.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::vector<std::size_t> next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substitute = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, substitute});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

template <class Names>
std::string joined(const Names& names, std::size_t most) {
    std::string s;
    const std::size_t shown = std::min(names.size(), most);
    for (std::size_t i = 0; i < shown; ++i) s.append(i == 0 ? "" : ", ").append(names[i]);
    return shown < names.size() ? s.append(", ...") : s;
}

}   // namespace

InputError::InputError(const Location& where, std::string_view key, std::string_view message,
                       std::string hint)
    : std::runtime_error(compose(where, key, message)), hint_(one_line(std::move(hint))) {}

std::string_view nearest_name(std::string_view name, std::span<const std::string> candidates) {
    if (name.size() > 100) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() >= name.size() + best_distance) continue;
        const std::size_t d = edit_distance(name, candidate);
        if (d < best_distance) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

std::string name_hint(std::string_view name, std::span<const std::string> candidates) {
    std::string s;
    if (const std::string_view near = nearest_name(name, candidates); !near.empty()) {
        return s.append("did you mean '").append(near).append("'?");
    }
    if (candidates.empty()) return s;
    const auto related = related_names(name, candidates);
    constexpr std::size_t most = 12;
    if (!related.empty()) return s.append("near names: ").append(joined(related, most));
    return s.append("one of: ").append(joined(candidates, most));
}

}   // namespace moecost
