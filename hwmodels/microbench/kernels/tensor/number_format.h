// SPDX-License-Identifier: Apache-2.0
// bfloat16 and e4m3 as bits, converted without a CUDA header: the same arithmetic in kernels, references and tests.
#pragma once

#include <cstdint>

#include "fragment_index.h"

namespace microbench::tensor {

MB_HD float float_of_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
    return __uint_as_float(bits);
#else
    return __builtin_bit_cast(float, bits);
#endif
}

MB_HD std::uint32_t bits_of_float(float value) {
#if defined(__CUDA_ARCH__)
    return __float_as_uint(value);
#else
    return __builtin_bit_cast(std::uint32_t, value);
#endif
}

MB_HD float float_of_bf16(std::uint16_t bits) { return float_of_bits(std::uint32_t{bits} << 16); }

/// Nearest, ties to even. NaN does not occur.
MB_HD std::uint16_t bf16_of_float(float value) {
    const std::uint32_t bits = bits_of_float(value);
    return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/// e4m3: sign, 4 bits of exponent (bias 7), 3 of mantissa, no infinity, largest 448.
MB_HD float float_of_e4m3(std::uint8_t bits) {
    const std::uint32_t sign = std::uint32_t{bits & 0x80u} << 24;
    const std::uint32_t magnitude = std::uint32_t{bits & 0x7Fu} << 20;   // exponent biased by 7: scaled by 2^-120
    return float_of_bits(sign | magnitude) * 0x1p120F;
}

/// Nearest, ties to even, saturating at 448; subnormals (below 2^-6) in steps of 2^-9.
MB_HD std::uint8_t e4m3_of_float(float value) {
    const std::uint32_t bits = bits_of_float(value);
    const std::uint32_t sign = (bits >> 24) & 0x80u;
    const float size = float_of_bits(bits & 0x7FFFFFFFu);
    if (size >= 448.0F) return static_cast<std::uint8_t>(sign | 0x7Eu);
    if (size < 0x1p-6F) {   // adding 2^14 leaves steps of 2^-9 in the last bits of the mantissa
        return static_cast<std::uint8_t>(sign | ((bits_of_float(size + 0x1p14F)) & 0xFu));
    }
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    const std::uint32_t rounded = magnitude + 0x7FFFFu + ((magnitude >> 20) & 1u);
    return static_cast<std::uint8_t>(sign | ((rounded >> 20) - (120u << 3)));
}

MB_HD std::uint32_t pack_halves(std::uint16_t low, std::uint16_t high) {
    return std::uint32_t{low} | (std::uint32_t{high} << 16);
}

}   // namespace microbench::tensor
