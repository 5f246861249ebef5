// SPDX-License-Identifier: Apache-2.0
// Where each millisecond of a step goes.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "estimate/estimate.h"
#include "moecost/base/format.h"
#include "moecost/estimate/pools.h"

namespace moecost::cli {
namespace {

using Answers = std::vector<EstimateAnswer>;
using StepOf = std::optional<StepBreakdown> StepReport::*;

constexpr std::size_t bar_width = 28;

std::string milliseconds(double seconds) { return fixed(seconds * 1e3, 2).append(" ms"); }

/// " 7.21 ms  62 %  memory"
std::string class_cell(const StepBreakdown& step, std::size_t op_class) {
    const double seconds = step.time.by_class[op_class].value();
    if (seconds <= 0) return "-";
    std::string s = milliseconds(seconds);
    s.append(align_right(percent(seconds / step.time.total.value()), 7));
    return s.append("  ").append(align_left(bound_names[largest(step.spent_by_class[op_class])], 7));
}

std::string total_cell(const StepBreakdown& step) {
    return milliseconds(step.time.total.value()).append(align_right("100 %", 7)).append("         ");
}

std::string bar(double share) {
    return std::string(static_cast<std::size_t>(std::lround(share * static_cast<double>(bar_width))), '#');
}

/// Classes that any answer spends time on, the most expensive of the first one first.
std::vector<std::size_t> classes_by_time(const std::vector<const StepBreakdown*>& steps) {
    std::vector<std::size_t> order(op_class_count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::erase_if(order, [&](std::size_t c) {
        return std::all_of(steps.begin(), steps.end(),
                           [&](const auto* s) { return s->time.by_class[c].value() <= 0; });
    });
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return steps.front()->time.by_class[a] > steps.front()->time.by_class[b];
    });
    return order;
}

/// "8 sequences at 1,536 tokens + 1,028 prompt tokens"
std::string shape_text(const StepShape& shape) {
    std::string s;
    if (shape.decode_sequences > 0) {
        s.append(amount(shape.decode_sequences))
            .append(" sequences at ")
            .append(amount(shape.decode_context));
        s.append(" tokens");
    }
    if (shape.prefill_tokens > 0) {
        s.append(shape.decode_sequences > 0 ? " + " : "")
            .append(amount(shape.prefill_tokens))
            .append(" prompt tokens");
    }
    return s;
}

std::string step_title(std::string_view name, const std::string& shape, const Layout& layout) {
    std::string s("Where each millisecond goes: ");
    s.append(name).append(shape.empty() ? "" : ", ").append(shape);
    if (layout.pp > 1) s.append("; through all ").append(std::to_string(layout.pp)).append(" stages");
    return s;
}

/// Steps of different shapes: what each of them carries.
void add_shapes(std::vector<Row>& rows, const std::vector<const StepBreakdown*>& steps) {
    const auto add = [&](std::string_view label, double StepShape::*member) {
        Row row{std::string("  ").append(label), {}, false};
        for (const StepBreakdown* step : steps)
            row.cells.push_back(amount(step->shape.*member).append(16, ' '));
        const bool any = std::any_of(steps.begin(), steps.end(),
                                     [&](const StepBreakdown* step) { return step->shape.*member > 0; });
        if (any) rows.push_back(std::move(row));
    };
    add("sequences in decode", &StepShape::decode_sequences);
    add("tokens of each", &StepShape::decode_context);
    add("prompt tokens", &StepShape::prefill_tokens);
}

/// Isolated kernels of a step with prompts take longer inside an engine; the serving figures hold this factor.
std::string prompt_factor_text(const Scenario& s) {
    const double factor = prompt_factor(s);
    if (factor == 1) return {};
    return std::string("; prompt work x ").append(significant(factor, 3)).append(" in a served engine");
}

std::string by_class(const Answers& answers, StepOf which, std::string_view name, const Style& style) {
    std::vector<const StepBreakdown*> steps;
    std::vector<std::string> heads;
    const EstimateAnswer* first = nullptr;   // of those that have the step
    for (const EstimateAnswer& a : answers) {
        if (!(a.steps.*which)) continue;
        if (first == nullptr) first = &a;
        steps.push_back(&*(a.steps.*which));
        heads.push_back(column_name(a).append("         "));
    }
    if (steps.empty()) return {};
    const bool alike = std::all_of(steps.begin(), steps.end(), [&](const StepBreakdown* step) {
        return shape_text(step->shape) == shape_text(steps.front()->shape);
    });
    std::string s = step_title(name, alike ? shape_text(steps.front()->shape) : std::string(),
                               first->scenario->pool().layout);
    if (steps.front()->shape.prefill_tokens > 0) s.append(prompt_factor_text(*first->scenario));
    s = style.bold(wrapped(s, 2, style.width));
    std::vector<Row> rows;
    if (!alike) add_shapes(rows, steps);
    for (const std::size_t c : classes_by_time(steps)) {
        Row row{std::string("  ").append(words(name_of(static_cast<OpClass>(c)))), {}, false};
        for (const StepBreakdown* step : steps) row.cells.push_back(class_cell(*step, c));
        if (steps.size() == 1) {
            row.cells[0].append("  ").append(
                align_left(bar(steps[0]->time.by_class[c] / steps[0]->time.total), bar_width));
        }
        rows.push_back(row);
    }
    Row sum{"  step", {}, true};
    Row ideal{"  at datasheet peaks (roofline)", {}, false};
    for (const StepBreakdown* step : steps) {
        sum.cells.push_back(total_cell(*step));
        ideal.cells.push_back(milliseconds(step->time.roofline.value()).append(16, ' '));
    }
    if (steps.size() == 1) {
        sum.cells[0].append(bar_width + 2, ' ');
        ideal.cells[0].append(bar_width + 2, ' ');
        heads[0].append(bar_width + 2, ' ');
    }
    rows.push_back(sum);
    rows.push_back(ideal);
    return s.append(side_by_side(heads, rows, style));
}

std::string microseconds(Seconds t) { return fixed(t.value() * 1e6, 1); }

std::string operation_line(const TimedOperation& op, double step_s) {
    const double seconds = op.timed.total.value() * op.operation.count;
    std::string s("  ");
    s.append(align_left(op.operation.name, 22)).append(align_right(shortest(op.operation.count), 5));
    s.append(align_right(fixed(seconds * 1e3, 3), 9)).append(align_right(percent(seconds / step_s), 7));
    for (const Seconds t : {op.timed.compute, op.timed.memory, op.timed.network, op.timed.floor}) {
        s.append(align_right(microseconds(t), 8));
    }
    s.append("  ").append(name_of(op.timed.bound()));
    if (op.timed.provenance != Provenance::calibrated) s.append(", ").append(name_of(op.timed.provenance));
    return s.append("\n");
}

std::string by_operation(const StepBreakdown& step, std::string_view title, const Style& style) {
    std::string s = style.bold(title).append("; compute, memory, network and floor in us of one run\n");
    std::string head("  ");
    head.append(align_left("operation", 22)).append(align_right("runs", 5)).append(align_right("all, ms", 9));
    head.append(align_right("share", 7));
    for (const std::string_view column : {"compute", "memory", "network", "floor"})
        head.append(align_right(column, 8));
    s.append(style.dim(head.append("  bound"))).append("\n");
    for (const TimedOperation& op : step.operations) s.append(operation_line(op, step.time.total.value()));
    return s;
}

}   // namespace

std::string breakdown_text(const Answers& answers, bool verbose, const Style& style) {
    std::string s = by_class(answers, &StepReport::decode, "decode step", style);
    const std::string prompt = by_class(answers, &StepReport::prompt, "step with prompts", style);
    if (!s.empty() && !prompt.empty()) s.append("\n");
    s.append(prompt);
    if (!verbose) return s;
    for (const EstimateAnswer& a : answers) {
        if (!a.scenario) continue;
        std::string title(a.scenario->pool().cluster.gpu.id);
        if (a.steps.decode)
            s.append("\n").append(
                by_operation(*a.steps.decode, std::string(title).append(", decode step"), style));
        if (a.steps.prompt)
            s.append("\n").append(by_operation(*a.steps.prompt, title.append(", step with prompts"), style));
    }
    return s;
}

}   // namespace moecost::cli
