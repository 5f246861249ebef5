// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "moecost/base/inline_vector.h"

using moecost::InlineVector;

namespace {

bool inside(const void* item, const void* owner, std::size_t size) {
    const auto* a = static_cast<const char*>(item);
    const auto* b = static_cast<const char*>(owner);
    return a >= b && a < b + size;
}

}   // namespace

TEST_CASE("the first items lie in the list itself, more of them on the heap, none is lost") {
    InlineVector<int, 4> v;
    CHECK(v.empty());
    for (int i = 0; i < 4; ++i) v.push_back(10 * i);
    CHECK(inside(v.begin(), &v, sizeof v));
    for (int i = 4; i < 100; ++i) v.push_back(10 * i);
    CHECK_FALSE(inside(v.begin(), &v, sizeof v));
    REQUIRE(v.size() == 100);
    int expected = 0;
    for (const int item : v) {
        CHECK(item == expected);
        expected += 10;
    }
    CHECK(v[99] == 990);
}

TEST_CASE("an item of the list may be put at its own end while the list grows") {
    InlineVector<int, 1> v;
    v.push_back(7);
    for (int i = 0; i < 20; ++i) v.push_back(v[0]);
    for (const int item : v) CHECK(item == 7);
}

TEST_CASE("a cleared list is filled again") {
    InlineVector<double, 2> v;
    for (double x = 0; x < 9; ++x) v.push_back(x);
    v.clear();
    CHECK(v.size() == 0);
    v.push_back(3);
    CHECK(v[0] == 3);
}
