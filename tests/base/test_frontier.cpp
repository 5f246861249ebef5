// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/frontier.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace moecost;

namespace {

bool dominates(const FrontierMember& a, const FrontierMember& b) {
    bool better = false;
    for (std::size_t k = 0; k < max_objectives; ++k) {
        if (a.values[k] > b.values[k]) return false;
        better = better || a.values[k] < b.values[k];
    }
    return better;
}

/// By definition: every pair is compared.
std::vector<FrontierMember> brute_force(const std::vector<FrontierMember>& points) {
    std::vector<FrontierMember> result;
    for (const FrontierMember& p : points) {
        const bool out = std::any_of(points.begin(), points.end(), [&](const FrontierMember& other) {
            return dominates(other, p) || (other.values == p.values && other.point < p.point);
        });
        if (!out) result.push_back(p);
    }
    std::sort(result.begin(), result.end(), [](const FrontierMember& a, const FrontierMember& b) {
        return a.values != b.values ? a.values < b.values : a.point < b.point;
    });
    return result;
}

/// `levels` different values: few levels give many ties.
std::vector<FrontierMember> random_points(std::mt19937& random, std::size_t objectives, std::size_t n,
                                          unsigned levels) {
    std::vector<FrontierMember> points(n);
    for (std::size_t i = 0; i < n; ++i) {
        points[i].point = i;
        for (std::size_t k = 0; k < objectives; ++k) {
            points[i].values[k] = static_cast<double>(random() % levels) - levels / 2.0;
        }
        // Along a surface, so that many are members.
        if (i % 3 != 0) points[i].values[objectives - 1] = -points[i].values[0] - points[i].values[1] / 2;
    }
    return points;
}

}   // namespace

TEST_CASE("the online frontier is the brute-force one, in any order of the points") {
    std::mt19937 random(3);
    for (std::size_t objectives = 2; objectives <= 4; ++objectives) {
        for (const unsigned levels : {4U, 30U, 1000000U}) {
            for (int round = 0; round < 8; ++round) {
                std::vector<FrontierMember> points = random_points(random, objectives, 700, levels);
                const auto expected = brute_force(points);
                for (int order = 0; order < 3; ++order) {
                    Frontier frontier(objectives);
                    for (const FrontierMember& p : points) frontier.offer(p);
                    CHECK(frontier.sorted() == expected);
                    CHECK(frontier.size() == expected.size());
                    std::shuffle(points.begin(), points.end(), random);
                }
            }
        }
    }
}

TEST_CASE("frontiers of parts join to the frontier of the whole") {
    std::mt19937 random(4);
    const std::vector<FrontierMember> points = random_points(random, 3, 3000, 1000);
    Frontier whole(3);
    Frontier joined(3);
    std::array<Frontier, 3> parts{Frontier(3), Frontier(3), Frontier(3)};
    for (const FrontierMember& p : points) {
        whole.offer(p);
        parts[p.point % 3].offer(p);
    }
    for (const Frontier& part : parts) {
        for (const FrontierMember& p : part.sorted()) joined.offer(p);
    }
    CHECK(joined.sorted() == whole.sorted());
}

TEST_CASE("a point offered again changes nothing") {
    for (const std::size_t objectives : {2, 3}) {
        Frontier frontier(objectives);
        const FrontierMember p{{1, 2, 0, 0}, 7};
        CHECK(frontier.offer(p));
        CHECK_FALSE(frontier.offer(p));
        CHECK(frontier.size() == 1);
        CHECK(frontier.offer({{1, 2, 0, 0}, 3}));   // equal, but earlier
        CHECK(frontier.sorted() == std::vector<FrontierMember>{{{1, 2, 0, 0}, 3}});
    }
}
