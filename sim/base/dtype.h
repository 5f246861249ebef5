// SPDX-License-Identifier: Apache-2.0
// Number formats: bits per element, block scales, and the arithmetic unit that multiplies them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace moecost {

enum class DType { fp32, bf16, fp16, fp8, fp8_block, int8, nvfp4, mxfp4, int4 };

/// The tensor-core path a GEMM runs on; an accelerator states one dense peak for each it has.
enum class MathUnit { fp32, bf16, fp8, int8, fp4 };

/// How a format is stored. Scales: one of `scale_bytes` per `block_out` x `block_in` elements (0: whole tensor,
/// negligible and not counted). Sources: OCP MX v1.0 (mxfp4: 32 elements, E8M0), NVIDIA NVFP4 (16 elements, E4M3),
/// DeepSeek-V3 report (fp8_block: 128 x 128, fp32), compressed-tensors pack-quantized (int4: group 32, bf16).
struct DTypeInfo {
    DType type;
    std::string_view name;
    double element_bytes;
    int block_out;
    int block_in;
    double scale_bytes;
    MathUnit unit;   // when operands have this format on both sides
};

inline constexpr std::array<DTypeInfo, 9> dtype_table{{
    {DType::fp32, "fp32", 4, 0, 0, 0, MathUnit::fp32},
    {DType::bf16, "bf16", 2, 0, 0, 0, MathUnit::bf16},
    {DType::fp16, "fp16", 2, 0, 0, 0, MathUnit::bf16},
    {DType::fp8, "fp8", 1, 0, 0, 0, MathUnit::fp8},
    {DType::fp8_block, "fp8-block", 1, 128, 128, 4, MathUnit::fp8},
    {DType::int8, "int8", 1, 0, 0, 0, MathUnit::int8},
    {DType::nvfp4, "nvfp4", 0.5, 1, 16, 1, MathUnit::fp4},
    {DType::mxfp4, "mxfp4", 0.5, 1, 32, 1, MathUnit::fp4},
    {DType::int4, "int4", 0.5, 1, 32, 2, MathUnit::bf16},
}};

[[nodiscard]] constexpr const DTypeInfo& info(DType type) {
    return dtype_table[static_cast<std::size_t>(type)];
}

/// Bytes per element with scales spread over their block: bf16 2, nvfp4 0.5625, mxfp4 0.53125, int4 0.5625.
[[nodiscard]] constexpr double bytes_per_element(DType type) {
    const DTypeInfo& i = info(type);
    return i.element_bytes + (i.block_in > 0 ? i.scale_bytes / (i.block_out * i.block_in) : 0);
}

/// The format of that name ("fp8-block128" and "bfloat16" are accepted spellings), or nothing.
[[nodiscard]] std::optional<DType> dtype_named(std::string_view name);

[[nodiscard]] std::string_view name_of(MathUnit unit);

}   // namespace moecost
