// SPDX-License-Identifier: Apache-2.0
// Attention kernels: decode against a cache, causal prefill, absorbed latent decode, and recurrent layers.
#pragma once

#include "moecost/ops/operation.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {

/// With B sequences of L visible tokens, K key/value heads, H query heads per rank, v bytes per cached element:
///   occ = min(1, B K max(L/split_tokens, 1)/SM)^occupancy_power          too few work items leave SMs idle
///   H_p = K ceil(H/K/8) 8                                                query heads padded to the MMA tile
///   body = decode_attention_factor times per_sequence B q + p-norm( B K L (d_qk + d_v) v/(e_m BW occ), 2 B q H_p (d_qk + d_v) L/(e_c P_bf16 occ) )
/// q queries per sequence (1, or 1 + drafts). e_c refers to the bf16 peak also with an fp8 cache. Held-out error:
/// 8 % median (kernel timing tables, 2026-08; residuals in the profiles).
[[nodiscard]] Timed decode_attention_time(const DecodeAttention& op, const DecodeAttentionTable& table,
                                          const CalibratedHardware& machine);

/// With T query tokens of B prompts of S tokens, `keys` attended on average:
///   waves = max(T/128, B) H/SM;  q = 1/waves below one wave, else 1 + (ceil(waves) - waves)/waves
///   body = 2 T H (d_qk + d_v) keys/(e_c P_bf16 d/(d + head_knee)) (1 + startup/max(S, 64)) (1 + wave_tail (q - 1))
///          + io T (2 H + 2 K) d 2/BW + cache of what stands before/BW,   d = (d_qk + d_v)/2
/// Held-out error: 11 % median (kernel timing tables, 2026-08; residuals in the profiles). Served rows were
/// calibrated against the bf16 peak.
[[nodiscard]] Timed prefill_attention_time(const PrefillAttention& op, const PrefillAttentionTable& table,
                                           const CalibratedHardware& machine);

/// Absorbed latent decode:
///   body = decode_attention_factor times per_sequence B q + p-norm( B c (r + d_r) v/(e_m BW), 2 B q H c (2 r + d_r)/(e_c P_bf16) )
/// Held-out error: 9 to 11 % median (kernel timing tables, 2026-08; residuals in the profiles).
[[nodiscard]] Timed mla_decode_time(const MlaDecode& op, const MlaDecodeTable& table,
                                    const CalibratedHardware& machine);

/// Batched absorb products: p-norm of order 2 of bytes at mla_absorb_memory and FLOP at mla_absorb_compute (assumed).
[[nodiscard]] Timed mla_absorb_time(const MlaAbsorb& op, const CalibratedHardware& machine);
/// Expansion of keys and values from the latent at mla_absorb_compute of the peak of the weights (assumed).
[[nodiscard]] Timed mla_expand_time(const MlaExpand& op, const CalibratedHardware& machine);
/// Index keys at indexer_memory of the bandwidth (assumed).
[[nodiscard]] Timed index_score_time(const IndexScore& op, const CalibratedHardware& machine);
/// State at recurrent_memory of the bandwidth; chunked scan at recurrent_compute of the bf16 peak (assumed).
[[nodiscard]] Timed recurrent_time(const RecurrentDecode& op, const CalibratedHardware& machine);
[[nodiscard]] Timed recurrent_time(const RecurrentPrefill& op, const CalibratedHardware& machine);

}   // namespace moecost
