// SPDX-License-Identifier: Apache-2.0
// Number formats: bits per element, block scales, and the arithmetic unit that multiplies them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace moecost {

enum class DType {
    fp32,
    bf16,
    fp16,
    fp8,
    fp8_block,
    int8,
    nvfp4,
    mxfp4,
    int4,
    int4_g64,
    int4_g128,
    int4_channel,
    int4_zp,
    int4_zp_g64,
    int4_zp_g128,
    int8_g128,
    int3_g128,
    int2_g128,
    nf4,
    nf4_double,
    mxfp8,
    mxfp6,
    q2_k_s,
    q2_k,
    q3_k_s,
    q3_k_l,
    q4_k_s,
    q4_k_m,
    q5_k_s,
    q5_k_m,
    q6_k,
    q8_0,
    iq1_s,
    iq1_m,
    iq2_xxs,
    iq2_xs,
    iq2_s,
    iq2_m,
    iq3_xxs,
    iq3_xs,
    iq3_s,
    iq3_m,
    iq4_xs,
    iq4_nl
};

/// The tensor-core path a GEMM runs on; an accelerator states one dense peak for each it has.
enum class MathUnit { fp32, bf16, fp8, int8, fp4 };

/// How a format is stored. Scales: one of `scale_bytes` per `block_out` x `block_in` elements (0: whole tensor,
/// negligible and not counted). Sources: OCP MX v1.0 (mxfp4: 32 elements, E8M0), NVIDIA NVFP4 (16 elements, E4M3),
/// DeepSeek-V3 report (fp8_block: 128 x 128, fp32), compressed-tensors pack-quantized (int4: group 32, bf16; zp: with a
/// packed zero point per group, as AWQ and GPTQ store), bitsandbytes (nf4: fp32 maximum per 64, double: itself in 8 bit).
/// GGUF names are mixes of block formats: bits per weight over the whole file of Llama-3.1-8B as llama.cpp tabulates them
/// (tools/quantize/README.md at 311c2c9), tables included.
struct DTypeInfo {
    DType type;
    std::string_view name;
    double element_bytes;
    int block_out;
    int block_in;
    double scale_bytes;
    MathUnit unit;   // when operands have this format on both sides
    DType
        kernels;   // the format whose measured kernels stand for this one; itself where it has kernels of its own
    bool gguf = false;
};

inline constexpr std::array<DTypeInfo, 44> dtype_table{{
    {DType::fp32, "fp32", 4, 0, 0, 0, MathUnit::fp32, DType::fp32},
    {DType::bf16, "bf16", 2, 0, 0, 0, MathUnit::bf16, DType::bf16},
    {DType::fp16, "fp16", 2, 0, 0, 0, MathUnit::bf16, DType::bf16},
    {DType::fp8, "fp8", 1, 0, 0, 0, MathUnit::fp8, DType::fp8},
    {DType::fp8_block, "fp8-block", 1, 128, 128, 4, MathUnit::fp8, DType::fp8_block},
    {DType::int8, "int8", 1, 0, 0, 0, MathUnit::int8, DType::int8},
    {DType::nvfp4, "nvfp4", 0.5, 1, 16, 1, MathUnit::fp4, DType::nvfp4},
    {DType::mxfp4, "mxfp4", 0.5, 1, 32, 1, MathUnit::fp4, DType::mxfp4},
    {DType::int4, "int4", 0.5, 1, 32, 2, MathUnit::bf16, DType::int4},
    {DType::int4_g64, "int4-g64", 0.5, 1, 64, 2, MathUnit::bf16, DType::int4},
    {DType::int4_g128, "int4-g128", 0.5, 1, 128, 2, MathUnit::bf16, DType::int4},
    {DType::int4_channel, "int4-channel", 0.5, 0, 0, 0, MathUnit::bf16, DType::int4},
    {DType::int4_zp, "int4-zp", 0.5, 1, 32, 2.5, MathUnit::bf16, DType::int4},
    {DType::int4_zp_g64, "int4-zp-g64", 0.5, 1, 64, 2.5, MathUnit::bf16, DType::int4},
    {DType::int4_zp_g128, "int4-zp-g128", 0.5, 1, 128, 2.5, MathUnit::bf16, DType::int4},
    {DType::int8_g128, "int8-g128", 1, 1, 128, 3, MathUnit::bf16, DType::bf16},
    {DType::int3_g128, "int3-g128", 0.375, 1, 128, 2.375, MathUnit::bf16, DType::bf16},
    {DType::int2_g128, "int2-g128", 0.25, 1, 128, 2.25, MathUnit::bf16, DType::bf16},
    {DType::nf4, "nf4", 0.5, 1, 64, 4, MathUnit::bf16, DType::bf16},
    {DType::nf4_double, "nf4-double", 0.5, 1, 64, 1.015625, MathUnit::bf16, DType::bf16},
    {DType::mxfp8, "mxfp8", 1, 1, 32, 1, MathUnit::fp8, DType::fp8},
    {DType::mxfp6, "mxfp6", 0.75, 1, 32, 1, MathUnit::bf16, DType::bf16},
    {DType::q2_k_s, "q2_k_s", 2.9697 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q2_k, "q2_k", 3.1593 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q3_k_s, "q3_k_s", 3.6429 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q3_k_l, "q3_k_l", 4.2979 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q4_k_s, "q4_k_s", 4.6672 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q4_k_m, "q4_k_m", 4.8944 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q5_k_s, "q5_k_s", 5.5704 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q5_k_m, "q5_k_m", 5.7036 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q6_k, "q6_k", 6.5633 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::q8_0, "q8_0", 8.5008 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq1_s, "iq1_s", 2.0042 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq1_m, "iq1_m", 2.1460 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq2_xxs, "iq2_xxs", 2.3824 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq2_xs, "iq2_xs", 2.5882 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq2_s, "iq2_s", 2.7403 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq2_m, "iq2_m", 2.9294 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq3_xxs, "iq3_xxs", 3.2548 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq3_xs, "iq3_xs", 3.4977 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq3_s, "iq3_s", 3.6606 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq3_m, "iq3_m", 3.7628 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq4_xs, "iq4_xs", 4.4597 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
    {DType::iq4_nl, "iq4_nl", 4.6818 / 8, 0, 0, 0, MathUnit::bf16, DType::bf16, true},
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
