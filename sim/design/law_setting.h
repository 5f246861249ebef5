// SPDX-License-Identifier: Apache-2.0
// From a member of a family to the arguments of a loss law, so that no choice is free in loss: what the law holds it is
// told, what it fixes is checked, and what it lacks is refused or priced by a bridge that the answer names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/law/law.h"
#include "moecost/model/family/family.h"

namespace moecost {

/// What the losses of a design rest on. The bridge (form `leverage`, Tian et al. 2025) prices experts, their number per
/// token, granularity and shared experts against the dense model of the law:
///   L(N, D; A, G) = L_dense(N sqrt(EL), D sqrt(EL)),  EL = efficiency_leverage(A, G, C),  C = 6 N D,  N active.
/// It is what EL = C_dense/C_moe at equal loss says, where the larger compute is spent on N and D in proportion, as
/// near the loss-optimal allocation; far from it (over-trained models) this is an assumption of ours. A = k G/(E G + s)
/// of experts, s of them shared; G = 2 hidden/expert width. EL of the dense model is 1, which the form gives within 1 %.
struct LossBasis {
    Law law;
    std::optional<Law> bridge;
    double unique_tokens = 0;   // training tokens beyond these repeat (effective_tokens); 0: none does
    double repetition = 0;      // R* of repeated tokens
    double added_loss =
        0;   // nats that a choice outside the law costs every candidate, such as a kind of attention
};

/// A member as the law sees it.
struct LawPoint {
    Setting setting;          // tokens D still 0
    double used = 0;          // parameters of the training compute: C = 6 used D
    double drafting = 0;      // of a module that is trained beside them to draft tokens, counted the same way
    double embeddings = 0;    // of N, by the vocabulary of the law where it states one
    double active = 0;        // A and
    double granularity = 0;   // G of the bridge; 0: the law alone
    /// FLOP of training per token. The law knows no drafting module: its C is 6 used D.
    [[nodiscard]] double flop_per_token() const { return 6 * (used + drafting); }
};

/// N: the exact size that the law counts, with or without embeddings; those by the vocabulary behind the law where it states
/// one, so that a larger tokenizer buys no loss. `used`: N itself where the law counts
/// dense-equivalent or active parameters, the exact active ones where it counts all. Axes: E, k as asked for; G as
/// built, for Zhao the activated experts k G; A = k/E for Abnar, active over total parameters for Zhao;
/// S = shared/(k G). Infeasible: the member breaks what the law fixes, or moves what it lacks.
[[nodiscard]] Expected<LawPoint> law_point(const LossBasis& basis, const Family& family,
                                           const FamilyMember& member);

/// L [nats/token] after `tokens` of training.
[[nodiscard]] Expected<double> loss_at(const LossBasis& basis, const LawPoint& point, double tokens);
/// The tokens that reach `target`: the loss falls with D, with a bridge too, for its leverage grows with C.
[[nodiscard]] Expected<double> tokens_to_reach(const LossBasis& basis, const LawPoint& point, double target);

/// An axis on which a model lies outside the runs, and how many times beyond the nearest of them.
struct OutsideAxis {
    std::string_view axis;   // N, D, E, G, A, S, C
    double times = 1;
    bool above = true;
};
/// What lies outside the runs behind law and bridge, the dense model of a bridge for N and D; empty: nothing does. An axis
/// without a stated range is not judged.
[[nodiscard]] std::vector<OutsideAxis> outside_runs(const LossBasis& basis, const LawPoint& point,
                                                    double tokens);
/// "N, D".
[[nodiscard]] std::string axes_text(const std::vector<OutsideAxis>& outside);
/// "N 1.9x, D 25x", "G 2x below".
[[nodiscard]] std::string times_text(const std::vector<OutsideAxis>& outside);

/// The law's own limit of tokens per parameter; where it states none, `usual_tokens_per_parameter`.
[[nodiscard]] double trusted_tokens_per_parameter(const Law& law);
inline constexpr double usual_tokens_per_parameter = 100;
/// Text that there is to train on, more or less (Villalobos et al. 2024 estimate some 3e14 tokens of indexed web text before
/// quality filters; filtered sets hold a tenth). An assumption; --max-tokens states another.
inline constexpr double usual_tokens = 3e13;

/// Why the law can not carry a design at all: no loss, no tokens, no size; a bridge that is none or has no dense model.
[[nodiscard]] std::optional<Infeasible> basis_problem(const LossBasis& basis);

/// Values of an axis that have a loss: the number the law fixes, any number, or the neutral one alone.
struct AxisFreedom {
    bool free = false;
    int only = 1;   // where it is not free; 0: one value, whichever the family takes
};
struct Freedom {
    AxisFreedom experts, top_k, granularity, shared;
};
[[nodiscard]] Freedom freedom_of(const LossBasis& basis);

}   // namespace moecost
