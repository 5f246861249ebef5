// SPDX-License-Identifier: Apache-2.0
// Module names of ignore lists. The regular expressions that occur there are few and simple; this matcher
// runs in time pattern x name, so that no expression can make it slow (backtracking matchers can be, <regex>
// also overflows the stack).
#include "moecost/model/huggingface/patterns.h"

#include <algorithm>
#include <optional>

namespace moecost {
namespace {

constexpr std::size_t max_pattern = 512;
constexpr std::size_t max_alternatives = 64;
constexpr std::size_t max_atoms = 512;

/// Shell pattern with '*' and '?', over the whole name.
bool glob_matches(std::string_view pattern, std::string_view name) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

/// The glob names the module or something above it.
bool glob_covers(std::string_view pattern, std::string_view module) {
    std::string below(pattern);
    return glob_matches(pattern, module) || glob_matches(below.append(".*"), module);
}

/// The dotted segments of `part` stand side by side in `module`: "mlp.gate" in "layers.0.mlp.gate", not in
/// "layers.0.mlp.gate_proj".
bool has_segments(std::string_view module, std::string_view part) {
    if (part.empty()) return false;
    for (std::size_t at = module.find(part); at != std::string_view::npos; at = module.find(part, at + 1)) {
        const std::size_t end = at + part.size();
        if ((at == 0 || module[at - 1] == '.') && (end == module.size() || module[end] == '.')) return true;
    }
    return false;
}

constexpr std::string_view digits = "0123456789";

/// The character or class behind a backslash.
std::string escaped(char c) {
    if (c == 'd') return std::string(digits);
    if (c == 'w') return "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return {1, c};
}

/// Reads [abc], [^a-z] at `at`; leaves `at` behind it. False when it does not end.
bool read_class(std::string_view text, std::size_t& at, PatternAtom& atom) {
    const std::size_t end = text.find(']', at + 1);
    if (end == std::string_view::npos) return false;
    std::string_view inside = text.substr(at + 1, end - at - 1);
    atom.negated = inside.starts_with('^');
    if (atom.negated) inside.remove_prefix(1);
    for (std::size_t i = 0; i < inside.size(); ++i) {
        if (i + 2 < inside.size() && inside[i + 1] == '-') {
            const auto last = static_cast<unsigned char>(inside[i + 2]);
            for (unsigned c = static_cast<unsigned char>(inside[i]); c <= last; ++c)
                atom.set += static_cast<char>(c);
            i += 2;
        } else {
            atom.set += inside[i];
        }
    }
    at = end + 1;
    return !atom.set.empty();
}

/// A sequence without groups or alternatives; nothing when it holds what is not known here.
std::optional<std::vector<PatternAtom>> parse_sequence(std::string_view text) {
    std::vector<PatternAtom> atoms;
    std::size_t at = 0;
    while (at < text.size()) {
        PatternAtom atom;
        const char c = text[at];
        if (c == '\\' && at + 1 < text.size()) {
            atom.set = escaped(text[at + 1]);
            at += 2;
        } else if (c == '[') {
            if (!read_class(text, at, atom)) return std::nullopt;
        } else if (std::string_view("*+?{}()|\\").find(c) != std::string_view::npos) {
            return std::nullopt;
        } else {
            if (c != '.') atom.set = c;
            ++at;
        }
        if (at < text.size() && std::string_view("*+?").find(text[at]) != std::string_view::npos) {
            atom.repeat = text[at++];
            if (at < text.size() && text[at] == '?') ++at;   // lazy: matches the same names
        }
        atoms.push_back(std::move(atom));
    }
    return atoms;
}

/// Marks every state that is reached without reading: optional atoms are skipped.
void skip_optional(const std::vector<PatternAtom>& atoms, std::string& states) {
    for (std::size_t i = 0; i < atoms.size(); ++i) {
        if (states[i] == 1 && (atoms[i].repeat == '*' || atoms[i].repeat == '?')) states[i + 1] = 1;
    }
}

/// All states of the sequence at once, one character at a time: states[i] is 1 when atoms before i were read.
bool sequence_matches(const std::vector<PatternAtom>& atoms, std::string_view name, bool to_end) {
    std::string states(atoms.size() + 1, 0);
    std::string next(states.size(), 0);
    states[0] = 1;
    skip_optional(atoms, states);
    for (const char c : name) {
        if (states.back() == 1 && !to_end) return true;
        std::fill(next.begin(), next.end(), char{0});
        for (std::size_t i = 0; i < atoms.size(); ++i) {
            if (states[i] == 0 || !atoms[i].accepts(c)) continue;
            next[i + 1] = 1;
            if (atoms[i].repeat == '*' || atoms[i].repeat == '+') next[i] = 1;
        }
        skip_optional(atoms, next);
        states.swap(next);
    }
    return states.back() == 1;
}

bool is_escaped(std::string_view text, std::size_t at) {
    std::size_t backslashes = 0;
    while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
    return backslashes % 2 == 1;
}

std::size_t find_plain(std::string_view text, char c, std::size_t from) {
    for (std::size_t at = text.find(c, from); at != std::string_view::npos; at = text.find(c, at + 1)) {
        if (!is_escaped(text, at)) return at;
    }
    return std::string_view::npos;
}

std::vector<std::string> split_alternatives(std::string_view text) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    for (;;) {
        const std::size_t bar = find_plain(text, '|', start);
        parts.emplace_back(text.substr(start, bar - start));
        if (bar == std::string_view::npos) return parts;
        start = bar + 1;
    }
}

/// Writes the innermost group out: a(b|c)d becomes abd and acd; (b)? also gives the text without it.
/// False when there is no group or it is repeated.
bool expand_group(const std::string& text, std::vector<std::string>& result) {
    const std::size_t close = find_plain(text, ')', 0);
    if (close == std::string::npos) return false;
    std::size_t open = close;
    while (open > 0 && (text[open] != '(' || is_escaped(text, open))) --open;
    if (text[open] != '(') return false;
    std::size_t after = close + 1;
    const char repeat = after < text.size() ? text[after] : ' ';
    if (repeat == '*' || repeat == '+') return false;
    std::string_view inside = std::string_view(text).substr(open + 1, close - open - 1);
    if (inside.starts_with("?:")) inside.remove_prefix(2);
    std::vector<std::string> parts = split_alternatives(inside);
    if (repeat == '?') {
        parts.emplace_back();
        ++after;
    }
    for (const std::string& part : parts) {
        std::string whole = text.substr(0, open);
        result.push_back(whole.append(part).append(text, after));
    }
    return true;
}

/// The expression as sequences without groups; empty when it is too long or holds an unknown construct.
std::vector<std::string> expand(std::string_view expression) {
    std::vector<std::string> open{std::string(expression)};
    std::vector<std::string> done;
    for (std::size_t steps = 0; !open.empty(); ++steps) {
        const std::string text = std::move(open.back());
        open.pop_back();
        if (expand_group(text, open)) {
            if (steps > max_alternatives || open.size() > max_alternatives ||
                open.back().size() > max_pattern)
                return {};
            continue;
        }
        for (std::string& part : split_alternatives(text)) done.push_back(std::move(part));
        if (done.size() > max_alternatives) return {};
    }
    return done;
}

/// The longest run of plain characters that stand once each.
std::string longest_literal(const std::vector<PatternAtom>& atoms) {
    std::string longest;
    std::string run;
    for (const PatternAtom& atom : atoms) {
        if (atom.set.size() == 1 && !atom.negated && atom.repeat == '1')
            run += atom.set;
        else
            run.clear();
        if (run.size() > longest.size()) longest = run;
    }
    return longest;
}

/// The alternatives of an expression; those with unknown constructs are left out.
std::vector<PatternSequence> compile_expression(std::string_view expression) {
    std::vector<PatternSequence> result;
    std::size_t size = 0;
    for (const std::string& alternative : expand(expression)) {
        std::string_view text = alternative;
        if (text.starts_with('^')) text.remove_prefix(1);
        const bool to_end = text.ends_with('$') && !is_escaped(text, text.size() - 1);
        if (to_end) text.remove_suffix(1);
        auto atoms = parse_sequence(text);
        if (!atoms) continue;
        size += atoms->size();
        if (size > max_atoms) return {};
        std::string literal = longest_literal(*atoms);
        result.push_back({std::move(*atoms), to_end, std::move(literal)});
    }
    return result;
}

}   // namespace

ModulePattern::ModulePattern(std::string_view text) : text_(text.substr(0, max_pattern)) {
    if (text.size() > max_pattern) {
        form_ = Form::nothing;
    } else if (text.starts_with("re:")) {
        form_ = Form::expression;
        alternatives_ = compile_expression(text.substr(3));
    } else {
        form_ = text.find_first_of("*?") == std::string_view::npos ? Form::segments : Form::glob;
    }
}

bool ModulePattern::matches(std::string_view module) const {
    switch (form_) {
        case Form::segments:
            return has_segments(module, text_);
        case Form::glob:
            return glob_covers(text_, module);
        case Form::expression:
            return std::any_of(alternatives_.begin(), alternatives_.end(),
                               [module](const PatternSequence& s) {
                                   return module.find(s.literal) != std::string_view::npos &&
                                          sequence_matches(s.atoms, module, s.to_end);
                               });
        case Form::nothing:
            break;
    }
    return false;
}

bool ModulePattern::tells_layers() const { return text_.find_first_of(digits) < text_.find("expert"); }

bool ModulePattern::tells_experts() const {
    const std::size_t at = text_.find("expert");
    if (at == std::string::npos) return has_digit() && text_.find("layers") == std::string::npos;
    return text_.find_first_of(digits, at) != std::string::npos;
}

}   // namespace moecost
