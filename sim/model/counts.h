// SPDX-License-Identifier: Apache-2.0
// How large a model is: exact parameters in total, active per token in three conventions, by component, and bytes.
#pragma once

#include <array>

#include "moecost/base/quantity.h"
#include "moecost/model/architecture.h"
#include "moecost/model/tensors.h"

namespace moecost {

/// All figures are exact integers held in doubles (below 2^53).
struct Counts {
    double total = 0;   // without multi-token-prediction modules; a tied table counts once
    double mtp = 0;
    double towers = 0;                     // vision, audio and the like, not in the total
    double active_incl_embeddings = 0;     // every parameter a token may touch, whole input table included
    double active_excl_input_gather = 0;   // the former without the input table; a tied table stays, as head
    double active_matmul_only = 0;   // GEMM operands only: FLOP per token of all linear layers = 2 x this
    std::array<double, component_count> by_component{};
    std::array<double, component_count> active_by_component{};
};
[[nodiscard]] Counts count(const Architecture& architecture);

/// Stored weight bytes by component under a precision; what a deployment must hold in memory.
struct WeightBytes {
    std::array<Bytes, component_count> by_component{};
    std::array<Bytes, component_count>
        of_mtp{};   // multi-token-prediction modules, held where tokens are drafted
    [[nodiscard]] Bytes of(Component c) const { return by_component[static_cast<std::size_t>(c)]; }
    [[nodiscard]] Bytes total() const;   // without the modules that draft
};
[[nodiscard]] WeightBytes weight_bytes(const Architecture& architecture, const Precision& precision);

}   // namespace moecost
