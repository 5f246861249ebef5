// SPDX-License-Identifier: Apache-2.0
// Which MoE should be trained, so that serving it at equal loss is cheapest? Search over experts, experts per token,
// granularity, shared experts, size and tokens, and for each architecture over deployments (serving_table.h).
//
// A model of N parameters that must reach a loss is trained on the tokens D that the law asks for; the budget bounds
// 6 N_used D. Sizes are searched over a list, then around the best of each combination by halving the step in ln N, at
// last one percent apart. Prices jump with the shape of a model, so the best size is good to a few percent of price.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "moecost/design/law_setting.h"
#include "moecost/design/serve_all.h"
#include "moecost/training/training.h"

namespace moecost {

enum class DesignObjective {
    cost,       // dollars per million tokens, at a loss and within a training budget
    lifetime,   // training dollars + served tokens x dollars per token, at a loss
    loss,       // within a training budget
};
[[nodiscard]] std::string_view name_of(DesignObjective objective);

/// E, k, G and shared experts of a member, as FamilyRequest counts them.
struct DesignCombination {
    int experts = 1;
    int top_k = 1;
    int granularity = 1;
    int shared_experts = 0;
    bool operator==(const DesignCombination&) const = default;
};

struct DesignSpace {
    Family family;
    LossBasis basis;
    std::vector<int> experts, top_k, granularity, shared_experts;
    std::vector<double> sizes;   // dense-equivalent parameters without embeddings, ascending
    // Not the list alone: the loss-optimal size of each combination too, and on below and above the list while the best
    // stands at its end.
    bool extend = false;
    int refinements = 4;   // halvings of the step in size around the best of each combination
    DeploymentSpace serving;
};

/// On what models are trained, for the time that a step takes (training/training.h).
struct TrainingMachine {
    Cluster cluster;
    Profile profile;
    Precision precision;
    TrainingConstants constants;
    TrainingTask task;
    int gpus = 1024;   // as many; up to sixteen times more where the model does not fit on them
};

/// dollars = tokens/rate/3600 x usd_per_gpu_hour, the rate of each architecture on the machine; without a machine
/// FLOP/(peak x mfu)/3600 x usd_per_gpu_hour, the same share of peak for all.
struct TrainingPrice {
    std::string gpu;
    double peak_flop_per_s = 0;
    double mfu = 0.4;
    double usd_per_gpu_hour = 0;
    std::shared_ptr<const TrainingMachine> machine{};
    /// `rate`: tokens/s of a GPU; 0: not known.
    [[nodiscard]] double usd(double flop, double tokens, double rate) const {
        const double seconds = rate > 0 ? tokens / rate : flop / (peak_flop_per_s * mfu);
        return seconds / 3600 * usd_per_gpu_hour;
    }
};

/// What bounds the tokens of training; 0: nothing does.
struct TokenBound {
    double most = 0;            // what data there are
    double per_parameter = 0;   // of those that training FLOP count: how far past its runs a law is trusted
    [[nodiscard]] bool stated() const { return most > 0 || per_parameter > 0; }
    [[nodiscard]] double of(const LawPoint& point) const {
        const double total = most > 0 ? most : HUGE_VAL;
        return per_parameter > 0 ? std::min(total, per_parameter * point.used) : total;
    }
};

/// 0: not stated.
struct DesignGoal {
    DesignObjective objective = DesignObjective::cost;
    double max_loss = 0;   // nats per token
    int equal_to = 0;      // instead: the loss of the loss-optimal model of so many experts at the budget
    double budget = 0;     // training FLOP
    TokenBound tokens;
    double max_cost = 0;            // dollars per million tokens
    double quantisation_loss = 0;   // nats that the formats of serving add to the loss of a candidate
    double served_tokens = 0;       // over the lifetime, tokens as the cost basis counts them
    TrainingPrice training;
    unsigned bootstrap = 200;   // draws of the law, as its data allow (draws_of)
    std::uint64_t seed = 1;
};

/// One architecture that was considered.
struct DesignModel {
    FamilyMember member;
    LawPoint point;
    std::size_t combination = 0;
    bool candidate = true;        // false: only there to set the loss
    std::vector<Served> served;   // by machine
    double training_rate = 0;     // tokens/s of a GPU of the training machine; 0: none is stated
};

/// A model trained on `tokens` and deployed.
struct DesignPoint {
    std::size_t model = 0;
    Deployment deployment;
    double tokens = 0;
    double loss = 0;
    double training_flop = 0;
    double training_usd = 0;
    double lifetime_usd = 0;   // for the served tokens of the goal
    double objective = 0;      // what is minimised
};

/// What loosening one constraint changes. Everything is solved again, sizes refined again.
struct Loosened {
    std::string constraint;   // loss, budget, max-tokens, max-cost, slo-tpot, slo-ttft, memory
    double by = 0;            // share: 0.1 is 10 %
    double gain = 0;          // share by which the objective falls
    DesignPoint winner;
};

/// How often a combination wins when the coefficients of the law vary as its data allow.
struct WinShare {
    std::size_t combination = 0;
    unsigned wins = 0;
};

/// The cheapest to serve of the models that reach the loss with at most so much training compute.
struct IsoLossRung {
    double flop = 0;
    std::optional<DesignPoint> dense, moe;
};

/// A number of experts of the list without an answer: no member of the family has it, the law gives it no loss, or no model
/// of it meets the constraints.
struct LeftOut {
    int experts = 0;
    Infeasible why;
};

struct DesignAnswer {
    bool stopped = false;   // interrupted: nothing else is valid
    std::vector<DesignCombination> combinations;
    std::vector<DesignModel> models;
    double max_loss = 0;               // the loss asked for, however it was stated; 0: none
    std::optional<DesignPoint> base;   // of equal_to: at the budget, loss-optimal
    DesignPoint winner;
    std::vector<DesignPoint> by_experts;   // the best of each E, ascending E
    std::vector<DesignPoint> all;          // every model that meets the constraints, best first
    std::vector<DesignPoint> by_machine;   // the best on each accelerator that can serve, in their order
    std::vector<DesignPoint> frontier;     // loss, training cost, serving cost; ascending loss
    std::size_t frontier_members = 0;      // before it was thinned
    std::vector<LeftOut> left_out;         // ascending E
    // What training compute buys at the loss that is asked for, beyond the budget too; empty where none is asked for.
    std::vector<IsoLossRung> iso_loss;
    std::optional<DesignPoint>
        dense_at_20;   // the dense model of 20 tokens per parameter that has the loss, any budget
    std::vector<Loosened> loosened;
    std::vector<std::string> edges;   // lists at whose end the winner stands
    unsigned samples =
        0;   // draws of the law; 0: it states neither samples nor covariance, or none were wanted
    std::vector<WinShare> wins;    // most wins first
    std::uint64_t evaluated = 0;   // points of evaluate()
    std::size_t built = 0;         // models, all priced
};

/// A list of an axis that the law lacks, or fixes at another value ("granularity", ...); nothing: every member that
/// the space can hold has a loss.
[[nodiscard]] std::optional<Infeasible> free_axis(const DesignSpace& space);
/// Why the goal does not determine an answer, naming what is missing.
[[nodiscard]] std::optional<Infeasible> goal_problem(const DesignGoal& goal);

/// Why no model at all has a loss so low: the floor of the law, with unlimited parameters and tokens, lies above it.
[[nodiscard]] std::optional<Infeasible> below_the_floor(const DesignSpace& space, const DesignGoal& goal);

/// Sizes from 1/80 to 1.5 times the loss-optimal dense (or least-expert) model of the goal, evenly spaced in ln N.
[[nodiscard]] Expected<std::vector<double>> usual_sizes(const DesignSpace& space, const DesignGoal& goal,
                                                        int points);

/// Infeasible: no model meets all constraints; the reason is the last that stopped the model that came nearest.
[[nodiscard]] Expected<DesignAnswer> design(const DesignSpace& space, const DesignGoal& goal,
                                            const TableOptions& options);

}   // namespace moecost
