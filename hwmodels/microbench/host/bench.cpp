// SPDX-License-Identifier: Apache-2.0
#include "host/bench.h"

#include "host/plain_number.h"

namespace microbench {

std::string Case::name() const {
    std::string s = table;
    for (const std::string* part : {&kernel, &dtype}) {
        if (!part->empty()) s.append("/").append(*part);
    }
    for (const auto& [column, text] : labels) s.append("/").append(column).append("=").append(text);
    for (const auto& [column, value] : shape) {
        s.append("/").append(column).append("=").append(plain_number(value));
    }
    if (!distribution.empty()) s.append("/").append(distribution);
    return s;
}

}   // namespace microbench
