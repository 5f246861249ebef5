// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/number_text.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

using namespace moecost;

namespace {

std::string figure(double value) {
    std::array<char, longest_figure> buffer{};
    return {buffer.data(), write_figure(buffer.data(), value)};
}

}   // namespace

TEST_CASE("figures have six significant digits and no trailing zeros") {
    CHECK(figure(0) == "0");
    CHECK(figure(1) == "1");
    CHECK(figure(-3) == "-3");
    CHECK(figure(1234567890123) == "1234567890123");   // whole numbers keep all digits
    CHECK(figure(3.14159265) == "3.14159");
    CHECK(figure(-0.0125) == "-0.0125");
    CHECK(figure(0.000012345649) == "0.0000123456");
    CHECK(figure(999999.96) == "1000000");
    CHECK(figure(9.9999996) == "10");
    CHECK(figure(123456.7) == "123457");
    CHECK(figure(1234567.8) == "1234570");
    CHECK(figure(1e20).find('e') != std::string::npos);
    CHECK(figure(1.5e-7) == "1.50000e-07");
    CHECK(figure(std::numeric_limits<double>::quiet_NaN()).empty());
    CHECK(figure(std::numeric_limits<double>::infinity()).empty());
}

TEST_CASE("a figure reads back within half of its last digit") {
    std::mt19937_64 random(11);
    std::uniform_real_distribution<double> exponent(-8, 18);
    for (int i = 0; i < 200000; ++i) {
        const double value = std::pow(10.0, exponent(random)) * (random() % 2 == 0 ? 1 : -1);
        const std::string text = figure(value);
        REQUIRE(text.size() <= longest_figure);
        CHECK(std::abs(std::strtod(text.c_str(), nullptr) / value - 1) <= 5.001e-6);
    }
}
