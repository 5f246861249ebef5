// SPDX-License-Identifier: Apache-2.0
// Benches of the tensor kernels: expert GEMMs, expert layers, attention.
#pragma once

#include <string_view>
#include <vector>

#include "host/bench.h"
#include "host/routing.h"

namespace microbench {

/// Name, what it calibrates, cases; `prepare` is null.
[[nodiscard]] std::vector<Bench> tensor_listing();

/// What prepares the cases of a bench; null when the name is none of tensor_listing(). Only in the CUDA program.
[[nodiscard]] Prepared (*tensor_prepare(std::string_view bench))(const Case&, const Device&);

[[nodiscard]] Prepared prepare_grouped_gemm(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_moe(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_attention_decode(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_attention_prefill(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_mla_decode(const Case& c, const Device& device);
[[nodiscard]] Prepared prepare_mla_prefill(const Case& c, const Device& device);

/// SkipCase where the program lacks the instructions of warpgroups: compiled for another architecture than sm_90a.
void require_warpgroups();

/// The routing of a case of table moe: the same when it is listed and when it is prepared.
[[nodiscard]] Routing moe_routing(const Case& c);

}   // namespace microbench
