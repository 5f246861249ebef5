// SPDX-License-Identifier: Apache-2.0
// The question that an estimate answers, in its first two lines.
#include <algorithm>
#include <functional>

#include "estimate/estimate.h"
#include "moecost/base/format.h"

namespace moecost::cli {
namespace {

using Part = std::function<std::string(const Scenario&)>;

/// What all columns share, or that each has its own.
std::string shared(const std::vector<EstimateAnswer>& answers, std::string_view what, const Part& part) {
    std::string text;
    bool any = false;
    for (const EstimateAnswer& a : answers) {
        if (!a.scenario) continue;
        std::string own = part(*a.scenario);
        if (any && own != text) return std::string("each column its own ").append(what);
        text = std::move(own);
        any = true;
    }
    return text;
}

std::string model_text(const Scenario& s) {
    const Counts counts = count(s.architecture);
    std::string text(model_name(s));
    if (!s.release.empty()) text.append(", of the shape of ").append(s.architecture.name);
    text.append(" (").append(parameters(counts.total)).append(" parameters, ");
    return text.append(parameters(counts.active_incl_embeddings)).append(" active)");
}

std::string deployment_text(const Scenario& s) {
    const Pool& p = s.pool();
    std::string text(s.two_pools() ? pools_name(s) : layout_name(p.layout));
    if (p.settings.draft_tokens > 0)
        text.append(", ").append(amount(p.settings.draft_tokens)).append(" drafted tokens a step");
    if (p.replicas > 1 && !s.two_pools())
        text.append(", ").append(std::to_string(p.replicas)).append(" instances");
    return text;
}

std::string lengths_text(const Scenario& s) {
    std::string text;
    if (!s.traffic.name.empty()) text.append(s.traffic.name).append(": ");
    text.append(amount(s.traffic.input)).append(" prompt + ");
    text.append(amount(s.traffic.output)).append(" output tokens");
    if (s.traffic.prefix_hit_rate > 0)
        text.append(" (").append(percent(s.traffic.prefix_hit_rate)).append(" of the prompt cached)");
    if (s.traffic.equal_lengths) text.append(", equal lengths");
    return text;
}

}   // namespace

std::string heading_text(const std::vector<EstimateAnswer>& answers, const Style& style) {
    std::string question = shared(answers, "model", model_text);
    const std::string engine =
        shared(answers, "engine", [](const Scenario& s) { return s.pool().profile.engine; });
    question.append(engine.find(' ') == std::string::npos ? " under " : ", ").append(engine).append(", ");
    question.append(shared(answers, "deployment", deployment_text));
    std::string traffic = shared(answers, "lengths", lengths_text);
    traffic.append("; ").append(
        shared(answers, "load", [](const Scenario& s) { return load_name(s.traffic.load); }));
    return style.bold(wrapped(question, 2, style.width)).append(wrapped(traffic, 2, style.width));
}

}   // namespace moecost::cli
