// SPDX-License-Identifier: Apache-2.0
// "How to read an estimate": one answer, and for each figure the arithmetic that leads to it with the numbers of that
// answer. Both sides are worked out when the page is written; tests/cli/test_man.cpp compares them.
#include <cmath>

#include "estimate/estimate.h"
#include "man/man.h"
#include "moecost/base/expression.h"
#include "moecost/base/format.h"

namespace moecost::cli {
namespace {

/// A figure, a formula of inputs and other figures that gives it, and what it says. No formula: it is where sums begin.
struct Reading {
    std::string_view key;
    std::string_view formula;
    std::string_view text;
};

constexpr Reading deployment[] = {
    {"gpus", "tp * pp * attention_dp * replicas", "GPUs that are rented."},
    {"usd_per_hour", "gpus * price", "The whole rent: it is paid whether tokens flow or not."},
};
constexpr Reading speed[] = {
    {"tpot_s", "",
     "Time per output token, the mean over requests of (end - first token) / (output tokens - 1). It is "
     "longer than a "
     "decode step, because steps that carry prompts of other requests lie between."},
    {"decode_step_s", "", "One step of the model with nothing but decoding sequences."},
    {"prefill_step_s", "", "One step that carries a chunk of prompts beside them."},
    {"ttft_s", "", "Time to first token: the wait for a slot, the prompt's steps, and the first token."},
    {"e2e_s", "ttft_s + (osl - 1) * tpot_s", "A whole request."},
    {"requests_per_s", "concurrency / e2e_s",
     "Little's law: so many are in flight, each stays that long. Holds where all of them fit."},
    {"output_tokens_per_s", "requests_per_s * osl", "Output of the whole deployment."},
    {"input_tokens_per_s", "requests_per_s * isl", "Prompt tokens, those found in a prefix cache included."},
    {"tokens_per_s_per_user", "1 / tpot_s", "What one user sees."},
    {"output_tokens_per_s_per_gpu", "output_tokens_per_s / gpus", "The figure of most benchmarks."},
};
constexpr Reading memory[] = {
    {"memory_weights_bytes", "", "Weights on one GPU: shards, and what every rank holds a copy of."},
    {"memory_cache_bytes", "", "What the engine sets aside for the KV cache of sequences, in use or not."},
    {"memory_sequence_bytes", "", "Cache that one sequence holds at its mean length."},
    {"max_concurrency", "",
     "Sequences that fit: memory_cache_bytes / memory_sequence_bytes, rounded down, of all instances; the "
     "engine's "
     "own limit on running sequences may be lower."},
    {"memory_reserve_bytes", "", "Activations, graphs and the runtime of the engine."},
    {"memory_unused_bytes",
     "memory_capacity_bytes - memory_weights_bytes - memory_cache_bytes - memory_reserve_bytes",
     "What is left."},
};
constexpr Reading money_rows[] = {
    {"usd_per_mtok_output_all_in", "usd_per_hour / 3600 / output_tokens_per_s * 1000000",
     "The whole rent on output tokens alone."},
    {"usd_per_mtok_output", "usd_per_mtok_output_all_in * (1 - prefill_share)",
     "The rent of the GPU time that output takes."},
    {"usd_per_mtok_input", "usd_per_hour / 3600 / input_tokens_per_s * 1000000 * prefill_share",
     "The rent of the GPU time that prompts take."},
    {"usd_per_mtok_total", "usd_per_hour / 3600 / (input_tokens_per_s + output_tokens_per_s) * 1000000",
     "One price for every token of this traffic."},
    {"usd_per_mtok_blended", "(blend * usd_per_mtok_input + usd_per_mtok_output) / (blend + 1)",
     "As price lists of APIs blend them: --blend input tokens for one output token."},
    {"joules_per_output_token", "watts_per_gpu * gpus / output_tokens_per_s", "Energy of the accelerators."},
};

/// The number of a figure or of an input as used.
double number_of(const View& view, std::string_view name) {
    if (const Figure* f = figure_named(name); f != nullptr && f->number != nullptr) return f->number(view);
    const Input* input = input_named(name);
    return input != nullptr && input->number != nullptr ? input->number(view) : std::nan("");
}

/// The value of a formula. The compiler knows conditions alone: it is compared with 0, and the comparison is taken off.
double value_of(std::string_view formula, const View& view) {
    std::vector<double> values;
    const NameTable names{[&](std::string_view name) {
                              values.push_back(number_of(view, name));
                              return static_cast<std::ptrdiff_t>(values.size() - 1);
                          },
                          [] { return figure_names(); }};
    Expression e =
        compile_condition(std::string("(").append(formula).append(") == 0"), {"manual", 0, 0}, names);
    e.steps.resize(e.steps.size() - 2);
    return e.value(values);
}

/// Six digits, and no zeros behind them.
std::string digits(double value) { return shortest(rounded(value, 6)); }

bool begins_name(char c) { return c >= 'a' && c <= 'z'; }
bool continues_name(char c) { return begins_name(c) || c == '_' || (c >= '0' && c <= '9'); }

/// The formula with numbers in the place of names.
std::string with_numbers(std::string_view formula, const View& view) {
    std::string s;
    while (!formula.empty()) {
        std::size_t n = 0;
        if (begins_name(formula[0]))
            while (n < formula.size() && continues_name(formula[n])) ++n;
        if (n > 0)
            s.append(digits(number_of(view, formula.substr(0, n))));
        else
            s.append(formula.substr(0, n = 1));
        formula.remove_prefix(n);
    }
    return s;
}

std::string one(const Reading& r, const View& view) {
    const Figure& f = *figure_named(r.key);
    std::string label(r.key);
    label.append(" = ").append(digits(number_of(view, r.key)));
    if (const std::string_view unit = unit_of(f.kind); !unit.empty()) label.append(" ").append(unit);
    std::string s = item(label, std::string(r.text).append(" Of one ").append(name_of(f.scope)).append("."));
    if (r.formula.empty()) return s;
    std::string sum(r.formula);
    sum.append("\n= ").append(with_numbers(r.formula, view));
    return s.append(".RS 7\n")
        .append(verbatim(sum.append("\n= ").append(digits(value_of(r.formula, view)))))
        .append(".RE\n");
}

template <std::size_t n>
std::string rows(std::string_view title, const Reading (&list)[n], const View& view) {
    std::string s = section(title);
    for (const Reading& r : list) s.append(one(r, view));
    return s;
}

Description example() {
    Description d;
    d.model = "deepseek-v3";
    d.gpu = "h200";
    d.engine = "sglang";
    d.tp = 8;
    d.isl = 4000;
    d.osl = 1000;
    d.load = ClosedLoop{64};
    return d;
}

}   // namespace

std::string reading_page(const Invocation& in) {
    const EstimateAnswer a = answer_for(in.data, example());
    if (!a.estimate) return paragraph(infeasible_line(a));
    const View view = a.view();
    std::string s = section("DESCRIPTION");
    s.append(paragraph(
        "One answer, field by field, with the arithmetic between its figures. Numbers are those of"));
    s.append(verbatim(std::string("moecost estimate ").append(options_of(a.description))));
    s.append(paragraph(
        "and stand here with six digits. A formula names inputs (moecost list inputs) and figures (moecost "
        "list figures). Times and sizes without a formula are what the laws of the model, the machine and "
        "the "
        "engine give: --verbose shows them operation by operation."));
    s.append(rows("DEPLOYMENT", deployment, view)).append(rows("SPEED", speed, view));
    s.append(rows("MEMORY OF A GPU", memory, view)).append(rows("MONEY AND ENERGY", money_rows, view));
    s.append(section("WHERE EACH MILLISECOND GOES"));
    s.append(
        paragraph("Each operation of a step takes floor + p-norm of its bounds (compute, memory, network), "
                  "every bound over the "
                  "efficiency that was fitted to timings of that kernel. The table sums them by class; "
                  "\"roofline\" beside it is the "
                  "same with datasheet peaks alone: the gap is what a better kernel could win."));
    s.append(section("RANGES AND PROVENANCE"));
    s.append(
        paragraph("\"Likely range, p10 to p90\" is the uncertainty of the model, from how far it was from "
                  "served points: not a "
                  "percentile of requests. \"calibrated\": kernels timed on this GPU; \"extrapolated\": some "
                  "shape lies outside what "
                  "was timed; \"borrowed\": the efficiencies of a relative; \"roofline\": datasheet peaks."));
    return s;
}

}   // namespace moecost::cli
