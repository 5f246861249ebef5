// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/dtype.h"

#include <algorithm>
#include <utility>

namespace moecost {

namespace {

/// GGUF names are written in capitals as often as not.
bool same_name(std::string_view known, std::string_view given) {
    return known.size() == given.size() &&
           std::equal(known.begin(), known.end(), given.begin(),
                      [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == b - 'A' + 'a'); });
}

}   // namespace

std::optional<DType> dtype_named(std::string_view name) {
    for (const DTypeInfo& i : dtype_table) {
        if (same_name(i.name, name)) return i.type;
    }
    constexpr std::pair<std::string_view, DType> spellings[] = {
        {"bfloat16", DType::bf16},       {"float16", DType::fp16},           {"float32", DType::fp32},
        {"fp8_block", DType::fp8_block}, {"fp8-block128", DType::fp8_block}, {"fp8_e4m3", DType::fp8},
        {"fp4", DType::nvfp4},           {"int4-g32", DType::int4},          {"int4-zp-g32", DType::int4_zp},
    };
    for (const auto& [spelling, type] : spellings) {
        if (spelling == name) return type;
    }
    return std::nullopt;
}

std::string_view name_of(MathUnit unit) {
    constexpr std::string_view names[] = {"fp32", "bf16", "fp8", "int8", "fp4"};
    return names[static_cast<std::size_t>(unit)];
}

}   // namespace moecost
