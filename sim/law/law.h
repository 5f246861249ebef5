// SPDX-License-Identifier: Apache-2.0
// A validation-loss law: L(N, D, E, ...) in nats per token from published or fitted coefficients, with its range.
// Losses of different laws can not be compared: each was fitted on its own corpus and tokenizer.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/expected.h"
#include "moecost/law/form.h"

namespace moecost {

/// The law that is used when none is named: Ludziejewski et al. 2025, Joint MoE.
inline constexpr std::string_view default_law = "ludziejewski2025";

/// Which parameters N counts.
enum class SizeMeaning { dense_equivalent, active, total };
[[nodiscard]] std::string_view name_of(SizeMeaning meaning);

/// Inclusive range of the training runs behind a law.
struct AxisRange {
    double low = 0;
    double high = 0;
    bool operator==(const AxisRange&) const = default;
};
struct TrainingRange {
    std::optional<AxisRange> n, d, experts, granularity, active, shared;
    std::optional<AxisRange> flop;   // C, of laws that hold the training compute
    bool operator==(const TrainingRange&) const = default;
};

struct Law {
    std::string id;      // file stem, such as "besiroglu2024"
    std::string title;   // authors, year, variant
    LossForm form = LossForm::chinchilla;
    std::array<double, max_coefficients> c{};   // in the order of info(form).coefficients
    SizeMeaning size = SizeMeaning::total;
    bool embeddings = false;   // N counts input and output tables as well
    double experts = 0;        // E that the law fixes; 0: none, or E is an axis
    double top_k = 0;          // experts per token that the law fixes; 0: it does not say
    int moe_every = 0;         // every which layer has experts, where the law fixes it; 0: it does not say
    double active_share = 0;   // share of N that a token uses, where the law fixes it; 0: from the setting
    double vocabulary =
        0;   // of the tokenizer behind the runs, where N counts embeddings; 0: it does not say
    double router_flop =
        0;   // of training, per token, hidden unit and expert of a layer (Krajewski: 14); 0: left out
    double tokens_per_parameter = 0;   // D/N_used up to which its authors trust it; 0: they do not say
    double repetition = 0;             // R* of repeated tokens (effective_tokens); 0: it does not say
    TrainingRange range;
    std::string status;   // such as "published", "own fit"
    std::string source;
    std::string date;   // of the source, YYYY-MM
    std::string note;
    // What the data behind the law allow. Samples: rows of parameters (law/parameters.h) of the law refitted to data drawn
    // again; where there are none, a covariance of the parameters, row by row. Both empty: not known.
    std::vector<std::vector<double>> samples;
    std::vector<double> covariance;
    std::string spread;   // where the samples come from, in a few words
};

/// Arguments of a law. Zero means not stated; an axis that the law lacks must stay so, or at its neutral value.
struct Setting {
    double n = 0;             // parameters, as the law counts them
    double d = 0;             // training tokens
    double experts = 0;       // E: experts of an MoE layer, of full FFN size; 1 is dense
    double granularity = 0;   // G: as the law defines it
    double active = 0;        // A = Na/N: share of parameters (Tian: of experts) that a token uses
    double shared = 0;        // S: share of shared experts among the active
    double top_k = 0;         // experts per token
};

/// d ln L / d ln x for N and D, d ln L / d x for the others; 0 for axes that the law lacks.
struct LossGradient {
    double ln_n = 0;
    double ln_d = 0;
    double experts = 0;
    double granularity = 0;
    double active = 0;
    double shared = 0;
};

/// Why the law can not be asked this, or nothing. N and D are checked where the flags say so.
[[nodiscard]] std::optional<Infeasible> refusal(const Law& law, const Setting& setting, bool with_n = true,
                                                bool with_d = true);

/// L [nats/token] by law.form (law/form.h has the formulas).
/// N > 0, D > 0, E >= 1, G > 0, 0 < A <= 1, 0 <= S <= 1 where the law has the axis. Infeasible: an argument is missing
/// or outside its domain, or states a choice that the law does not know (no axis is free in loss).
[[nodiscard]] Expected<double> loss(const Law& law, const Setting& setting);
[[nodiscard]] Expected<LossGradient> gradient(const Law& law, const Setting& setting);

/// Compute-efficiency leverage C_dense/C_moe at equal loss (Tian et al. 2025, Eq. 10 and 13):
///   Ahat^(a + d log10 C + gamma (log2 G)^2 + beta log2 G), Ahat saturating in A.
/// 0 < A <= 1, G > 0, C > 0 [FLOP]. Only for laws of the form `leverage`.
[[nodiscard]] Expected<double> efficiency_leverage(const Law& law, double active, double granularity,
                                                   double flop);

/// Share of N that one token uses: 1 for dense-equivalent and active sizes, law.active_share or A for total ones.
[[nodiscard]] Expected<double> used_share(const Law& law, const Setting& setting);
/// Training compute 6 N_used D [FLOP].
[[nodiscard]] Expected<double> training_flop(const Law& law, const Setting& setting);

/// The least loss that the law ever gives with the other axes as they are: no limit to tokens, N up to 1e60.
[[nodiscard]] Expected<double> least_loss(const Law& law, Setting setting);

/// Repeated tokens count less: D' = U + U R* (1 - exp(-(D/U - 1)/R*)) for D > U, else D (Muennighoff et al. 2023, Eq. 5).
/// `unique` = U, 0: no token is repeated.
[[nodiscard]] double effective_tokens(double tokens, double unique, double repetition);
/// The D of a D'; infinite at and beyond the limit U (1 + R*).
[[nodiscard]] double tokens_for_effective(double effective, double unique, double repetition);

/// Axes on which a setting lies outside the range of the runs; a law without a stated range has none.
struct Outside {
    bool n = false, d = false, experts = false, granularity = false, active = false, shared = false;
    explicit operator bool() const { return n || d || experts || granularity || active || shared; }
    bool operator==(const Outside&) const = default;
};
[[nodiscard]] Outside extrapolated(const Law& law, const Setting& setting);
/// "N, E" for the axes that are outside; empty for none.
[[nodiscard]] std::string describe(const Outside& outside);

}   // namespace moecost
