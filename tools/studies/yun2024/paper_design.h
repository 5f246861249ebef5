// SPDX-License-Identifier: Apache-2.0
// One question of Yun et al. 2024 over several numbers of experts: algorithm 1 or 2 for each, and the best of them.
#pragma once

#include <vector>

#include "yun2024/paper_algorithms.h"
#include "yun2024/paper_cost.h"

namespace moecost {

enum class PaperAlgorithm { cost_at_loss = 1, loss_at_cost = 2 };

struct PaperCandidate {
    PaperModel model;
    PaperServing serving;
};

struct PaperRefusal {
    int experts = 0;
    Infeasible why;
};

struct PaperDesign {
    PaperCandidate base;                      // loss-optimal, of base_experts
    std::vector<PaperCandidate> candidates;   // ascending E
    std::vector<PaperRefusal> refused;        // experts without an answer
    /// The cheapest (algorithm 1) or the one of least loss (2); the base where no candidate beats it.
    PaperCandidate winner;
    /// Base and candidates that no other beats in both loss and cost; ascending loss.
    std::vector<PaperCandidate> frontier;
};

/// Infeasible: the base can not be trained or served. Candidates without an answer are listed, not fatal.
[[nodiscard]] Expected<PaperDesign> paper_design(const Law& law, const PaperServer& server,
                                                 const PaperQuestion& question, PaperAlgorithm algorithm,
                                                 const std::vector<int>& experts);

}   // namespace moecost
