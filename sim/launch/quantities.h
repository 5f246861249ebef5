// SPDX-License-Identifier: Apache-2.0
// What a flag of an engine can be about: the inputs of the rows [[flag]] of the engine rules, and for those that an
// estimate knows, our input of the table of inputs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace moecost {

enum class SubjectKind { whole, number, toggle, word, text };

struct FlagSubject {
    std::string_view name;    // as rules files spell it
    std::string_view input;   // key of our table of inputs; empty: an estimate does not know it
    SubjectKind kind;
    double low = 0;   // of numbers without an input of ours
    double high = 0;
};

[[nodiscard]] std::span<const FlagSubject> flag_subjects();
/// Null when there is none of that name.
[[nodiscard]] const FlagSubject* subject_named(std::string_view name);

}   // namespace moecost
