// SPDX-License-Identifier: Apache-2.0
// How the kinds of inputs are called, and the ranges and units that lists and manual show.
#include "moecost/base/format.h"
#include "moecost/estimate/inputs.h"

namespace moecost {

std::string_view name_of(InputKind kind) {
    switch (kind) {   // no default: the compiler names a kind that is missing
        case InputKind::name:
            return "name";
        case InputKind::format:
            return "format";
        case InputKind::word:
            return "word";
        case InputKind::whole:
            return "whole";
        case InputKind::count:
            return "count";
        case InputKind::parameters:
            return "parameters";
        case InputKind::share:
            return "share";
        case InputKind::tokens:
            return "tokens";
        case InputKind::seconds:
            return "seconds";
        case InputKind::gigabytes:
            return "gigabytes";
        case InputKind::money:
            return "money";
        case InputKind::toggle:
            return "toggle";
        case InputKind::objective:
            return "objective";
        case InputKind::edit:
            return "edit";
    }
    return {};
}

std::string_view unit_of(InputKind kind) {
    switch (kind) {
        case InputKind::tokens:
            return "tokens";
        case InputKind::seconds:
        case InputKind::objective:
            return "s";
        case InputKind::gigabytes:
            return "GB";
        case InputKind::money:
            return "USD/GPU-h";
        default:
            return {};
    }
}

std::string range_text(const Input& input) {
    if (!is_numeric(input.kind) || input.kind == InputKind::toggle) return {};
    return shortest(input.range.low).append("..").append(shortest(input.range.high));
}

}   // namespace moecost
