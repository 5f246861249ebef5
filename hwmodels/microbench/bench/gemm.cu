// SPDX-License-Identifier: Apache-2.0
// gemm: the heuristic's choice, quantisation of activations included (as engines run it and published tables time it).
// gemm_tuned: the fastest of several algorithms, GEMM alone.
#include "bench/benches.h"
#include "bench/gemm_operands.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "kernels/cuda.h"

namespace microbench {

Prepared prepare_gemm(const Case& c, const Device& device) {
    const int m = static_cast<int>(dimension(c, "m"));
    const int n = static_cast<int>(dimension(c, "n"));
    const int k = static_cast<int>(dimension(c, "k"));
    Prepared p;
    p.copies = rotating_copies(c.work.bytes, device.l2_bytes, 512);
    LtGemm gemm(m, n, k, c.dtype);
    const GemmData data(m, n, k, c.dtype, p.copies);
    if (c.table == "gemm_tuned") {
        gemm.tune(data.operands(0), 8);
        p.launch = [gemm, data](Stream s, int copy) { gemm.run(data.operands(copy), s); };
    } else {
        p.launch = [gemm, data](Stream s, int copy) {
            data.quantize(copy, s);
            gemm.run(data.operands(copy), s);
        };
    }
    p.error = [gemm, data] {
        data.quantize(0, nullptr);
        gemm.run(data.operands(0), nullptr);
        wait(nullptr);
        return data.error();
    };
    p.reference = "float64 sums of the stored operands at corners and random places";
    return p;
}

}   // namespace microbench
