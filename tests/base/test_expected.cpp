// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "moecost/base/expected.h"

using namespace moecost;

namespace {

Expected<double> half(double x) {
    if (x < 0) return Infeasible{"needs memory", "weights", "GB", 90, 80};
    return x / 2;
}

}   // namespace

TEST_CASE("an expected value is the value or the reason") {
    CHECK(static_cast<bool>(half(4)));
    CHECK(*half(4) == 2);
    CHECK_FALSE(static_cast<bool>(half(-1)));
    CHECK(half(-1).error().needed == 90);
}

TEST_CASE("the reason is told with need, stock and shortfall") {
    CHECK(to_text(half(-1).error()) ==
          "needs memory: weights needs 90.00 GB, 80.00 available (short by 10.0 GB)");
    CHECK(to_text(Infeasible{"tp does not divide heads", {}, {}, 0, 0}) == "tp does not divide heads");
}
