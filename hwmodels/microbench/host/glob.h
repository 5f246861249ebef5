// SPDX-License-Identifier: Apache-2.0
// Shell patterns over case names: * any text (slashes included), ? one character.
#pragma once

#include <string_view>

namespace microbench {

[[nodiscard]] inline bool glob_match(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;   // last * seen, and the text it stands for so far
    std::size_t after = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++after;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

/// A filter without wildcards means every case whose name begins with it.
[[nodiscard]] inline bool selected(std::string_view filter, std::string_view name) {
    if (filter.empty()) return true;
    if (filter.find_first_of("*?") == std::string_view::npos) return name.starts_with(filter);
    return glob_match(filter, name);
}

}   // namespace microbench
