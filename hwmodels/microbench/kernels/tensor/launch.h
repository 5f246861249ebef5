// SPDX-License-Identifier: Apache-2.0
// Launches of the tensor kernels: choice of tile, grid and shared memory. Capturable into a graph: nothing waits, nothing
// allocates. Every function throws CudaError when a launch fails.
#pragma once

#include "host/bench.h"
#include "kernels/tensor/decode_attention.h"
#include "kernels/tensor/grouped_gemm.h"
#include "kernels/tensor/mla_decode.h"
#include "kernels/tensor/moe_kernels.h"
#include "kernels/tensor/prefill_attention.h"

namespace microbench::tensor {

struct GemmKind {
    bool bytes = false;   // e4m3
    bool gated = false;
    bool small = false;       // tiles for few rows per expert
    bool warpgroup = false;   // where not small, by warpgroup_gemm.h: compute capability 9.0 only
};

/// Rows of a tile of A: what GroupedGemm::tile_prefix counts.
[[nodiscard]] int tile_rows(const GemmKind& kind);
void launch_grouped_gemm(const GemmKind& kind, const GroupedGemm& g, int multiprocessors, Stream stream);
void launch_warpgroup_gemm(const GemmKind& kind, const GroupedGemm& g, int multiprocessors, Stream stream);
/// Whether the program holds the instructions of warpgroups for the device it runs on: compiled for sm_90a, not for sm_90.
[[nodiscard]] bool has_warpgroups();

void launch_route(const MoeRoute& route, Stream stream);
void launch_combine(const MoeCombine& combine, int tokens, Stream stream);
void launch_quantize(const Quantize& quantize, Stream stream);

/// Fills parts and part_tokens for contexts of at most `context` tokens and the window of `a`; head_dim 64 or 128.
void plan_decode(DecodeAttention& a, bool bytes, int head_dim, int batch, int context, int multiprocessors);
void launch_decode(const DecodeAttention& a, bool bytes, int head_dim, int batch, Stream stream);

/// `bytes`: of an e4m3 cache. `shared_bytes` a block may have chooses between tiles of 64 and of 32 tokens;
/// SkipCase where it is too little for either.
void plan_mla_decode(MlaDecode& a, bool bytes, int batch, int context, int multiprocessors,
                     double shared_bytes);
void launch_mla_decode(const MlaDecode& a, bool bytes, int batch, double shared_bytes, Stream stream);

/// query_dim 64, 128, or 192 with values of 128.
void launch_prefill(const PrefillAttention& a, int query_dim, int batch, Stream stream);
/// Where has_warpgroups().
void launch_warpgroup_prefill(const PrefillAttention& a, int query_dim, int batch, Stream stream);

}   // namespace microbench::tensor
