// SPDX-License-Identifier: Apache-2.0
// What engines hold of a checkpoint on one GPU beyond an even share of its bytes.
#pragma once

#include "moecost/base/quantity.h"
#include "moecost/hardware/engine_memory.h"
#include "moecost/model/architecture.h"
#include "moecost/ops/layout.h"

namespace moecost {

/// Routed experts whose kernels want sizes in whole multiples (mxfp4 under vLLM):
///   sum over layers of  experts/ep matrices (up(h) up(w) - h w) bytes,  w = width / expert tp.
[[nodiscard]] Bytes padding_bytes(const Architecture& architecture, const Precision& precision,
                                  const Layout& layout, std::string_view generation,
                                  const EngineMemory& memory);

/// What tensor parallelism does not split: key/value projections beyond one head a rank, (1 - K/tp)(qk + v) h each
/// layer; projections into latents, (1 - 1/tp) h (q_rank + kv_rank + rope).
[[nodiscard]] Bytes replicated_projections(const Architecture& architecture, const Precision& precision,
                                           const Layout& layout);

/// Up-projections of latent attention kept a second time in bf16, ready to be absorbed:
///   heads/tp kv_rank (nope + v) 2 B each layer.
[[nodiscard]] Bytes absorbed_copies(const Architecture& architecture, const Layout& layout);

/// Cosines and sines of every position the model knows, in bf16, one table for each width of rotated heads:
///   positions x width x 2 B. Llama-4-Scout knows 10 million: 2.5 GiB.
[[nodiscard]] Bytes rotary_tables(const Architecture& architecture);

/// All of them as far as the engine does so; none where its terms are not known.
/// Logs of 59 loads of 24 models: median 0.1 %, 90th percentile 0.9 % (results/memory, 2026-11).
[[nodiscard]] Bytes extra_weights(const Architecture& architecture, const Precision& precision,
                                  const Layout& layout, std::string_view generation,
                                  const EngineMemory& memory);

}   // namespace moecost
