// SPDX-License-Identifier: Apache-2.0
// Number format of each component of a model. Norms, biases, router, convolutions and small vectors stay in bf16.
#pragma once

#include <optional>

#include "moecost/base/dtype.h"

namespace moecost {

struct Precision {
    DType attention = DType::bf16;   // projections of every mixer, indexers and latent projections
    DType dense_ffn = DType::bf16;
    DType shared_experts = DType::bf16;
    DType routed_experts = DType::bf16;
    DType embeddings = DType::bf16;
    DType head = DType::bf16;
    DType kv_cache = DType::bf16;
    std::optional<DType>
        output_projection{};   // o_proj of attention where a release treats it apart (DeepSeek NVFP4)
    bool operator==(const Precision&) const = default;

    /// True when weights have the same formats; caches may differ.
    [[nodiscard]] constexpr bool same_weights(Precision other) const {
        other.kv_cache = kv_cache;
        return *this == other;
    }

    /// Every GEMM weight of the layers in one format; embeddings, head and cache keep theirs.
    [[nodiscard]] constexpr Precision with_weights(DType type) const {
        Precision p = *this;
        p.attention = p.dense_ffn = p.shared_experts = p.routed_experts = type;
        p.output_projection.reset();
        if (info(type).gguf) p.embeddings = p.head = type;   // files hold their tables in the same mix
        return p;
    }
};

}   // namespace moecost
