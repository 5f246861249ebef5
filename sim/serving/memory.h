// SPDX-License-Identifier: Apache-2.0
// What lies in the memory of one GPU, and how many sequences fit beside the weights.
#pragma once

#include "moecost/base/expected.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/counts.h"
#include "moecost/ops/layout.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

struct MemoryPlan {
    Bytes capacity;               // usable device memory
    Bytes weights;                // of the busiest GPU
    Bytes reserve;                // runtime, graphs, activations, communication buffers
    Bytes cache;                  // left for sequences by the engine's memory share
    Bytes sequence;               // what one sequence holds on a GPU at its mean resident length
    double max_concurrency = 0;   // sequences of the instance
};

/// Weights of the busiest GPU of an instance: attention, dense and shared parts /tp, routed experts
/// over all GPUs of a stage, router and norms replicated, layers /pp, the larger of embeddings and head on one stage.
[[nodiscard]] Bytes weights_per_gpu(const WeightBytes& weights, const Layout& layout);

/// cache = fraction M - W - reserve (basis total) or fraction (M - W - reserve) (basis free);
/// sequences of a rank = floor(cache/sequence bytes at I + r O tokens), at most max_sequences of the engine.
/// Infeasible when weights and reserve exceed memory, or when not one sequence of I + O tokens fits.
[[nodiscard]] Expected<MemoryPlan> plan_memory(const Architecture& architecture, const Precision& precision,
                                               const WeightBytes& weights, const Layout& layout,
                                               const Cluster& cluster, const EngineSettings& engine,
                                               const Traffic& traffic);

}   // namespace moecost
