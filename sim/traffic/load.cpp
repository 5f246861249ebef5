// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/load.h"

#include <array>
#include <cstddef>

namespace moecost {

std::string_view name_of(const Load& load) {
    constexpr std::array<std::string_view, std::variant_size_v<Load>> names = {
        "closed_loop", "open_loop", "offline",      "static_batch",
        "burst",       "replay",    "prefill_only", "decode_only"};
    return names[load.index()];
}

}   // namespace moecost
