// SPDX-License-Identifier: Apache-2.0
// The columns of a table of measured runs: what `validate` and `calibrate` read, listed by `moecost list columns`.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace moecost {

enum class ColumnKind {
    text,
    flag,     // 1 or true; anything else is no
    number,   // any number
    amount,   // 0..1e15
    count,    // 1..1e9; a table may state an average
    degree    // how many GPUs share something: whole, 1..65536
};

struct MeasuredColumn {
    std::string_view name;
    ColumnKind kind;
    std::string_view unit;
    bool needed;   // a file without it is refused
    std::string_view help;
};

[[nodiscard]] std::span<const MeasuredColumn> measured_columns();
/// The row of a name; a name that is not in the table is a fault of the program (std::logic_error).
[[nodiscard]] const MeasuredColumn& measured_column(std::string_view name);
[[nodiscard]] bool allows(const MeasuredColumn& column, double value);
/// "is not in 1..1e9": what to say of a value that is not allowed.
[[nodiscard]] std::string_view allowed_text(const MeasuredColumn& column);
[[nodiscard]] std::string_view name_of(ColumnKind kind);

}   // namespace moecost
