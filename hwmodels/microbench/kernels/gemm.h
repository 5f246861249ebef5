// SPDX-License-Identifier: Apache-2.0
// Dense GEMM by cuBLASLt: y[m, n] = x[m, k] W[n, k]^T, all row-major, y in bf16.
#pragma once

#include <cuda_bf16.h>

#include <memory>
#include <string_view>

#include "host/bench.h"

namespace microbench {

struct GemmOperands {
    const void* weights = nullptr;
    const void* weight_scales = nullptr;   // nvfp4 only
    const void* x = nullptr;
    const void* x_scales = nullptr;
    __nv_bfloat16* y = nullptr;
};

class LtGemm {
  public:
    /// The first choice of the heuristic. SkipCase where cuBLASLt has no algorithm for the shape and type.
    LtGemm(int m, int n, int k, std::string_view dtype);
    /// Tries up to `candidates` algorithms of the heuristic on `operands` and keeps the fastest.
    void tune(const GemmOperands& operands, int candidates);
    void run(const GemmOperands& operands, Stream stream) const;

  private:
    struct Plan;
    std::shared_ptr<Plan> plan_;
};

}   // namespace microbench
