// SPDX-License-Identifier: Apache-2.0
// The parallel layout that trains fastest on so many GPUs: every power of two of each degree that the memory allows.
#include <algorithm>
#include <optional>
#include <vector>

#include "moecost/training/training.h"

namespace moecost {
namespace {

std::vector<int> powers(int most) {
    std::vector<int> list;
    for (int x = 1; x <= most; x *= 2) list.push_back(x);
    return list;
}

/// Layouts of one set of degrees: micro-batches and interleaving; everything is recomputed, or the states are sharded, only
/// where the memory asks for it.
template <class Try>
void try_variants(TrainingLayout l, Try consider) {
    for (const double micro : {1.0, 4.0}) {
        for (const int stages : l.pp > 1 ? std::vector<int>{1, 4} : std::vector<int>{1}) {
            l.micro_batch = micro;
            l.virtual_stages = stages;
            l.recompute = l.sharded = false;
            if (consider(l)) continue;
            l.sharded = l.pp == 1;
            if (l.sharded && consider(l)) continue;
            l.recompute = true;
            if (consider(l) || l.sharded) continue;
            l.sharded = l.pp == 1;
            if (l.sharded) (void)consider(l);
        }
    }
}

int most_experts(const Architecture& a) {
    int most = 1;
    for (const FfnGroup& g : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&g.kind)) most = std::max(most, moe->experts);
    }
    return most;
}

}   // namespace

Expected<TrainingPlan> best_training(const Architecture& a, const Precision& precision,
                                     const CalibratedHardware& machine, const TrainingConstants& constants,
                                     int gpus, const TrainingTask& task) {
    std::optional<TrainingPlan> best;
    Infeasible why{"no layout trains the model on so many GPUs", {}, {}, 0, 0};
    const auto consider = [&](const TrainingLayout& l) {
        const auto step = training_step(a, precision, machine, constants, l, task);
        if (!step) {
            why = step.error();
            return false;
        }
        if (!best || step->tokens_per_s_gpu > best->step.tokens_per_s_gpu) {
            best = TrainingPlan{l, *step};
        }
        return true;
    };
    for (const int tp : powers(machine.cluster->domain)) {
        for (const int pp : powers(std::min(32, a.layers))) {
            for (const int ep : powers(std::min(most_experts(a), 256))) {
                TrainingLayout l;
                l.tp = tp;
                l.pp = pp;
                l.ep = ep;
                l.gpus = gpus;
                if (tp * pp > gpus || ep * pp > gpus) continue;
                try_variants(l, consider);
            }
        }
    }
    if (!best) return why;
    return *best;
}

}   // namespace moecost
