// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "moecost/base/format.h"

using namespace moecost;

TEST_CASE("fixed decimals") {
    CHECK(fixed(3.14159, 2) == "3.14");
    CHECK(fixed(2, 3) == "2.000");
    CHECK(fixed(-0.5, 1) == "-0.5");
    CHECK(fixed(1e20, 0) == "100000000000000000000");
}

TEST_CASE("significant digits") {
    CHECK(significant(0.012345, 3) == "0.0123");
    CHECK(significant(3.35, 3) == "3.35");
    CHECK(significant(123456, 3) == "123456");
    CHECK(significant(-2.5, 2) == "-2.5");
    CHECK(significant(0, 3) == "0");
    CHECK(significant(1e12, 3) == "1.00e+12");
    CHECK(significant(1e-9, 3) == "1.00e-09");
}

TEST_CASE("a carry does not add a digit") {
    CHECK(significant(9.996, 3) == "10.0");
    CHECK(significant(9.994, 3) == "9.99");
    CHECK(significant(999.96, 4) == "1000");
    CHECK(significant(0.0099996, 3) == "0.0100");
    CHECK(significant(-99.97, 3) == "-100");
}

TEST_CASE("shortest text reads back as the same number") {
    for (const double x : {0.1, 1.0 / 3, 1e-300, 6.02e23, 989.4}) CHECK(std::stod(shortest(x)) == x);
    CHECK(shortest(0.1) == "0.1");
    CHECK(shortest(80) == "80");
}

TEST_CASE("what is no finite number is named so") {
    CHECK(fixed(std::nan(""), 2) == "nan");
    CHECK(significant(std::numeric_limits<double>::infinity(), 3) == "inf");
    CHECK(fixed(-std::numeric_limits<double>::infinity(), 3) == "-inf");
}

TEST_CASE("digits are grouped by three") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(46702792704) == "46,702,792,704");
    CHECK(grouped(-1000) == "-1,000");
    CHECK(grouped(-100) == "-100");
    CHECK(grouped(std::numeric_limits<long long>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("durations choose their unit") {
    CHECK(duration(12.34e-6) == "12.3 us");
    CHECK(duration(4.56e-3) == "4.56 ms");
    CHECK(duration(7.89) == "7.89 s");
    CHECK(duration(0.9998e-3) == "1.00 ms");
    CHECK(duration(0.9998) == "1.00 s");
    CHECK(duration(0) == "0 us");
    CHECK(duration(3.89e-13) == "0 us");
    CHECK(duration(12e-9) == "0.0120 us");
}

TEST_CASE("sizes are decimal") {
    CHECK(byte_size(123e6) == "123 MB");
    CHECK(byte_size(45.6e9) == "45.6 GB");
    CHECK(byte_size(1.34e12) == "1.34 TB");
    CHECK(byte_size(512) == "512 B");
    CHECK(byte_size(999.9e6) == "1.00 GB");
}

TEST_CASE("columns are padded, never cut") {
    CHECK(align_right("ab", 4) == "  ab");
    CHECK(align_left("ab", 4) == "ab  ");
    CHECK(align_right("abcdef", 4) == "abcdef");
    CHECK(align_left("abcdef", 4) == "abcdef");
}
