// SPDX-License-Identifier: Apache-2.0
// What measured servers tell beyond the laws: how much slower or faster a class of deployments runs than they say, and how
// far measurements scatter about that. hwmodels/effects.toml, fitted by calibrate/effect_fit.h; a person's own runs add to
// it (moecost calibrate --serving).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/dtype.h"
#include "moecost/hardware/profile/profile.h"

namespace moecost {

class Reader;

/// Classes that share a deviation, from the widest to the narrowest. A group is an engine, accelerator, model and its formats.
enum class EffectKind { engine_gpu, model, engine_model, group, version };
inline constexpr std::size_t effect_kinds = 5;
[[nodiscard]] std::string_view name_of(EffectKind kind);

/// Names that a deployment is known by. Empty: not known, and no effect is.
struct ServedNames {
    std::string engine, gpu, model;
    DType attention = DType::bf16;   // weights
    DType experts = DType::bf16;     // those of the dense feed-forward where there are none
    std::string version;
    bool operator==(const ServedNames&) const = default;
};
/// The names that tell levels of a kind apart; the others empty or bf16.
[[nodiscard]] ServedNames level_of(EffectKind kind, const ServedNames& names);

/// Measured over predicted time of the levels of one kind, beyond the wider classes, after `points` points. sd: what is
/// left to know of it; of a group or a version, of the sum of all effects down to it.
struct Effect {
    EffectKind kind{};
    ServedNames level;
    double log_time = 0;
    double sd = 0;
    double points = 0;
};

/// Standard deviations of ln(measured/predicted), of what a served point deviates by.
struct LogSpread {
    double throughput = 0;
    double tpot = 0;
    double ttft = 0;
    [[nodiscard]] bool known() const { return throughput > 0; }
};
/// The spread of figures of whose time these shares lie beyond what was fitted: each variance grows by (beyond share)^2.
/// Nothing where no spread is known.
[[nodiscard]] LogSpread widened(const LogSpread& spread, double beyond, const LogSpread& shares);

/// What is measured of a deployment: the narrowest class with served points.
enum class Familiarity {
    version,
    group,
    engine_and_model,
    engine_or_model,
    calibrated,
    sibling,
    borrowed,
    roofline
};
inline constexpr std::size_t familiarities = 8;
/// "this model on this accelerator and engine, release not stated", ...
[[nodiscard]] std::string_view words_of(Familiarity familiarity);

/// Order of traffic/load.h.
inline constexpr std::size_t load_kinds = 8;

struct EffectTable {
    std::vector<Effect> effects;
    /// By kind, then of the curve of one deployment over its loads, then of a single point.
    std::array<LogSpread, effect_kinds + 2> spread{};
    std::array<LogSpread, load_kinds> of_load{};   // beyond a closed loop
    /// Beyond the above: kernels of a relative, or none; of a sibling for each e-fold that it is away.
    std::array<LogSpread, familiarities> of_class{};
    std::array<double, familiarities> log_time{};   // measured over predicted, on average
    std::array<double, familiarities>
        median_error{};   // of throughput of deployments left out of the fits; 0: not known
    double memory = 0;    // of the sequences that fit
    double beyond = 0;    // of an answer whose whole time lies outside the fitted ranges of its kernels
    std::string source;
};
[[nodiscard]] std::shared_ptr<const EffectTable> load_effects(const DataStore& data);
/// The table with the effects of a file of `moecost calibrate --serving` over its own.
[[nodiscard]] std::shared_ptr<const EffectTable> with_own_effects(const EffectTable& shipped,
                                                                  const Document& document);
[[nodiscard]] Effect effect_from(const Reader& r);

/// What the table says of one deployment.
struct ServedClass {
    double log_time = 0;   // sum of the effects that are known
    Familiarity known = Familiarity::roofline;
    double points = 0;         // served points of the narrowest class
    double median_error = 0;   // of throughput, deployments of that class left out; 0: not known
    double memory = 0;
    double beyond = 0;
    std::array<LogSpread, load_kinds> spread{};   // by Load::index(); zero: not known
};
/// Variance: where group or version is known its sd^2, else over the wider kinds the sd^2 of a known effect or the spread of
/// an unknown one; then the spread of an unknown version, and those of curve, point, load and class. `sibling`: the kernels
/// are those of an accelerator of the same generation, so many e-folds away; nothing: its own, or by `basis`.
[[nodiscard]] ServedClass served_class(const EffectTable& table, const ServedNames& names, Provenance basis,
                                       bool changed_model, std::optional<double> sibling = std::nullopt);

}   // namespace moecost
