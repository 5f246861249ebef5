// SPDX-License-Identifier: Apache-2.0
// Module names meant by an entry of an ignore list: a glob, `re:` with a regular expression (matched from the
// start of the name), or a dotted name that stands for itself and everything below it. Inner header of the
// model room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moecost {

/// One character of an expression: which it accepts and how often.
struct PatternAtom {
    std::string set;   // characters; any when empty
    bool negated = false;
    char repeat = '1';   // '1', '?', '*' or '+'

    [[nodiscard]] bool accepts(char c) const {
        return set.empty() || (set.find(c) != std::string::npos) != negated;
    }
};

struct PatternSequence {
    std::vector<PatternAtom> atoms;
    bool to_end = false;   // must reach the end of the name
    std::string literal;   // text that every name it matches holds: most names are told apart by it alone
};

/// Expressions may hold groups, alternatives, classes, escapes and * + ?; any other construct matches
/// nothing.
class ModulePattern {
  public:
    explicit ModulePattern(std::string_view text);
    [[nodiscard]] bool matches(std::string_view module) const;
    [[nodiscard]] bool is_expression() const { return form_ == Form::expression; }
    [[nodiscard]] bool has_digit() const { return text_.find_first_of("0123456789") != std::string::npos; }
    /// Whether its digits can tell layers apart, and experts of a layer.
    [[nodiscard]] bool tells_layers() const;
    [[nodiscard]] bool tells_experts() const;
    /// True when what a name begins with makes no difference.
    [[nodiscard]] bool ignores_prefix() const {
        return form_ == Form::segments || text_.starts_with("re:.*");
    }

  private:
    enum class Form { nothing, segments, glob, expression };
    std::string text_;
    Form form_ = Form::nothing;
    std::vector<PatternSequence> alternatives_;
};

}   // namespace moecost
