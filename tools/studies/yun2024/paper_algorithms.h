// SPDX-License-Identifier: Apache-2.0
// Which MoE serves cheapest at a loss, and which has the least loss at a serving cost (Yun et al. 2024, appendix E).
// The loss is any law in N, D and E; the serving cost any function of N and E (search/paper_cost.h has the paper's).
//
// N is the size of the corresponding dense model, E the number of experts of full FFN size in every second layer, two
// of which a token uses: N_MoE = N (1 + (E - 1)/3), N_act = 4 N/3 for E > 1 (section 4.2 of the paper).
#pragma once

#include <functional>

#include "moecost/base/expected.h"
#include "moecost/law/law.h"

namespace moecost {

/// Serving cost of an output token, in any unit: only its order and ratios matter here.
using ServingCost = std::function<Expected<double>(double n, double experts)>;

/// Cost in proportion to N (1 + kappa (E - 1)/3), in dense parameters. kappa = 1: to all parameters.
[[nodiscard]] ServingCost proportional_cost(double kappa);

/// What training costs. The paper counts 6 N D for every E; two experts of every second layer make it 6 N_act D = 8 N D.
enum class TrainingCompute { dense_equivalent, active };

/// Share of N in the weights that exist, and in those that a token uses.
[[nodiscard]] double total_share(double experts);
[[nodiscard]] double active_share(double experts);

struct PaperQuestion {
    double budget = 0;   // B, FLOP of training
    double base_experts = 4;
    TrainingCompute compute = TrainingCompute::dense_equivalent;
    double least_n = 1e7;   // sizes that are searched
    double most_n = 1e12;
};

struct PaperModel {
    double experts = 0;
    double n = 0;
    double d = 0;
    double loss = 0;
    double cost = 0;
    double optimal_n = 0;   // the loss-optimal size of as many experts for the same budget
};

/// Optimal_config(B, E), its loss and its serving cost. Infeasible: it can not be served.
[[nodiscard]] Expected<PaperModel> loss_optimal_model(const Law& law, const ServingCost& cost,
                                                      const PaperQuestion& question, double experts);

/// Algorithm 1: the smallest N of `experts` experts whose loss for the budget is that of `base`, on the branch
/// N < N_opt, where the loss falls and the cost rises with N, so that equality is cheapest.
/// Infeasible: L_opt(B, E') > L_E, or it can not be served.
[[nodiscard]] Expected<PaperModel> cheapest_at_loss(const Law& law, const ServingCost& cost,
                                                    const PaperQuestion& question, double experts,
                                                    const PaperModel& base);

/// Algorithm 2: the largest N of `experts` experts that costs no more than `base`, at most the loss-optimal size: the
/// paper is silent there, and beyond it more size only adds loss. Infeasible: no size is that cheap.
[[nodiscard]] Expected<PaperModel> best_at_cost(const Law& law, const ServingCost& cost,
                                                const PaperQuestion& question, double experts,
                                                const PaperModel& base);

/// The largest N in [least, most] with cost(N, E) <= limit, where the cost may jump: 256 sizes of equal ratio are tried
/// from above, then bisection to rounding. A dip that is narrower than their distance may be missed.
[[nodiscard]] Expected<double> largest_size_at_cost(const ServingCost& cost, double experts, double limit,
                                                    double least, double most);

/// The least budget with which loss-optimal models of as many experts reach a loss.
[[nodiscard]] Expected<double> budget_for_loss(const Law& law, TrainingCompute compute, double experts,
                                               double target);
/// Training FLOP of N and D.
[[nodiscard]] double training_budget(TrainingCompute compute, double experts, double n, double d);

}   // namespace moecost
