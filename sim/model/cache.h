// SPDX-License-Identifier: Apache-2.0
// What a sequence holds in memory while it is served: keys and values (or latents, or compressed entries) per token,
// windows that stop growing, and constant state of recurrent layers.
#pragma once

#include "moecost/base/quantity.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// Bytes written per new token over all layers that keep a cache, windowed ones included; no page padding.
/// `tp` tensor-parallel ranks: the figure is per rank; key/value heads are split over min(tp, K) ranks, latents and
/// indexer keys are replicated.
[[nodiscard]] Bytes kv_bytes_per_token(const Architecture& architecture, DType cache, int tp = 1);
/// The part of it that grows with the context without bound.
[[nodiscard]] Bytes kv_bytes_per_token_unbounded(const Architecture& architecture, DType cache, int tp = 1);
/// Upper bound of what windowed and chunked layers hold per sequence.
[[nodiscard]] Bytes kv_window_cap(const Architecture& architecture, DType cache, int tp = 1);
/// Index keys of sparse attention written per new token (bf16, the convention of the counts; engines may use fp8).
[[nodiscard]] Bytes indexer_bytes_per_token(const Architecture& architecture);
/// Recurrent state (fp32) and convolution state (bf16) of one sequence, split over tp.
[[nodiscard]] Bytes state_bytes(const Architecture& architecture, int tp = 1);
/// Everything one sequence of `context` tokens holds on one rank, indexer keys and state included.
[[nodiscard]] Bytes sequence_bytes(const Architecture& architecture, DType cache, double context, int tp = 1);

/// Constant state of one layer of this kind: fp32 recurrent part and bf16 convolution part; 0 for attention.
struct LayerState {
    Bytes recurrent;
    Bytes convolution;
};
[[nodiscard]] LayerState layer_state(const Mixer& mixer);

}   // namespace moecost
