// SPDX-License-Identifier: Apache-2.0
// Dense GEMM [M x K] * [K x N]: tiles in waves over the multiprocessors, split-K, bytes, latency of the K loop.
#pragma once

#include "ops/operation.h"
#include "timing/machine.h"

namespace moecost {

/// With the constants of a GemmTable (floor, k_latency, compute e_c, memory e_m, corner p, wave_tail q, split_k s,
/// output_traffic o), peak P, bandwidth BW, SM multiprocessors, w bytes per weight:
///   tiles (t_m, t_n, e): (256,128,1) (128,256,1) (128,128,.95) (64,128,.85) (64,64,.6) (128,64,.8)
///   waves = ceil(M/t_m) ceil(N/t_n)/SM;  wv = 1 up to one wave, then waves + q (ceil(waves) - waves)
///   t_c = min over tiles of wv 2 t_m t_n K/(P/SM e_c e);  t_c >= 2 M N K/P
///   tiles128 = ceil(M/128) ceil(N/128) < SM:  split = max(1, min(SM/tiles128, K/s)), t_c / split
///   t_b = (w N K + w M K + 2 o M N)/(e_m BW);  t_l = K k_latency/split
///   body = (t_c^p + t_b^p + t_l^p)^(1/p) + dynamic activation quantisation M K (2 + w)/BW (none for bf16)
/// Held-out error over 64 tables: 6 to 8 % median (physics_calibration 2.1, 10). Fitted to M <= 16384, N, K >= 256.
[[nodiscard]] Timed gemm_time(const Gemm& op, const GemmTable& table, const Machine& machine);

}   // namespace moecost
