// SPDX-License-Identifier: Apache-2.0
#include "moecost/plan/handover.h"

#include <algorithm>

namespace moecost {
namespace {

bool contains(const std::vector<Degrees>& list, const Degrees& d) {
    return std::find(list.begin(), list.end(), d) != list.end();
}

/// The place of the first layout of each pair of degrees.
std::vector<std::size_t> distinct(std::span<const Layout> layouts) {
    std::vector<std::size_t> places;
    std::vector<Degrees> seen;
    for (std::size_t i = 0; i < layouts.size(); ++i) {
        if (contains(seen, degrees_of(layouts[i]))) continue;
        seen.push_back(degrees_of(layouts[i]));
        places.push_back(i);
    }
    return places;
}

}   // namespace

bool HandoverGroup::takes_prefill(const Layout& layout) const {
    return contains(prefill, degrees_of(layout));
}
bool HandoverGroup::takes_decode(const Layout& layout) const { return contains(decode, degrees_of(layout)); }

std::vector<HandoverGroup> handover_groups(std::span<const Layout> prefill, std::span<const Layout> decode,
                                           const MayHandOver& may_hand_over) {
    const std::vector<std::size_t> from = distinct(prefill);
    std::vector<HandoverGroup> groups;
    for (const std::size_t to : distinct(decode)) {
        std::vector<Degrees> serving;
        for (const std::size_t p : from) {
            if (may_hand_over(p, to)) serving.push_back(degrees_of(prefill[p]));
        }
        if (serving.empty()) continue;
        const auto same = std::find_if(groups.begin(), groups.end(),
                                       [&](const HandoverGroup& g) { return g.prefill == serving; });
        if (same != groups.end())
            same->decode.push_back(degrees_of(decode[to]));
        else
            groups.push_back({std::move(serving), {degrees_of(decode[to])}});
    }
    return groups;
}

}   // namespace moecost
