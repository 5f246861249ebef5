// SPDX-License-Identifier: Apache-2.0
// Small expressions over named numbers, such as "gpus % tp == 0 and ep <= experts": the filters, constraints and
// objectives of a sweep. Compiled once to a list of steps on a stack; evaluating allocates nothing.
//
//   condition   := conjunction { "or" conjunction }        conjunction := negation { "and" negation }
//   negation    := "not" negation | comparison             comparison  := sum [ (== != < <= > >=) sum ]
//   sum         := product { (+ -) product }               product     := sign { (* / %) sign }
//   sign        := "-" sign | number | name | "(" condition ")"
// A comparison with a value that is not a number is false. % is the remainder of a division towards zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/error.h"

namespace moecost {

class Expression {
  public:
    enum class Operation : std::uint8_t {
        constant,
        variable,
        negate,
        logical_not,
        add,
        subtract,
        multiply,
        divide,
        remainder,
        equal,
        not_equal,
        less,
        less_equal,
        greater,
        greater_equal,
        logical_and,
        logical_or
    };
    struct Step {
        Operation operation{};
        std::uint32_t variable = 0;   // slot
        double constant = 0;
    };

    /// The value where slot i holds values[i]; truth is 1 or 0.
    [[nodiscard]] double value(std::span<const double> values) const;
    [[nodiscard]] bool holds(std::span<const double> values) const { return value(values) != 0; }
    /// Slots it reads, ascending, each once.
    [[nodiscard]] std::vector<std::size_t> slots() const;

    std::string text;
    std::vector<Step> steps;
};

/// Who knows the names: `slot` gives a slot for a name, or -1; `known` lists names for hints.
struct NameTable {
    std::function<std::ptrdiff_t(std::string_view)> slot;
    std::function<std::vector<std::string>()> known;
};

/// `where` is the position of the text in its file; an InputError adds the column inside the text. A condition must
/// be true or false: "gpus % tp" alone is refused.
[[nodiscard]] Expression compile_condition(std::string_view text, const Location& where,
                                           const NameTable& names);

}   // namespace moecost
