// SPDX-License-Identifier: Apache-2.0
// Operands of a dense GEMM in every type, in rotating copies, and the CPU reference of single outputs.
#pragma once

#include <memory>
#include <string>

#include "kernels/gemm.h"

namespace microbench {

class GemmData {
  public:
    /// Random weights and activations (bf16), the latter also in the type of the GEMM.
    GemmData(int m, int n, int k, const std::string& dtype, int copies);
    [[nodiscard]] GemmOperands operands(int copy) const;
    /// Activations from bf16 to the type of the GEMM; nothing to do for bf16.
    void quantize(int copy, Stream stream) const;
    /// Largest error over tolerance of outputs of copy 0: the corners and random ones, against sums in float64 of the
    /// products of the stored values. Tolerance: a unit of bf16 and the rounding of the sum.
    [[nodiscard]] double error() const;

  private:
    struct Memory;
    [[nodiscard]] double weight(long long row, long long column) const;
    [[nodiscard]] double activation(long long row, long long column) const;
    int m_, n_, k_;
    std::string dtype_;
    std::shared_ptr<Memory> memory_;
};

}   // namespace microbench
