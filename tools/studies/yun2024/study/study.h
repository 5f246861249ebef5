// SPDX-License-Identifier: Apache-2.0
// What the study of Yun et al. 2024 is made of: cases (sets of assumptions), claims, and findings (a claim in a case).
#pragma once

#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/law/law.h"
#include "moecost/model/family/family.h"
#include "yun2024/paper_algorithms.h"
#include "yun2024/paper_cost.h"

namespace moecost::yun2024 {

inline constexpr int expert_counts[] = {1, 4, 8, 16, 32};
/// Budgets that the paper prints [FLOP], and a wider range around them.
inline constexpr double budgets[] = {2.12e21, 5.15e21, 5.96e21, 8.18e21};
inline constexpr double figure_budget = 5.15e21;
inline constexpr double wide_budgets[] = {1e20, 2e20, 5e20, 1e21, 2.12e21, 5.15e21, 8.18e21, 1e22};

/// Size at which costs of expert counts are compared: cost = (1 + kappa (E-1)/3) times that of the dense model.
inline constexpr double kappa_size = 3e9;

/// Sizes that searches by cost may find; the profiled ones reach further.
inline constexpr double least_size = 5e7;
inline constexpr double most_size = 2.5e10;

/// A model of the family on so many GPUs with all its slots busy.
struct BusyNode {
    double requests = 0;
    double tokens_per_s = 0;
    double gpu_seconds = 0;   // per output token
};

/// One set of assumptions. Functions are empty where it says nothing about them (costs in proportion to size).
struct Case {
    std::string id;
    std::string what;
    Law law;
    TrainingCompute compute = TrainingCompute::dense_equivalent;
    ServingCost cost;
    std::function<Expected<BusyNode>(double n, int experts, int gpus)> load;
    /// Seconds of a decode step by requests and context.
    std::function<Expected<double>(double n, int experts, int gpus, double requests, double context)> step;
};

/// How far experts make serving dearer: 1 in proportion to all parameters, 0 not at all.
[[nodiscard]] double kappa(const Case& c, int experts);

/// Everything that is read once.
struct World {
    DataStore data;
    Family node_family;          // yun2024, members that eight GPUs can share
    std::vector<double> sizes;   // that are profiled
    Law yp, yc, joint, clark, dense;
    std::deque<PaperServer> servers;   // addresses stay
};
[[nodiscard]] World read_world();

/// The default case (Y-P, Eq. 5 and 6, calibrated), then the same with one assumption changed in each, then others.
[[nodiscard]] std::vector<Case> make_cases(World& world);
/// The cost of moecost's own model: evaluate() on the paper's node, all slots busy, least over its GPUs.
[[nodiscard]] Case full_model_case(const World& world);
[[nodiscard]] const ProfiledModel& nearest_model(const std::vector<ProfiledModel>& models, double n);

/// Both algorithms at one budget. Entries without an answer hold not-a-number.
struct AtBudget {
    double budget = 0;
    std::map<int, PaperModel> optimal;                           // by E
    std::map<int, std::map<int, PaperModel>> at_loss, at_cost;   // by base E (1, 4, 8), E'
};
struct Answers {
    std::vector<AtBudget> printed;   // at `budgets`
    [[nodiscard]] const AtBudget& at(double budget) const;
};
[[nodiscard]] Answers answer(const Case& c);

enum class Verdict { reproduced, differs, untestable };
[[nodiscard]] std::string_view name_of(Verdict verdict);

struct Finding {
    std::string shown;
    Verdict verdict = Verdict::untestable;
    std::string why;
    bool same_direction =
        false;   // of a claim that differs: its numbers lie within a factor of two of the print
};

/// What becomes of a claim over the engines.
enum class Class { reproduced, of_its_day, same_direction, contradicted, untestable };
[[nodiscard]] std::string_view name_of(Class c);
/// From its findings on the engine of early 2024 and on that of 2026.
[[nodiscard]] Class class_of(const Finding& early, const Finding& today);

struct Claim {
    std::string_view id;
    std::string_view statement;
    std::string_view printed;
    std::string_view needs;   // what of a case it depends on: "law", "cost", "none"
    std::string_view used;    // surrogate that the claim helped to make
    std::string_view rule;    // when it counts as reproduced
    Finding (*test)(const World& world, const Case& c, const Answers& a);
};
[[nodiscard]] std::vector<Claim> law_claims();          // P01 - P08, P44
[[nodiscard]] std::vector<Claim> serving_claims();      // P09 - P15
[[nodiscard]] std::vector<Claim> optimal_claims();      // P16 - P25
[[nodiscard]] std::vector<Claim> loss_bound_claims();   // P26 - P34
[[nodiscard]] std::vector<Claim> cost_bound_claims();   // P35 - P43
/// All of them by number.
[[nodiscard]] std::vector<Claim> all_claims();

// Verdicts from numbers.

struct Span {
    double low = HUGE_VAL;
    double high = -HUGE_VAL;
    void add(double x);
};
/// All values inside [low, high] as printed, 5 % of each end and half a unit of its last digit allowed.
[[nodiscard]] Finding inside(const Span& ours, double low, double high, double unit, std::string_view suffix,
                             std::string why = {});
/// Each value within 5 % of the single number printed.
[[nodiscard]] Finding close_to(const std::vector<double>& ours, const std::vector<double>& printed,
                               int digits, std::string_view suffix, std::string why = {});
[[nodiscard]] Finding holds(bool yes, std::string shown, std::string why = {});
[[nodiscard]] Finding cannot(std::string why);
[[nodiscard]] std::string range_text(const Span& span, int decimals, std::string_view suffix);

/// Files for the pictures, and the tables.
void write_figures(const std::string& folder, const World& world, const std::vector<Case>& cases);
void write_tables(const std::string& folder, const World& world, const std::vector<Case>& cases);

}   // namespace moecost::yun2024
