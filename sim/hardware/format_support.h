// SPDX-License-Identifier: Apache-2.0
// How an engine computes each number format on one generation of accelerators, as small as a sweep needs it.
#pragma once

#include <array>
#include <cstddef>

#include "moecost/base/dtype.h"

namespace moecost {

enum class FormatRole {
    weights,
    experts,
    cache
};   // projections and dense parts; routed experts; keys and values
enum class CacheKind { grouped, latent };

/// native: the arithmetic of the format; weight_only: its bytes, the arithmetic of bf16 (W8A16, W4A16; a cache that is
/// widened as it is read); by_tables: no rule is known, so peaks and kernel tables decide.
enum class Compute { by_tables, native, weight_only, refused };

/// The answers for one generation. Default: by_tables.
struct FormatSupport {
    std::array<Compute, 4 * dtype_table.size()> compute{};   // weights, experts, grouped cache, latent cache

    [[nodiscard]] Compute weights(DType type) const { return at(0, type); }
    [[nodiscard]] Compute experts(DType type) const { return at(1, type); }
    [[nodiscard]] Compute cache(DType type, CacheKind kind) const {
        return at(kind == CacheKind::grouped ? 2 : 3, type);
    }
    bool operator==(const FormatSupport&) const = default;

  private:
    [[nodiscard]] Compute at(std::size_t row, DType type) const {
        return compute[row * dtype_table.size() + static_cast<std::size_t>(type)];
    }
};

}   // namespace moecost
