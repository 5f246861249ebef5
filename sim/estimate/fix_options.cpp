// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/fix_options.h"

#include <algorithm>

namespace moecost {
namespace {

std::string without_parentheses(std::string_view text) {
    std::string s;
    int depth = 0;
    for (const char c : text) {
        if (c == '(') ++depth;
        if (depth == 0) s += c;
        if (c == ')') depth = std::max(0, depth - 1);
    }
    return s;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    const std::string padded = std::string(text).append(" ");
    for (const char c : padded) {
        if (c != ' ') {
            word += c;
            continue;
        }
        while (word.ends_with(',') || word.ends_with(';')) word.pop_back();
        if (!word.empty()) words.push_back(word);
        word.clear();
    }
    return words;
}

bool is_option(std::string_view word) { return word.size() > 2 && word.starts_with("--"); }

}   // namespace

std::vector<Change> options_in(std::string_view sentence) {
    const std::vector<std::string> words = words_of(without_parentheses(sentence));
    std::vector<Change> alternatives(1);
    std::string last;   // key of the option before
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool begins = words[i] == "or";
        if (begins) alternatives.emplace_back();
        const std::size_t at = begins ? i + 1 : i;
        if (at >= words.size()) break;
        const bool follows = at + 1 < words.size() && !is_option(words[at + 1]) && words[at + 1] != "or";
        if (is_option(words[at]) && follows) {
            last = words[at].substr(2);
            alternatives.back().emplace_back(last, words[at + 1]);
            i = at + 1;
        } else if (begins && !is_option(words[at]) && !last.empty()) {
            alternatives.back().emplace_back(last, words[at]);
            i = at;
        }
    }
    std::erase_if(alternatives, [](const Change& c) { return c.empty(); });
    return alternatives;
}

std::string text_of(const Change& change) {
    std::string s;
    for (const auto& [key, text] : change) {
        s.append(s.empty() ? "--" : " --").append(key);
        if (!text.empty()) s.append(" ").append(text);
    }
    return s;
}

}   // namespace moecost
