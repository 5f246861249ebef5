// SPDX-License-Identifier: Apache-2.0
#include "yun2024/paper_design.h"

#include <algorithm>

namespace moecost {
namespace {

/// Models are solved for a loss or a cost, so that all of them have it but for rounding, which beats nothing.
bool below(double a, double b) { return a < b * (1 - 1e-9); }

/// No worse in both and better in one.
bool beats(const PaperModel& a, const PaperModel& b) {
    return !below(b.loss, a.loss) && !below(b.cost, a.cost) &&
           (below(a.loss, b.loss) || below(a.cost, b.cost));
}

std::vector<PaperCandidate> frontier_of(const PaperDesign& design) {
    std::vector<PaperCandidate> all = design.candidates;
    all.insert(all.begin(), design.base);
    std::vector<PaperCandidate> frontier;
    std::copy_if(all.begin(), all.end(), std::back_inserter(frontier), [&](const PaperCandidate& c) {
        return std::none_of(all.begin(), all.end(),
                            [&](const PaperCandidate& other) { return beats(other.model, c.model); });
    });
    std::stable_sort(frontier.begin(), frontier.end(), [](const PaperCandidate& a, const PaperCandidate& b) {
        return a.model.loss < b.model.loss;
    });
    return frontier;
}

}   // namespace

Expected<PaperDesign> paper_design(const Law& law, const PaperServer& server, const PaperQuestion& question,
                                   PaperAlgorithm algorithm, const std::vector<int>& experts) {
    const ServingCost cost = paper_cost(server);
    const auto served = [&](const PaperModel& m) {
        return PaperCandidate{m, *paper_serving(server, m.n, static_cast<int>(m.experts))};
    };
    const auto base = loss_optimal_model(law, cost, question, question.base_experts);
    if (!base) return base.error();
    PaperDesign design;
    design.winner = design.base = served(*base);
    const bool by_cost = algorithm == PaperAlgorithm::cost_at_loss;
    const auto run = by_cost ? cheapest_at_loss : best_at_cost;
    for (const int e : experts) {
        const auto found = run(law, cost, question, e, *base);
        if (!found) {
            design.refused.push_back({e, found.error()});
            continue;
        }
        design.candidates.push_back(served(*found));
        const PaperModel& best = design.winner.model;
        if (by_cost ? below(found->cost, best.cost) : below(found->loss, best.loss))
            design.winner = design.candidates.back();
    }
    design.frontier = frontier_of(design);
    return design;
}

}   // namespace moecost
