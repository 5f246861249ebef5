// SPDX-License-Identifier: Apache-2.0
// Reading a case: a dimension or a text column by name. A name that the case lacks is a programming error.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "host/bench.h"

namespace microbench {

[[nodiscard]] inline double dimension(const Case& c, std::string_view column) {
    for (const auto& [name, value] : c.shape) {
        if (name == column) return value;
    }
    throw std::logic_error(std::string(c.table).append(": no dimension ").append(column));
}

[[nodiscard]] inline std::string label(const Case& c, std::string_view column) {
    for (const auto& [name, text] : c.labels) {
        if (name == column) return text;
    }
    throw std::logic_error(std::string(c.table).append(": no label ").append(column));
}

}   // namespace microbench
