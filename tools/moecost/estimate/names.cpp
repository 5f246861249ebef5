// SPDX-License-Identifier: Apache-2.0
// Phrases that the printers of an estimate share.
#include <algorithm>
#include <cmath>

#include "estimate/estimate.h"
#include "moecost/base/format.h"
#include "moecost/estimate/fix_options.h"

namespace moecost::cli {
namespace {

void degree(std::string& s, std::string_view name, int n) {
    if (n <= 1) return;
    s.append(s.empty() ? "" : " ").append(name).append(std::to_string(n));
}

void add_once(std::vector<std::string>& list, std::string text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

/// "router, 1 % of the decode step": operations that leave the fitted range, and their share of the step.
std::string outside_calibration(const StepBreakdown& step, std::string_view which) {
    std::vector<std::string> names;
    double seconds = 0;
    for (const TimedOperation& op : step.operations) {
        if (op.timed.provenance != Provenance::extrapolated) continue;
        add_once(names, std::string(op.operation.name));
        seconds += op.timed.total.value() * op.operation.count;
    }
    std::string s;
    for (const std::string& name : names) s.append(s.empty() ? "" : ", ").append(name);
    if (s.empty()) return s;
    return s.append(": ").append(percent(seconds / total(step.spent))).append(" of the ").append(which);
}

void add_range(std::vector<std::string>& list, const EstimateAnswer& a, const std::string& prefix) {
    std::string outside =
        a.steps.decode ? outside_calibration(*a.steps.decode, "decode step") : std::string();
    const std::string prompt =
        a.steps.prompt ? outside_calibration(*a.steps.prompt, "step with prompts") : std::string();
    if (!outside.empty() && !prompt.empty()) outside.append("; ");
    if (outside.append(prompt).empty()) return;
    list.push_back(std::string(prefix).append("beyond the fitted range: ").append(outside));
}

}   // namespace

std::string layout_name(const Layout& layout) {
    std::string s;
    degree(s, "TP", layout.tp);
    degree(s, "PP", layout.pp);
    degree(s, "EP", layout.ep);
    if (layout.ep > 1 && layout.exchange != ExpertExchange::collective)
        s.append(" ").append(name_of(layout.exchange));
    if (layout.redundant_experts > 0)
        s.append(" +").append(std::to_string(layout.redundant_experts)).append(" experts");
    degree(s, "DP", layout.attention_dp);
    return s.empty() ? "one GPU" : s;
}

std::string pools_name(const Scenario& s) {
    const auto one = [](const Pool& p, std::string_view name) {
        std::string text(name);
        text.append(" ").append(std::to_string(p.replicas)).append(" x (");
        return text.append(layout_name(p.layout)).append(")");
    };
    return one(s.pools.front(), "prefill").append(", ").append(one(s.pools.back(), "decode"));
}

std::string precision_name(const Precision& p) {
    const auto name = [](DType type) { return info(type).name; };
    std::string s(name(p.routed_experts));
    const bool one =
        p.attention == p.routed_experts && p.dense_ffn == p.attention && p.shared_experts == p.attention;
    if (one) return s;
    return s.append(" experts, ").append(name(p.attention)).append(" attn");
}

std::string objective_name(std::string_view time, double level) {
    std::string s;
    if (level > 0) s.append("p").append(shortest(std::round(level * 1e6) / 1e4));
    if (level > 0 && !time.empty()) s.append(" ");
    return s.append(time);
}

std::string load_name(const Load& load) {
    struct Name {
        std::string operator()(const ClosedLoop& l) const {
            return amount(l.concurrency, "requests in flight");
        }
        std::string operator()(const OpenLoop& l) const { return amount(l.rate, "requests/s"); }
        std::string operator()(const Offline&) const { return "an endless queue"; }
        std::string operator()(const StaticBatch& l) const {
            return std::string("static batch of ").append(amount(l.requests));
        }
        std::string operator()(const Burst& l) const { return amount(l.requests, "requests at once"); }
        std::string operator()(const Replay& l) const {
            return amount(size_of(l).value_or(0), "requests of a trace");
        }
        std::string operator()(const PrefillOnly&) const { return "prompts only"; }
        std::string operator()(const DecodeOnly& l) const {
            return amount(l.requests, "sequences decoding, no prompts");
        }
    };
    return std::visit(Name{}, load);
}

std::string shown(FigureKind kind, double value) {
    if (!std::isfinite(value)) return "-";
    switch (kind) {
        case FigureKind::usd_per_mtok:
        case FigureKind::usd:
            return money(value);
        case FigureKind::usd_per_gpu_hour:
            return std::string("$").append(fixed(value, 2));
        case FigureKind::tokens_per_s:
            return value > 0 ? amount(value, "tok/s") : "-";
        case FigureKind::per_s:
            return amount(value, "/s");
        case FigureKind::seconds:
            return value > 0 ? duration(value) : "-";
        case FigureKind::bytes:
            return byte_size(value);
        case FigureKind::share:
            return percent(value);
        case FigureKind::joules:
            return amount(value, "J");
        case FigureKind::watts:
            return amount(value, "W");
        case FigureKind::flag:
            return value != 0 ? "yes" : "no";
        case FigureKind::count:
        case FigureKind::text:
            break;
    }
    return amount(value);
}

std::string shown(const Figure& figure, const View& view) {
    if (figure.number != nullptr) return shown(figure.kind, figure.number(view));
    const std::string_view text = figure.text(view);
    return text.empty() ? "-" : words(text);
}

std::string shown(const Input& input, const View& view) {
    if (view.scenario == nullptr) {
        const auto texts = texts_of(*view.description, input);
        return texts.empty() ? "-" : texts.front();
    }
    if (input.number == nullptr) return input.text != nullptr ? std::string(input.text(view)) : "-";
    const double value = input.number(view);
    if (!std::isfinite(value)) return "-";
    if (input.kind == InputKind::seconds || input.kind == InputKind::objective) return duration(value);
    return input.kind == InputKind::share ? percent(value) : amount(value);
}

std::string column_name(const EstimateAnswer& a) {
    if (!a.column.empty()) return a.column;
    if (a.scenario) return a.scenario->pool().cluster.gpu.id;
    return a.description.gpu.empty() ? a.description.cluster : a.description.gpu;
}

std::string infeasible_line(const EstimateAnswer& answer) {
    std::string line("infeasible: ");
    if (answer.scenario) {
        const Pool& p = answer.scenario->pool();
        line.append(model_name(*answer.scenario)).append(" on ");
        if (answer.scenario->two_pools()) {
            const Pool& from = answer.scenario->pools.front();
            line.append(std::to_string(from.gpus())).append(" x ").append(from.cluster.gpu.id).append(" + ");
        }
        line.append(std::to_string(p.gpus()));
        return line.append(" x ").append(p.cluster.gpu.id).append(": ").append(to_text(answer.why));
    }
    const Description& d = answer.description;
    line.append(d.model.empty() ? d.family : d.model).append(" on ");
    return line.append(d.gpu.empty() ? d.cluster : d.gpu).append(": ").append(to_text(answer.why));
}

std::string fix_line(const EstimateAnswer& answer) {
    // A sentence without options is advice; options are told when they have been tried.
    if (answer.fix.empty()) return options_in(answer.why.fix).empty() ? answer.why.fix : std::string();
    return std::string(answer.fix).append(" would run");
}

std::vector<std::string> assumptions(const std::vector<EstimateAnswer>& answers) {
    std::vector<std::string> list;
    for (const EstimateAnswer& a : answers) {
        if (!a.scenario) continue;
        std::string prefix;
        if (answers.size() > 1) prefix.append(column_name(a)).append(": ");
        for (const std::string& note : a.scenario->notes) {
            const auto has = [&](const EstimateAnswer& o) {
                return !o.scenario || std::find(o.scenario->notes.begin(), o.scenario->notes.end(), note) !=
                                          o.scenario->notes.end();
            };
            const bool common = std::all_of(answers.begin(), answers.end(), has);
            add_once(list, common ? note : std::string(prefix).append(note));
        }
        add_range(list, a, prefix);
    }
    return list;
}

}   // namespace moecost::cli
