// SPDX-License-Identifier: Apache-2.0
// Pareto frontier of a stream of points under two to four objectives, all to be minimised, kept online: memory is that
// of its members. A point is dominated when another is no worse in every objective and better in one; of equal points
// the one with the lowest number stays. The result does not depend on the order in which points come.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace moecost {

inline constexpr std::size_t max_objectives = 4;

struct FrontierMember {
    std::array<double, max_objectives> values{};   // unused objectives are 0
    std::uint64_t point = 0;
    bool operator==(const FrontierMember&) const = default;
};

class Frontier {
  public:
    explicit Frontier(std::size_t objectives) : objectives_(objectives) {}

    /// True when the point is a member now; members that it dominates leave.
    bool offer(const FrontierMember& candidate);
    [[nodiscard]] std::size_t size() const { return size_; }
    /// Members by ascending first objective, then the others, then number.
    [[nodiscard]] std::vector<FrontierMember> sorted() const;

  private:
    /// Neighbours along the first objective, with the best and the worst value of each objective among them.
    struct Group {
        std::array<double, max_objectives> best{};
        std::array<double, max_objectives> worst{};
        std::vector<FrontierMember> members;
    };
    [[nodiscard]] bool offer_two(const FrontierMember& candidate);
    [[nodiscard]] bool dominated(const FrontierMember& candidate);
    void remove_dominated(const FrontierMember& candidate);
    void insert(const FrontierMember& candidate);

    std::size_t objectives_;
    std::size_t size_ = 0;
    std::vector<FrontierMember> stairs_;   // two objectives: sorted by the first
    std::vector<Group> groups_;            // three and four
    std::array<FrontierMember, 8>
        recent_{};   // members that dominated lately: neighbours fall to the same ones
    std::size_t recent_count_ = 0;
    std::size_t recent_next_ = 0;
};

}   // namespace moecost
