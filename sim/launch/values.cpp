// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/values.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/base/written_number.h"
#include "moecost/estimate/estimate.h"
#include "moecost/launch/quantities.h"
#include "moecost/ops/launchable.h"

namespace moecost {
namespace {

void set_term(LaunchValues& v, RuleTerm term, double value) {
    v.terms[static_cast<std::size_t>(term)] = value;
    v.numbers.insert_or_assign(std::string(name_of(term)), value);
}

/// Whole numbers in digits: engines read no 1e+05 where they want an integer.
std::string written(double x) {
    const bool whole = x == std::floor(x) && std::abs(x) < 1e15;
    return whole ? std::to_string(static_cast<long long>(x)) : shortest(x);
}

double experts_of(const Architecture& a) {
    double most = 0;
    for (const FfnGroup& group : a.ffns) {
        if (const auto* moe = std::get_if<MoeFfn>(&group.kind))
            most = std::max(most, double{1} * moe->experts);
    }
    return most;
}

void add_layout(LaunchValues& v, const Scenario& s, const Pool& p) {
    v.terms =
        term_values(p.rules, s.architecture, p.precision, p.layout, p.cluster.gpu, launch_settings(s, p));
    for (const RuleTerm term : {RuleTerm::tp, RuleTerm::pp, RuleTerm::ep, RuleTerm::attention_dp,
                                RuleTerm::expert_tp, RuleTerm::draft_tokens}) {
        set_term(v, term, v.terms[static_cast<std::size_t>(term)]);
    }
    set_term(v, RuleTerm::experts, experts_of(s.architecture));
    set_term(v, RuleTerm::physical_experts, experts_of(s.architecture) + p.layout.redundant_experts);
    if (p.layout.redundant_experts > 0) set_term(v, RuleTerm::redundant_experts, p.layout.redundant_experts);
    v.words["exchange"] = name_of(p.layout.exchange);
}

void add_settings(LaunchValues& v, const Scenario& s, const Pool& p, const LaunchChoices& c) {
    v.numbers["chunk"] = p.settings.chunk_tokens;
    v.numbers["max_sequences"] = p.settings.max_sequences;
    v.numbers["memory_fraction"] = p.settings.memory_fraction;
    if (p.settings.admission_steps > 0) v.numbers["admission_steps"] = p.settings.admission_steps;
    v.numbers["max_model_len"] = c.max_model_len > 0 ? c.max_model_len : context_limit(s);
    v.words["kv"] = info(p.precision.kv_cache).name;
    if (!c.quantised) v.words["weights"] = info(p.precision.attention).name;
    if (s.traffic.prefix_hit_rate > 0) v.numbers["prefix_caching"] = 1;
    if (s.reuse.host_per_gpu.value() > 0) v.numbers["host_cache_gb"] = s.reuse.host_per_gpu.value() / 1e9;
    if (p.layout.batch_overlap) v.numbers["batch_overlap"] = 1;
    if (s.traffic.input > p.settings.chunk_tokens) v.numbers["chunked_prefill"] = 1;
    if (p.role != Role::both) v.words["role"] = p.role == Role::prefill ? "prefill" : "decode";
}

/// Ranks that each fit into a node are spread over nodes as ranks; anything else as one world.
void add_nodes(LaunchValues& v, const Pool& p, const Node& node) {
    const int per_node = p.cluster.gpus_per_node;
    const int gpus = p.layout.gpus();
    if (gpus <= per_node) return;
    const int rank_gpus = p.layout.tp * p.layout.pp;
    const bool by_ranks =
        !flags_of(p.rules, "local_ranks").empty() && p.layout.attention_dp > 1 && per_node % rank_gpus == 0;
    if (node.index > 0) v.numbers["headless"] = 1;
    v.numbers["gpus_per_node"] = per_node;
    if (by_ranks) {
        v.numbers["local_ranks"] = double{1} * per_node / rank_gpus;
        v.words["first_rank"] = node.first_rank;
        v.words["head_of_ranks"] = node.head;
        return;
    }
    v.numbers["nodes"] = (double{1} * gpus + per_node - 1) / per_node;
    v.numbers["nodes"] = static_cast<int>(v.numbers["nodes"]);
    v.words["node_rank"] = node.rank;
    v.words["head"] = node.head;
}

std::optional<std::string> product(const EngineFlag& row, const LaunchValues& values) {
    if (row.value.size() == 1 && row.add == 0) return values.text(row.value.front());
    double result = 1;
    for (const std::string& name : row.value) {
        const auto number = plain_number(name);
        const auto it = values.numbers.find(name);
        if (!number && it == values.numbers.end()) return std::nullopt;
        result *= number ? *number : it->second;
    }
    return written(result + row.add);
}

/// The template with {names} filled in; nothing where one of them has no value. A brace that opens JSON stays.
std::optional<std::string> filled_template(std::string_view text, const LaunchValues& values) {
    std::string s;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        s.append(text.substr(0, open));
        if (open == std::string_view::npos) break;
        text.remove_prefix(open + 1);
        const std::size_t close = text.find('}');
        const std::string_view name = text.substr(0, close);
        if (close == std::string_view::npos || subject_named(name) == nullptr) {
            s += '{';
            continue;
        }
        const auto value = values.text(name);
        if (!value) return std::nullopt;
        s.append(*value);
        text.remove_prefix(close + 1);
    }
    return s;
}

Written as_value(std::optional<std::string> text) {
    if (!text) return {};
    return {Written::Form::value, std::move(*text)};
}

Written word_of(const EngineFlag& row, const LaunchValues& values) {
    const auto ours = values.words.find(row.input);
    if (ours == values.words.end()) return {};
    for (const auto& [word, engine] : row.values) {
        if (word == ours->second) return {Written::Form::value, engine};
    }
    return {};
}

}   // namespace

std::optional<std::string> LaunchValues::text(std::string_view name) const {
    if (const auto word = words.find(name); word != words.end()) return word->second;
    if (const auto number = numbers.find(name); number != numbers.end()) return written(number->second);
    return std::nullopt;
}

double context_limit(const Scenario& s) {
    constexpr double step = 1024;
    const double wanted = 2 * (s.traffic.input + s.traffic.output);
    const double rounded_up = std::ceil(wanted / step) * step;
    const double longest = s.architecture.max_position;
    return longest > 0 ? std::min(rounded_up, longest) : rounded_up;
}

LaunchValues launch_values(const Scenario& s, const Pool& p, const LaunchChoices& c, const Node& node) {
    LaunchValues v;
    add_layout(v, s, p);
    add_settings(v, s, p, c);
    add_nodes(v, p, node);
    v.words["model"] = c.checkpoint;
    if (c.host.empty()) return v;
    v.words["host"] = c.host;
    v.numbers["port"] = c.port > 0 ? c.port : p.rules.program.port;
    return v;
}

Written written_by(const EngineFlag& row, const LaunchValues& values) {
    if (!all_hold(row.when, values.terms)) return {};
    if (!row.value.empty()) return as_value(product(row, values));
    if (!row.text.empty()) return as_value(filled_template(row.text, values));
    if (!row.values.empty()) return word_of(row, values);
    if (!row.when.empty()) return {Written::Form::on, {}};
    const auto toggle = values.numbers.find(row.input);
    if (toggle == values.numbers.end()) return {};
    return {toggle->second != 0 ? Written::Form::on : Written::Form::off, {}};
}

}   // namespace moecost
