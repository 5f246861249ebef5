// SPDX-License-Identifier: Apache-2.0
// The place of an error that was thrown where only a name was known: the value at fault came from a file or an option.
// Reads the text that InputError composes (error.cpp).
#pragma once

#include <string_view>

#include "moecost/base/error.h"

namespace moecost {

/// "tp" of an error at "--tp"; empty: it is not at an option.
[[nodiscard]] std::string_view option_of(const InputError& error);
/// What is wrong, without the option.
[[nodiscard]] std::string_view message_of(const InputError& error);
/// The same error at the place that the value was read from. One with a line of its own stays as it is.
[[nodiscard]] InputError placed_at(const InputError& error, const Location& place);

}   // namespace moecost
