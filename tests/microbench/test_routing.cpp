// SPDX-License-Identifier: Apache-2.0
// Generators of token routing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "host/routing.h"
#include "kernels/index/random.h"
#include "moecost/base/error.h"

using namespace microbench;

namespace {

/// Every token has top_k different experts, all of them in range.
void check_valid(const Routing& r) {
    REQUIRE(r.expert.size() == static_cast<std::size_t>(r.tokens) * static_cast<std::size_t>(r.top_k));
    for (int t = 0; t < r.tokens; ++t) {
        std::set<int> seen;
        for (int j = 0; j < r.top_k; ++j) seen.insert(r.of(t, j));
        CHECK(seen.size() == static_cast<std::size_t>(r.top_k));
        CHECK(*seen.begin() >= 0);
        CHECK(*seen.rbegin() < r.experts);
    }
}

struct Size {
    int tokens, experts, top_k;
};

}   // namespace

TEST_CASE("every distribution gives each token different experts") {
    for (const char* name : {"balanced", "uniform", "zipf_0.8", "power_law_1.01", "power_law_1.2"}) {
        for (const Size& size :
             {Size{1, 8, 2}, {7, 128, 8}, {33, 256, 8}, {500, 60, 4}, {16, 5, 3}, {9, 4, 4}}) {
            CAPTURE(name);
            CAPTURE(size.tokens);
            check_valid(make_routing(name, size.tokens, size.experts, size.top_k, 1));
        }
    }
}

TEST_CASE("balanced routing touches min(E, T k) experts and loads them alike") {
    CHECK(make_routing("balanced", 1, 128, 8, 1).distinct() == 8);
    CHECK(make_routing("balanced", 4, 128, 8, 1).distinct() == 32);
    CHECK(make_routing("balanced", 16, 128, 8, 1).distinct() == 128);
    const auto loads = make_routing("balanced", 64, 128, 8, 1).loads();
    CHECK(*std::min_element(loads.begin(), loads.end()) == 4);
    CHECK(*std::max_element(loads.begin(), loads.end()) == 4);
}

TEST_CASE("balanced routing loads blocks of experts alike, also with few tokens") {
    // 256 experts, 8 of them per token, on 32 ranks of 8: a rank has T k / 32 pairs, at least the one of token 0
    for (const int tokens : {1, 2, 4, 8, 16, 32, 64, 256}) {
        CAPTURE(tokens);
        const auto loads = make_routing("balanced", tokens, 256, 8, 1, 32).loads();
        CHECK(std::accumulate(loads.begin(), loads.begin() + 8, 0) == std::max(tokens / 4, 1));
    }
}

TEST_CASE("uniform routing touches E (1 - (1 - k/E)^T) experts on average") {
    double distinct = 0;
    for (int seed = 0; seed < 40; ++seed) {
        distinct += make_routing("uniform", 16, 128, 8, static_cast<std::uint64_t>(seed)).distinct();
    }
    CHECK(distinct / 40 == doctest::Approx(128 * (1 - std::pow(1 - 8.0 / 128, 16))).epsilon(0.02));   // 82.4
}

TEST_CASE("a power law concentrates tokens, and the heaviest block is on rank 0") {
    const Routing r = make_routing("power_law_1.2", 4096, 128, 8, 3, 8);
    check_valid(r);
    const auto loads = r.loads();
    CHECK(std::accumulate(loads.begin(), loads.end(), 0) == 4096 * 8);
    CHECK(*std::max_element(loads.begin(), loads.end()) <= 4096);
    const auto block = [&](int rank) {
        return std::accumulate(loads.begin() + rank * 16, loads.begin() + (rank + 1) * 16, 0);
    };
    for (int rank = 1; rank < 8; ++rank) CHECK(block(0) >= block(rank));
    CHECK(block(0) > 1.2 * 4096);   // mean of a rank: 4096
    // published expert tables: 16 tokens, 128 experts, top 8 touch about 58 of them
    double distinct = 0;
    for (int seed = 0; seed < 20; ++seed) {
        distinct += make_routing("power_law_1.2", 16, 128, 8, static_cast<std::uint64_t>(seed)).distinct();
    }
    CHECK(distinct / 20 > 45);
    CHECK(distinct / 20 < 75);
}

TEST_CASE("zipf popularity falls with the exponent") {
    const auto largest = [](const char* name) {
        const auto loads = make_routing(name, 2000, 64, 2, 9).loads();
        return *std::max_element(loads.begin(), loads.end());
    };
    CHECK(largest("zipf_1.2") > 2 * largest("zipf_0.3"));
    CHECK(largest("zipf_0") < 1.5 * 2000 * 2 / 64);
}

TEST_CASE("the seed decides") {
    CHECK(make_routing("uniform", 50, 64, 4, 1).expert == make_routing("uniform", 50, 64, 4, 1).expert);
    CHECK(make_routing("uniform", 50, 64, 4, 1).expert != make_routing("uniform", 50, 64, 4, 2).expert);
}

TEST_CASE("what is drawn token by token begins with the routing of fewer tokens, on any number of ranks") {
    for (const char* name : {"uniform", "zipf_1.0"}) {
        CAPTURE(name);
        REQUIRE(begins_with_smaller(name));
        const Routing all = make_routing(name, 300, 64, 4, 11);
        for (const int tokens : {0, 1, 17, 300}) {
            const Routing some = all.first_tokens(tokens);
            CHECK(some.tokens == tokens);
            CHECK(some.expert == make_routing(name, tokens, 64, 4, 11, 8).expert);
        }
    }
    for (const char* name : {"balanced", "power_law_1.2"}) CHECK_FALSE(begins_with_smaller(name));
}

TEST_CASE("each token takes the experts with the largest keys, in their order") {
    // Logarithms of all 40 x 60 uniform numbers over their weights, which are 1: sorted without a shortcut.
    const Routing r = make_routing("uniform", 40, 60, 5, 7);
    std::uint64_t index = 0;
    for (int t = 0; t < r.tokens; ++t) {
        std::vector<std::pair<double, int>> keys;
        for (int e = 0; e < r.experts; ++e) {
            const double u = (static_cast<double>(random_bits(7, index++) >> 11) + 0.5) * 0x1p-53;
            keys.emplace_back(std::log(u), e);
        }
        std::sort(keys.rbegin(), keys.rend());
        for (int j = 0; j < r.top_k; ++j) CHECK(r.of(t, j) == keys[static_cast<std::size_t>(j)].second);
    }
}

TEST_CASE("no tokens, and no such distribution") {
    CHECK(make_routing("balanced", 0, 8, 2, 1).expert.empty());
    CHECK_THROWS_AS((void)make_routing("gauss", 1, 8, 2, 1), moecost::InputError);
    CHECK_THROWS_AS((void)make_routing("zipf_", 1, 8, 2, 1), moecost::InputError);
    CHECK_THROWS_AS((void)make_routing("power_law_x", 1, 8, 2, 1), moecost::InputError);
}
