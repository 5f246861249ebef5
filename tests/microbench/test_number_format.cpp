// SPDX-License-Identifier: Apache-2.0
// Storage formats of tensor cores: every code, and rounding between codes.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/index/block_scale.h"
#include "kernels/index/number_format.h"
#include "kernels/index/random.h"

using namespace microbench;

TEST_CASE("bf16 rounds to nearest, ties to even") {
    CHECK(round_bf16(1.0f) == 1.0f);
    CHECK(round_bf16(1.0f + 1.0f / 256) == 1.0f);                // halfway: even mantissa below
    CHECK(round_bf16(1.0f + 3.0f / 256) == 1.0f + 4.0f / 256);   // halfway: even mantissa above
    CHECK(round_bf16(1.0f + 1.1f / 256) == 1.0f + 2.0f / 256);
    CHECK(round_bf16(-3.14159265f) == -3.140625f);
    CHECK(round_bf16(0.0f) == 0.0f);
}

TEST_CASE("every e4m3 code reads back as itself") {
    for (int code = 0; code < 256; ++code) {
        if ((code & 0x7f) == 0x7f) continue;   // not a number
        if (code == 0x80) continue;            // minus zero has the value of zero
        const float value = from_e4m3(static_cast<std::uint8_t>(code));
        CHECK(to_e4m3(value) == code);
    }
    CHECK(from_e4m3(0x7e) == 448.0f);
    CHECK(from_e4m3(0x38) == 1.0f);
    CHECK(from_e4m3(0x01) == 1.0f / 512);
}

TEST_CASE("e4m3 takes the nearest code, ties to even, and saturates") {
    for (int code = 0; code < 0x7e; ++code) {
        const float low = from_e4m3(static_cast<std::uint8_t>(code));
        const float high = from_e4m3(static_cast<std::uint8_t>(code + 1));
        CHECK(to_e4m3(low + 0.45f * (high - low)) == code);
        CHECK(to_e4m3(low + 0.55f * (high - low)) == code + 1);
        CHECK(to_e4m3(low + 0.5f * (high - low)) == (code % 2 == 0 ? code : code + 1));
        CHECK(to_e4m3(-(low + 0.55f * (high - low))) == (0x80 | (code + 1)));
    }
    CHECK(to_e4m3(1e9f) == 0x7e);
    CHECK(to_e4m3(-1e9f) == 0xfe);
}

TEST_CASE("e2m1 has eight magnitudes and rounds between them") {
    const std::vector<float> values{0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    for (int code = 0; code < 8; ++code) {
        CHECK(from_e2m1(static_cast<std::uint8_t>(code)) == values[static_cast<std::size_t>(code)]);
        CHECK(from_e2m1(static_cast<std::uint8_t>(code | 8)) == -values[static_cast<std::size_t>(code)]);
    }
    for (int code = 0; code < 7; ++code) {
        const float low = values[static_cast<std::size_t>(code)];
        const float high = values[static_cast<std::size_t>(code + 1)];
        CHECK(to_e2m1(low + 0.45f * (high - low)) == code);
        CHECK(to_e2m1(low + 0.55f * (high - low)) == code + 1);
        CHECK(to_e2m1((low + high) / 2) == (code % 2 == 0 ? code : code + 1));
    }
    CHECK(to_e2m1(100) == 7);
    CHECK(to_e2m1(-100) == 15);
}

TEST_CASE("the largest element of a block lands near the largest code") {
    for (const float largest : {0.1f, 0.99f, 3.0f, 100.0f}) {
        const float scale = from_e4m3(block_scale(largest));
        CHECK(largest / scale == doctest::Approx(6).epsilon(0.07));   // e4m3 rounds the scale by up to 1/16
    }
    CHECK(block_scale(0) == 0);
}

TEST_CASE("random operands are uniform in [-1, 1)") {
    double sum = 0;
    double squares = 0;
    constexpr int n = 100000;
    for (int i = 0; i < n; ++i) {
        const auto x = static_cast<double>(random_uniform(7, static_cast<std::uint64_t>(i)));
        CHECK_FALSE((x < -1 || x >= 1));
        sum += x;
        squares += x * x;
    }
    CHECK(std::abs(sum / n) < 0.01);
    CHECK(squares / n == doctest::Approx(1.0 / 3).epsilon(0.02));
}
