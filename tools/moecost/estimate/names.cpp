// SPDX-License-Identifier: Apache-2.0
// Phrases that the printers of an estimate share.
#include <algorithm>

#include "estimate/estimate.h"
#include "moecost/base/format.h"

namespace moecost::cli {
namespace {

void degree(std::string& s, std::string_view name, int n) {
    if (n <= 1) return;
    s.append(s.empty() ? "" : " ").append(name).append(std::to_string(n));
}

bool one_accelerator(const std::vector<EstimateAnswer>& answers) { return answers.size() == 1; }

void add_once(std::vector<std::string>& list, std::string text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

/// "router, 1 % of the decode step": operations that leave the fitted range, and their share of the step.
std::string outside_calibration(const StepAnswer& step, std::string_view which) {
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
    std::string outside = a.decode ? outside_calibration(*a.decode, "decode step") : std::string();
    const std::string prompt = a.prompt ? outside_calibration(*a.prompt, "step with prompts") : std::string();
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
    degree(s, "DP", layout.attention_dp);
    return s.empty() ? "one GPU" : s;
}

std::string precision_name(const Precision& p) {
    const auto name = [](DType type) { return info(type).name; };
    std::string s(name(p.routed_experts));
    const bool one =
        p.attention == p.routed_experts && p.dense_ffn == p.attention && p.shared_experts == p.attention;
    if (one) return s;
    return s.append(" experts, ").append(name(p.attention)).append(" attn");
}

std::string load_name(const Traffic& t) {
    switch (t.load) {
        case LoadKind::closed_loop:
            return amount(t.requests, "requests in flight");
        case LoadKind::rate:
            return amount(t.requests, "requests/s");
        case LoadKind::static_batch:
            return std::string("static batch of ").append(amount(t.requests));
        case LoadKind::burst:
            return amount(t.requests, "requests at once");
        case LoadKind::prefill_only:
            return "prompts only";
        case LoadKind::decode_only:
            return amount(t.requests, "sequences decoding, no prompts");
        case LoadKind::offline:
            break;
    }
    return "an endless queue";
}

std::string infeasible_line(const EstimateAnswer& answer) {
    const Scenario& s = answer.scenario;
    std::string line("infeasible: ");
    line.append(s.architecture.name).append(" on ").append(std::to_string(s.layout.gpus())).append(" x ");
    return line.append(s.cluster.gpu.id).append(": ").append(describe(answer.why));
}

std::string fix_line(const EstimateAnswer& answer) {
    if (answer.fix.empty()) return {};
    return std::string(answer.fix).append(" would run");
}

std::vector<std::string> assumptions(const std::vector<EstimateAnswer>& answers) {
    std::vector<std::string> list;
    for (const EstimateAnswer& a : answers) {
        std::string prefix;
        if (!one_accelerator(answers)) prefix.append(a.scenario.cluster.gpu.id).append(": ");
        for (const std::string& note : a.scenario.notes) {
            const auto has = [&](const EstimateAnswer& o) {
                return std::find(o.scenario.notes.begin(), o.scenario.notes.end(), note) !=
                       o.scenario.notes.end();
            };
            const bool common = std::all_of(answers.begin(), answers.end(), has);
            add_once(list, common ? note : std::string(prefix).append(note));
        }
        add_range(list, a, prefix);
    }
    return list;
}

}   // namespace moecost::cli
