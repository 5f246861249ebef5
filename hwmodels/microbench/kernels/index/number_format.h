// SPDX-License-Identifier: Apache-2.0
// Rounding to the storage formats of tensor cores, to nearest, ties to even: bf16, fp8 e4m3, fp4 e2m1.
// As values (float in, float out) for references, and as bits for operands filled on the device.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/index/hd.h"

namespace microbench {

[[nodiscard]] MB_HD inline std::uint32_t float_bits(float x) {
#ifdef __CUDA_ARCH__
    return __float_as_uint(x);
#else
    return std::bit_cast<std::uint32_t>(x);
#endif
}
[[nodiscard]] MB_HD inline float bits_float(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
    return __uint_as_float(bits);
#else
    return std::bit_cast<float>(bits);
#endif
}

/// Finite x to bf16.
[[nodiscard]] MB_HD inline std::uint16_t to_bf16(float x) {
    const std::uint32_t bits = float_bits(x);
    return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
[[nodiscard]] MB_HD inline float from_bf16(std::uint16_t bits) {
    return bits_float(static_cast<std::uint32_t>(bits) << 16);
}
[[nodiscard]] MB_HD inline float round_bf16(float x) { return from_bf16(to_bf16(x)); }

/// Value of an e4m3 byte (OCP FP8: bias 7, no infinity, 0x7f and 0xff are not numbers).
[[nodiscard]] MB_HD inline float from_e4m3(std::uint8_t byte) {
    const int exponent = (byte >> 3) & 15;
    const int mantissa = byte & 7;
    const float magnitude = exponent == 0 ? static_cast<float>(mantissa) * (1.0f / 512)
                                          : bits_float(static_cast<std::uint32_t>(exponent - 7 + 127) << 23 |
                                                       static_cast<std::uint32_t>(mantissa) << 20);
    // The sign by its bit: random signs make a branch of it the longest part on a CPU.
    return bits_float(float_bits(magnitude) | static_cast<std::uint32_t>(byte & 0x80) << 24);
}

/// Finite x to e4m3, saturating at 448.
[[nodiscard]] MB_HD inline std::uint8_t to_e4m3(float x) {
    const auto sign = static_cast<std::uint8_t>(x < 0 ? 0x80 : 0);
    const float magnitude = bits_float(float_bits(x) & 0x7fffffffu);
    if (!(magnitude < 448.0f)) return static_cast<std::uint8_t>(sign | 0x7e);
    std::uint32_t code = 0;
    if (magnitude <
        1.0f / 64) {   // subnormal: multiples of 2^-9; adding 1.5 * 2^23 rounds to them, ties to even
        const float shifted = magnitude * 512 + 12582912.0f;
        code = float_bits(shifted) & 15u;
    } else {
        const std::uint32_t bits = float_bits(magnitude);
        code = ((bits + 0x7ffffu + ((bits >> 20) & 1u)) >> 20) - ((127u - 7u) << 3);
    }
    return static_cast<std::uint8_t>(sign | code);
}

/// Value of a 4-bit e2m1 code: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
[[nodiscard]] MB_HD inline float from_e2m1(std::uint8_t code) {
    const int exponent = (code >> 1) & 3;
    const int mantissa = code & 1;
    const float magnitude = exponent == 0 ? 0.5f * static_cast<float>(mantissa)
                                          : static_cast<float>((2 + mantissa) << (exponent - 1)) * 0.5f;
    return (code & 8) != 0 ? -magnitude : magnitude;
}

}   // namespace microbench
