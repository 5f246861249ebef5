// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/frontier.h"

#include <algorithm>

namespace moecost {
namespace {

constexpr std::size_t group_size = 64;

using Values = std::array<double, max_objectives>;

/// Unused objectives are 0 on both sides. All four are compared: four branches that nobody can predict cost more.
bool no_worse(const Values& a, const Values& b) {
    const unsigned first = static_cast<unsigned>(a[0] <= b[0]) & static_cast<unsigned>(a[1] <= b[1]);
    return (first & static_cast<unsigned>(a[2] <= b[2]) & static_cast<unsigned>(a[3] <= b[3])) != 0;
}

/// a dominates b, or equals it and came first.
bool precedes(const FrontierMember& a, const FrontierMember& b) {
    return no_worse(a.values, b.values) && (a.values != b.values || a.point < b.point);
}

bool by_value(const FrontierMember& a, const FrontierMember& b) {
    return a.values != b.values ? a.values < b.values : a.point < b.point;
}

}   // namespace

bool Frontier::offer(const FrontierMember& candidate) {
    if (objectives_ == 2) return offer_two(candidate);
    if (dominated(candidate)) return false;
    remove_dominated(candidate);
    insert(candidate);
    ++size_;
    return true;
}

/// Along two objectives the members form a staircase: only the neighbours on the left and right matter.
bool Frontier::offer_two(const FrontierMember& candidate) {
    const auto at = std::lower_bound(stairs_.begin(), stairs_.end(), candidate, by_value);
    if (at != stairs_.begin() && precedes(*(at - 1), candidate)) return false;
    if (at != stairs_.end() && *at == candidate) return false;
    auto end = at;
    while (end != stairs_.end() && precedes(candidate, *end)) ++end;
    if (end == at) {
        stairs_.insert(at, candidate);
    } else {
        *at = candidate;
        stairs_.erase(at + 1, end);
    }
    size_ = stairs_.size();
    return true;
}

bool Frontier::dominated(const FrontierMember& candidate) {
    for (std::size_t i = 0; i < recent_count_; ++i) {
        if (precedes(recent_[i], candidate)) return true;
    }
    for (const Group& group : groups_) {
        if (!no_worse(group.best, candidate.values)) continue;
        for (const FrontierMember& member : group.members) {
            if (member == candidate) return true;
            if (!precedes(member, candidate)) continue;
            recent_[recent_next_] = member;   // a witness even after it leaves: dominance is transitive
            recent_next_ = (recent_next_ + 1) % recent_.size();
            recent_count_ = std::min(recent_count_ + 1, recent_.size());
            return true;
        }
    }
    return false;
}

void Frontier::remove_dominated(const FrontierMember& candidate) {
    for (Group& group : groups_) {
        if (!no_worse(candidate.values, group.worst)) continue;
        size_ -=
            std::erase_if(group.members, [&](const FrontierMember& m) { return precedes(candidate, m); });
    }
    std::erase_if(groups_, [](const Group& group) { return group.members.empty(); });
}

void Frontier::insert(const FrontierMember& candidate) {
    // The last group that begins at or before the candidate.
    auto at = std::upper_bound(groups_.begin(), groups_.end(), candidate.values[0],
                               [](double value, const Group& group) { return value < group.best[0]; });
    if (at != groups_.begin()) --at;
    if (at == groups_.end()) at = groups_.insert(at, Group{candidate.values, candidate.values, {}});
    const auto extend = [](Group& group, const FrontierMember& member) {
        for (std::size_t k = 0; k < max_objectives; ++k) {
            group.best[k] = std::min(group.best[k], member.values[k]);
            group.worst[k] = std::max(group.worst[k], member.values[k]);
        }
        group.members.push_back(member);
    };
    extend(*at, candidate);
    if (at->members.size() < group_size) return;
    std::vector<FrontierMember> all = std::move(at->members);
    std::sort(all.begin(), all.end(), by_value);
    const std::size_t half = all.size() / 2;
    Group low{all[0].values, all[0].values, {}};
    Group high{all[half].values, all[half].values, {}};
    for (std::size_t i = 0; i < all.size(); ++i) extend(i < half ? low : high, all[i]);
    *at = std::move(low);
    groups_.insert(at + 1, std::move(high));
}

std::vector<FrontierMember> Frontier::sorted() const {
    std::vector<FrontierMember> result = stairs_;
    for (const Group& group : groups_)
        result.insert(result.end(), group.members.begin(), group.members.end());
    std::sort(result.begin(), result.end(), by_value);
    return result;
}

}   // namespace moecost
