// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <type_traits>

#include "moecost/base/quantity.h"

using namespace moecost;

namespace {

// Dimensions that must come out of products and quotients.
static_assert(std::is_same_v<decltype(Bytes{} / BytesPerSecond{1}), Seconds>);
static_assert(std::is_same_v<decltype(Flop{} / FlopPerSecond{1}), Seconds>);
static_assert(std::is_same_v<decltype(BytesPerSecond{} * Seconds{}), Bytes>);
static_assert(std::is_same_v<decltype(Tokens{} / Seconds{1}), TokensPerSecond>);
static_assert(std::is_same_v<decltype(DollarsPerSecond{} / TokensPerSecond{1}), DollarsPerToken>);
static_assert(std::is_same_v<decltype(Watts{} / TokensPerSecond{1}), JoulesPerToken>);
static_assert(std::is_same_v<decltype(BytesPerToken{} * Tokens{}), Bytes>);
static_assert(std::is_same_v<decltype(Bytes{} / Bytes{1}), double>, "a ratio of like quantities is a number");

// What has no meaning must not compile; a number is no quantity until it is given its unit.
template <class A, class B>
concept Addable = requires(A a, B b) {
    a + b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
    a < b;
};
static_assert(Addable<Bytes, Bytes>);
static_assert(!Addable<Bytes, Seconds>);
static_assert(!Addable<Bytes, double>);
static_assert(!Addable<Dollars, DollarsPerSecond>);
static_assert(!Comparable<Bytes, Flop>);
static_assert(!std::is_convertible_v<double, Seconds>);
static_assert(!std::is_convertible_v<Seconds, double>);
static_assert(!std::is_assignable_v<Seconds&, Bytes>);

// Free of cost: as small as a double, trivially copied, usable at compile time.
static_assert(sizeof(Bytes) == sizeof(double) && std::is_trivially_copyable_v<Bytes>);
static_assert((80_GB).value() == 80e9);
static_assert((80_GiB).value() == 80.0 * 1024 * 1024 * 1024);
static_assert((3.35_TB_per_s).value() == 3.35e12);
static_assert((450_GB_per_s).value() == 450e9);
static_assert((989.4_TFLOP_per_s).value() == 989.4e12);
static_assert((1.5_ms).value() == 1.5e-3);

}   // namespace

TEST_CASE("80 GB at 3.35 TB/s take 23.88 ms") {
    // 80e9 / 3.35e12 = 0.0238806
    CHECK((80_GB / 3.35_TB_per_s).value() == doctest::Approx(0.0238806).epsilon(1e-6));
}

TEST_CASE("quantities of one kind add, subtract, scale, compare") {
    Seconds t = 2.0_s;
    t += 500.0_ms;
    t -= 250.0_us;
    CHECK(t.value() == doctest::Approx(2.49975));
    t *= 2;
    CHECK(t.value() == doctest::Approx(4.9995));
    CHECK((2 * 3_GB).value() == (3_GB * 2).value());
    CHECK((3_GB / 2).value() == 1.5e9);
    CHECK((-1.0_s).value() == -1);
    CHECK((3_GB - 1_GB) == 2_GB);
    CHECK(1_GB < 1_GiB);
    CHECK(3_GB / 2_GB == 1.5);
    CHECK(max(1.0_s, 2.0_s) == 2.0_s);
    CHECK(min(1.0_s, 2.0_s) == 1.0_s);
}

TEST_CASE("a quantity starts at zero") { CHECK(Bytes{}.value() == 0); }
