// SPDX-License-Identifier: Apache-2.0
// Which prefill workers may hand their caches to which decode workers: rules of engines judge a pair by the tensor and
// pipeline parallelism of both, so that workers fall into a few groups.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "moecost/ops/layout.h"

namespace moecost {

struct Degrees {
    int tp = 1, pp = 1;
    bool operator==(const Degrees&) const = default;
};
[[nodiscard]] inline Degrees degrees_of(const Layout& layout) { return {layout.tp, layout.pp}; }

/// Any of `prefill` may serve any of `decode`.
struct HandoverGroup {
    std::vector<Degrees> prefill, decode;

    [[nodiscard]] bool takes_prefill(const Layout& layout) const;
    [[nodiscard]] bool takes_decode(const Layout& layout) const;
};

/// Of two places in the lists.
using MayHandOver = std::function<bool(std::size_t prefill, std::size_t decode)>;

/// Every allowed pair lies in one group; decode workers that no prefill worker may serve lie in none. Where all pairs are
/// allowed there is one group.
[[nodiscard]] std::vector<HandoverGroup> handover_groups(std::span<const Layout> prefill,
                                                         std::span<const Layout> decode,
                                                         const MayHandOver& may_hand_over);

}   // namespace moecost
