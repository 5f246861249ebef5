// SPDX-License-Identifier: Apache-2.0
// Operands of the tests of tensor kernels: small random values, stored as a kernel stores them and read back as double.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "kernels/index/number_format.h"

namespace tensor_test {

namespace mt = microbench;

/// Rows of values of bfloat16 (2 bytes) or e4m3 (1 byte) in 16-byte aligned memory.
class Operand {
  public:
    Operand(std::size_t count, bool bytes, unsigned seed, float size = 1) : bytes_(bytes) {
        std::mt19937 random(seed);
        std::uniform_real_distribution<float> value(-size, size);
        memory_.resize((count * width() + 15) / 16 * 2);
        for (std::size_t i = 0; i < count; ++i) {
            const float x = value(random);
            if (bytes) {
                data()[i] = mt::to_e4m3(x);
            } else {
                reinterpret_cast<std::uint16_t*>(data())[i] = mt::to_bf16(x);
            }
        }
    }
    [[nodiscard]] std::size_t width() const { return bytes_ ? 1 : 2; }
    unsigned char* data() { return reinterpret_cast<unsigned char*>(memory_.data()); }
    [[nodiscard]] const unsigned char* data() const {
        return reinterpret_cast<const unsigned char*>(memory_.data());
    }
    [[nodiscard]] const std::uint16_t* halves() const {
        return reinterpret_cast<const std::uint16_t*>(data());
    }
    std::uint16_t* halves() { return reinterpret_cast<std::uint16_t*>(data()); }
    double operator[](std::size_t i) const {
        return bytes_ ? mt::from_e4m3(data()[i]) : mt::from_bf16(halves()[i]);
    }

  private:
    bool bytes_;
    std::vector<std::uint64_t> memory_;
};

}   // namespace tensor_test
