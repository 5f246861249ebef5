// SPDX-License-Identifier: Apache-2.0
// The message and hint of the InputError that a call throws, as values to compare.
#pragma once

#include <string>

#include "moecost/base/error.h"

template <class Call>
std::string message_of(Call call) {
    try {
        call();
    } catch (const moecost::InputError& e) {
        return e.what();
    }
    return "no InputError";
}

template <class Call>
std::string hint_of(Call call) {
    try {
        call();
    } catch (const moecost::InputError& e) {
        return e.hint();
    }
    return "no InputError";
}
