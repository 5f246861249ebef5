// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/error.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

#include "moecost/base/error_place.h"
#include "moecost/base/near_names.h"

namespace moecost {
namespace {

/// Bytes of the character that begins the text; 0 where no UTF-8 begins (RFC 3629: shortest form, no surrogates).
std::size_t utf8_length(std::string_view s) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || s.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
    const bool outside = (lead == 0xed && byte(1) >= 0xa0) || (lead == 0xf4 && byte(1) >= 0x90);
    return overlong || outside ? 0 : length;
}

bool is_control(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character[0]);
    if (lead < 0x20 || lead == 0x7f) return true;
    return lead == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;   // U+0080 to U+009F
}

void append_escaped(std::string& to, char c) {
    if (c == '\n') {
        to.append("\\n");
        return;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    to.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
}

std::string escaped(std::string_view text) {
    std::string s;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(1, length));
        if (length > 0 && !is_control(character)) {
            s.append(character);
        } else {
            for (const char c : character) append_escaped(s, c);
        }
        text.remove_prefix(character.size());
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
    return printable(s.append(message));
}

/// True for "FILE:LINE...: message".
bool has_line(std::string_view text) {
    const std::string_view place = text.substr(0, text.find(": "));
    const std::size_t colon = place.find(':');
    return colon != std::string_view::npos && colon + 1 < place.size() && place[colon + 1] >= '0' &&
           place[colon + 1] <= '9';
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

std::string printable(std::string_view text) {
    constexpr std::size_t longest = 1000;
    constexpr std::size_t kept = 480;   // at each end
    if (text.size() <= longest) return escaped(text);
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
    };
    std::size_t head = kept;
    std::size_t tail = text.size() - kept;
    while (head > kept - 4 && continues(head)) --head;   // between characters
    while (tail < text.size() - kept + 4 && continues(tail)) ++tail;
    return escaped(text.substr(0, head)).append(" ... ").append(escaped(text.substr(tail)));
}

SystemError::SystemError(std::string_view message) : std::runtime_error(printable(message)) {}

InputError::InputError(const Location& where, std::string_view key, std::string_view message,
                       std::string hint)   // NOLINT(performance-unnecessary-value-param): callers move texts
    : std::runtime_error(compose(where, key, message)), hint_(printable(hint)) {}

std::string_view option_of(const InputError& error) {
    std::string_view text = error.what();
    if (!text.starts_with("--")) return {};
    text.remove_prefix(2);
    return text.substr(0, text.find(':'));
}

std::string_view message_of(const InputError& error) {
    const std::string_view text = error.what();
    const std::string_view option = option_of(error);
    return option.empty() ? text : text.substr(std::min(text.size(), option.size() + 4));   // "--option: "
}

InputError placed_at(const InputError& error, const Location& place) {
    if (has_line(error.what()) || place.file.empty()) return error;
    return {place, {}, message_of(error), error.hint()};
}

std::string_view nearest_name(std::string_view name, std::span<const std::string> candidates) {
    if (name.size() > 100) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
    constexpr std::size_t most_compared = 10'000;   // a file may hold millions of keys
    for (const std::string& candidate : candidates.first(std::min(candidates.size(), most_compared))) {
        if (candidate.size() >= name.size() + best_distance) continue;
        const std::size_t d = edit_distance(name, candidate);
        if (d < best_distance) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

/// "llama-3.3-70b" of "llama-3.3-70b-instruct-fp8".
static bool begins_with(std::string_view name, std::string_view part) {
    if (part.empty() || part.size() >= name.size()) return false;
    const auto folded = [](char c) {
        return c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    };
    for (std::size_t i = 0; i < part.size(); ++i)
        if (folded(part[i]) != folded(name[i])) return false;
    return folded(name[part.size()]) == '-';
}

std::string name_hint(std::string_view name, std::span<const std::string> candidates) {
    std::string s;
    const auto related = related_names(name, candidates);
    const std::string_view near = nearest_name(name, candidates);
    // A name that is longer by a suffix means what it begins with, even where another name is fewer letters away.
    const bool begins = !related.empty() && begins_with(name, related.front());
    if (!near.empty() && !begins) return s.append("did you mean '").append(near).append("'?");
    if (candidates.empty()) return s;
    constexpr std::size_t most = 12;
    if (begins) return s.append("did you mean '").append(related.front()).append("'?");
    if (!related.empty()) return s.append("near names: ").append(joined(related, most));
    return s.append("one of: ").append(joined(candidates, most));
}

}   // namespace moecost
