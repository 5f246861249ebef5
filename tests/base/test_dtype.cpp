// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "moecost/base/dtype.h"

using namespace moecost;

// Scales spread over their block: nvfp4 one byte per 16, mxfp4 one byte per 32, int4 two bytes per 32,
// fp8-block four bytes per 128 x 128.
static_assert(bytes_per_element(DType::fp32) == 4);
static_assert(bytes_per_element(DType::bf16) == 2);
static_assert(bytes_per_element(DType::fp8) == 1);
static_assert(bytes_per_element(DType::nvfp4) == 0.5625);
static_assert(bytes_per_element(DType::mxfp4) == 0.53125);
static_assert(bytes_per_element(DType::int4) == 0.5625);
static_assert(bytes_per_element(DType::fp8_block) == 1 + 4.0 / 16384);

TEST_CASE("the table stands in the order of the enumeration") {
    for (std::size_t i = 0; i < dtype_table.size(); ++i) {
        CHECK(static_cast<std::size_t>(dtype_table[i].type) == i);
        CHECK(info(dtype_table[i].type).name == dtype_table[i].name);
    }
}

TEST_CASE("a format is found by its name and its other spellings") {
    for (const DTypeInfo& i : dtype_table) CHECK(dtype_named(i.name) == i.type);
    CHECK(dtype_named("bfloat16") == DType::bf16);
    CHECK(dtype_named("fp8-block128") == DType::fp8_block);
    CHECK(dtype_named("fp8_block") == DType::fp8_block);
    CHECK_FALSE(dtype_named("fp7").has_value());
    CHECK_FALSE(dtype_named("").has_value());
}

TEST_CASE("formats multiply on their own unit, weight-only int4 on the 16-bit one") {
    CHECK(info(DType::fp16).unit == MathUnit::bf16);
    CHECK(info(DType::int4).unit == MathUnit::bf16);
    CHECK(info(DType::mxfp4).unit == MathUnit::fp4);
    CHECK(name_of(MathUnit::fp8) == "fp8");
    CHECK(name_of(MathUnit::fp4) == "fp4");
}
