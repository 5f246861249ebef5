// SPDX-License-Identifier: Apache-2.0
// What a step of training takes: the operations of the forward step (ops/step.h), timed by the laws of serving
// (timing/step_timer.h), run forward, backward and again where activations are recomputed, with what only training does:
// logits of every token, gradients reduced, weights gathered, parameters updated, a pipeline that fills and drains.
//
//   micro-batch on a stage = forward + backward (+ forward again when everything is recomputed)
//     backward: two products for each GEMM of the forward pass (of inputs, of weights): twice its time; attention
//     attention_backward times (five products for two, at the lower rate of its kernel); exchanges once more
//   step = (micro-batches + (pp - 1)/virtual stages) x slowest stage + reduction that nothing hides + update
//   reduction: gradients scattered while the last micro-batch runs backward, weights gathered while the first runs
//     forward; what is longer than that shows. Fully sharded weights travel for every micro-batch.
//
// Source of the schedule and its bubble: Narayanan et al. 2021 (2104.04473); of sharded updates: Rajbhandari et al. 2020.
#pragma once

#include "moecost/base/expected.h"
#include "moecost/model/architecture.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {

class DataStore;

/// How one replica is spread and how many there are. Expert parallelism lies over the ranks that data parallelism makes
/// (and over tensor-parallel ones), so it multiplies nothing.
struct TrainingLayout {
    int tp = 1;                     // tensor (and sequence) parallelism
    int pp = 1;                     // pipeline stages
    int cp = 1;                     // context parallelism
    int ep = 1;                     // expert parallelism
    int gpus = 1;                   // all of them; tp pp cp divides it
    int virtual_stages = 1;         // of one rank (interleaved schedule)
    double micro_batch = 1;         // sequences
    bool recompute = false;         // every layer's activations
    bool sharded = false;           // weights, gradients and optimiser over the data-parallel ranks (FSDP)
    bool hidden_exchange = false;   // expert exchanges run beside computation (DualPipe and the like)
    bool hidden_tensor = false;     // collectives of tensor parallelism run beside the products around them
    bool operator==(const TrainingLayout&) const = default;
    [[nodiscard]] int dp() const { return gpus / (tp * pp * cp); }
};

struct TrainingTask {
    double sequence = 4096;   // tokens
    double batch = 1024;      // sequences of one step, of all replicas
};

/// hwmodels/training.toml: few constants, each with a meaning, source and date.
struct TrainingConstants {
    double sustained =
        1;   // share of the speed of isolated kernels that a long run keeps (clocks, contention)
    double sustained_fp8 =
        1;   // the same of dense fp8 products, which come from another library than the tables
    double permute_passes =
        8;   // passes over the copies of tokens that go to experts and back, both directions
    double attention_backward = 3;   // time of backward attention over forward
    Seconds host_per_layer;          // least time of a layer's forward pass: kernels launched one by one
    double network_share = 0.8;      // of link and NIC rates that large collectives reach
    double gradient_bytes = 4;       // of a parameter's gradient as it is kept and reduced
    double optimiser_bytes = 12;     // of a parameter: master copy and two moments
    double update_bytes = 32;        // read and written per parameter and step
    double activation_passes = 8;    // passes over the inner width of a feed-forward, forward and backward
    double memory_share = 0.92;      // of device memory that training may fill
};
[[nodiscard]] TrainingConstants load_training_constants(const DataStore& data);

struct TrainingStep {
    Seconds total;
    // Of one step, on the busiest GPU; they add up to the total.
    Seconds forward, backward, recompute, exchange, tensor, bubble, reduction, update;
    double tokens_per_s_gpu = 0;
    double flop_per_token = 0;   // 6 of each parameter used, and causal attention
    double mfu = 0;              // of dense bf16 peak
    Bytes memory;                // weights, gradients, optimiser, activations
};

/// Infeasible: a degree does not divide what it splits, or the memory does not hold it (unless `unchecked_memory`).
[[nodiscard]] Expected<TrainingStep> training_step(const Architecture& architecture,
                                                   const Precision& precision,
                                                   const CalibratedHardware& machine,
                                                   const TrainingConstants& constants,
                                                   const TrainingLayout& layout, const TrainingTask& task,
                                                   bool unchecked_memory = false);

/// Bytes that the fullest GPU holds.
/// States of a rank, P parameters of dense parts and E of experts on its share, g and o bytes of gradient and optimiser:
///   (P + E)/pp (2 + g) + (P/dp + E/edp)/pp o,   edp = dp tp cp/ep (without expert parallelism dp cp): ranks that hold the
///   same experts; sharded (FSDP): (P/dp + E/edp)/pp (2 + g + o)
[[nodiscard]] Bytes training_memory(const Architecture& architecture, const TrainingConstants& constants,
                                    const TrainingLayout& layout, const TrainingTask& task);

struct TrainingPlan {
    TrainingLayout layout;
    TrainingStep step;
};
/// The layout with the most tokens/s on so many GPUs: tensor, pipeline and expert degrees, micro-batches, recomputation,
/// sharding. Infeasible: none fits.
[[nodiscard]] Expected<TrainingPlan> best_training(const Architecture& architecture,
                                                   const Precision& precision,
                                                   const CalibratedHardware& machine,
                                                   const TrainingConstants& constants, int gpus,
                                                   const TrainingTask& task);

}   // namespace moecost
