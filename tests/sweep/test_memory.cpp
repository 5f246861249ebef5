// SPDX-License-Identifier: Apache-2.0
// A sweep is a stream: what one point leaves behind, a billion points leave a billion times.
#include <doctest/doctest.h>

#include "moecost/estimate/estimate.h"

using namespace moecost;

TEST_CASE("numbers applied to a scenario for every point leave nothing behind") {
    Description d;
    d.model = "mixtral-8x7b";   // has no module that drafts: that of one's own is noted as free
    d.gpu = "h100_sxm";
    d.tp = 2;
    d.draft_tokens = 2;
    d.acceptance = 0.7;
    auto described = describe(DataStore(), d);
    REQUIRE(static_cast<bool>(described));
    Scenario s = *described;
    REQUIRE_FALSE(apply_numbers(d, s));
    const std::size_t notes = s.notes.size();
    for (int point = 0; point < 100; ++point) REQUIRE_FALSE(apply_numbers(d, s));
    CHECK(s.notes.size() == notes);
}
