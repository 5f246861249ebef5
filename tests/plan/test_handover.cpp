// SPDX-License-Identifier: Apache-2.0
// Which workers may hand caches over to which.
#include <doctest/doctest.h>

#include "moecost/plan/handover.h"

using namespace moecost;

namespace {

const std::vector<Layout> prefill{{.tp = 4}, {.tp = 8}, {.tp = 4, .pp = 2}, {.tp = 4, .ep = 4}};
const std::vector<Layout> decode{{.tp = 8}, {.tp = 4}, {.tp = 4, .attention_dp = 2}, {.tp = 2, .pp = 2}};

}   // namespace

TEST_CASE("where every pair is allowed there is one group of all degrees") {
    const auto groups = handover_groups(prefill, decode, [](std::size_t, std::size_t) { return true; });
    REQUIRE(groups.size() == 1);
    for (const Layout& l : prefill) CHECK(groups.front().takes_prefill(l));
    for (const Layout& l : decode) CHECK(groups.front().takes_decode(l));
}

TEST_CASE("equal tensor parallelism makes a group of each width, and leaves out what nobody may serve") {
    const auto groups = handover_groups(
        prefill, decode, [](std::size_t p, std::size_t d) { return prefill[p].tp == decode[d].tp; });
    REQUIRE(groups.size() == 2);
    for (const HandoverGroup& g : groups) {
        for (const Layout& p : prefill) {
            for (const Layout& d : decode)
                CHECK_FALSE((g.takes_prefill(p) && g.takes_decode(d) && p.tp != d.tp));
        }
        CHECK_FALSE(g.takes_decode({.tp = 2, .pp = 2}));
    }
    CHECK(groups.front().takes_prefill({.tp = 8}));                    // of decode tp 8
    CHECK(groups.back().takes_prefill({.tp = 4, .pp = 2}));            // of decode tp 4
    CHECK(groups.back().takes_decode({.tp = 4, .attention_dp = 2}));   // degrees are tp and pp alone
}

TEST_CASE("without an allowed pair there is no group") {
    CHECK(handover_groups(prefill, decode, [](std::size_t, std::size_t) { return false; }).empty());
    CHECK(handover_groups({}, decode, [](std::size_t, std::size_t) { return true; }).empty());
}
