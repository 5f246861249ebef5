// SPDX-License-Identifier: Apache-2.0
// Operands rotate through so many copies that none is still in the L2 cache when its turn comes again.
#pragma once

#include <algorithm>
#include <cmath>

namespace microbench {

/// Copies of operands of `bytes` that together exceed three times the L2 cache; one where a copy does so alone.
/// Never more than `most`: beyond that a graph of all of them takes longer to build than it is worth.
[[nodiscard]] inline int rotating_copies(double bytes, double l2_bytes, int most = 8192) {
    const double copies = std::ceil(3 * l2_bytes / std::max(bytes, 1.0));
    return static_cast<int>(std::clamp(copies, 1.0, static_cast<double>(most)));
}

/// Whether the copies that rotate stay within the cache: such a row is marked L and is no measure of memory.
[[nodiscard]] inline bool warm(double bytes, int copies, double l2_bytes) {
    return bytes * copies <= l2_bytes;
}

}   // namespace microbench
