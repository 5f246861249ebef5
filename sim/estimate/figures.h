// SPDX-License-Identifier: Apache-2.0
// The one table of what an answer can say. Text, JSON, CSV, columns of sweeps, objectives and `list figures` loop over
// it. A new figure is one row here and the law that computes it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"
#include "moecost/estimate/steps.h"

namespace moecost {

enum class FigureKind {
    usd_per_mtok,
    usd_per_gpu_hour,
    usd,
    tokens_per_s,
    per_s,
    seconds,
    bytes,
    share,
    count,
    joules,
    watts,
    text,
    flag
};
/// Objects of the JSON answer, in this order.
enum class FigureGroup { deployment, cost, serving, memory, trust };
/// What a figure is of.
enum class FigureScope { deployment, instance, gpu, request, token };
/// When a figure is known: before the evaluation, after it, where distributions were asked for (answer.h), or where the
/// steps were told operation by operation.
enum class FigureStage { input, result, tails, steps };

struct Figure {
    std::string_view key;       // column and JSON key; SI units, the unit at its end
    std::string_view label;     // in text, under its heading
    std::string_view heading;   // of the text; empty: shown in its own place, or in JSON and CSV alone
    std::string_view axis;      // of pictures, with unit
    FigureKind kind;
    FigureGroup group;
    FigureScope scope;
    FigureStage stage;
    double (*number)(const View& view) = nullptr;   // null: a text. Not-a-number where it has no meaning
    std::string_view (*text)(const View& view) = nullptr;
    Interval (*interval)(const View& view) = nullptr;   // p10 to p90; null: none is known of this figure
    bool headline = false;                              // part of the answer itself
    std::string_view alias{};                           // a shorter name
};

[[nodiscard]] std::span<const Figure> figures();
/// By key or alias; null when there is none.
[[nodiscard]] const Figure* figure_named(std::string_view name);
/// Keys and aliases.
[[nodiscard]] std::vector<std::string> figure_names();
/// Keys of figures that are numbers of a result: what an objective or a tornado may name.
[[nodiscard]] std::vector<std::string> result_figures();

[[nodiscard]] std::string_view name_of(FigureGroup group);
[[nodiscard]] std::string_view name_of(FigureScope scope);
[[nodiscard]] std::string_view name_of(FigureKind kind);
/// "USD/Mtok", "tokens/s", "s", ...; empty: it has none.
[[nodiscard]] std::string_view unit_of(FigureKind kind);

}   // namespace moecost
