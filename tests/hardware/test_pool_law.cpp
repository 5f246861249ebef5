// SPDX-License-Identifier: Apache-2.0
// The constants of pools: those of an engine over those of any.
#include <doctest/doctest.h>

#include "moecost/base/data.h"
#include "moecost/hardware/profile/pool_law.h"

using namespace moecost;

TEST_CASE("an engine states what is its own, the rest is that of any") {
    const DataStore data;
    const PoolLaw any = load_pool_law(data, "an engine without a table");
    const PoolLaw sglang = load_pool_law(data, "sglang");
    const PoolLaw trtllm = load_pool_law(data, "trtllm");
    CHECK(any.wide.balance > 0);
    CHECK(any.alone.step == 1);   // stated by engines alone
    CHECK(sglang.alone.step < 1);
    CHECK(sglang.alone.experts == any.alone.experts);
    CHECK(sglang.wide.experts == trtllm.wide.experts);
    CHECK(sglang.alone.first_token > trtllm.alone.first_token);
    CHECK(sglang.alone.burst_rounds == any.alone.burst_rounds);
}

TEST_CASE("keys of the file are no engines") {
    const DataStore data;
    CHECK(load_pool_law(data, "schema").alone.step == 1);
    CHECK(load_pool_law(data, "date").alone.step == 1);
}
