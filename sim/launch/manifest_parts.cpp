// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/manifest_parts.h"

#include <algorithm>
#include <cmath>

#include "moecost/launch/manifest.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

using Table = Value::Table;
using Array = Value::Array;

Value number_text(int n) { return yaml_text(std::to_string(n)); }

std::string gpu_resource(const Pool& p) {
    return p.cluster.gpu.generation.starts_with("cdna") ? "amd.com/gpu" : "nvidia.com/gpu";
}

/// Room for the checkpoint, a tenth more than the weights: the chart gives 5 MiB when nothing is said.
std::string volume_size(const Scenario& s, const Pool& p) {
    constexpr double gib = 1024.0 * 1024 * 1024;
    const double bytes = 1.1 * weight_bytes(s.architecture, p.precision).total().value();
    return std::to_string(static_cast<long long>(std::ceil(bytes / gib))).append("Gi");
}

Value llm_d_phase(const PoolServer& s) {
    const Pool& p = *s.pool;
    const Value container = yaml_map({{"name", yaml_text(p.rules.id)},
                                      {"image", yaml_text(image_of(p, s.choices))},
                                      {"modelCommand", yaml_text(p.rules.program.llm_d)},
                                      {"command", texts_of(s.server.words)},
                                      {"mountModelVolume", yaml_flag(true)},
                                      {"resources", gpu_limits(p, s.server.gpus_per_node)}});
    const Value parallel = yaml_map({{"tensor", yaml_number(p.layout.tp)},
                                     {"data", yaml_number(p.layout.attention_dp)},
                                     {"dataLocal", yaml_number(p.layout.attention_dp)}});
    return yaml_map({{"create", yaml_flag(true)},
                     {"replicas", yaml_number(p.replicas)},
                     {"parallelism", parallel},
                     {"containers", yaml_list({container})}});
}

/// A component of a DynamoGraphDeployment, nvidia.com/v1beta1: its container is called main.
Value dynamo_component(std::string_view name, std::string_view type, int replicas, Table container) {
    container.insert(container.begin(), {"name", yaml_text("main")});
    const Value spec = yaml_map({{"containers", yaml_list({yaml_map(std::move(container))})}});
    return yaml_map({{"name", yaml_text(std::string(name))},
                     {"type", yaml_text(std::string(type))},
                     {"replicas", yaml_number(replicas)},
                     {"podTemplate", yaml_map({{"spec", spec}})}});
}

/// The words of the server as the Dynamo worker takes them.
std::vector<std::string> dynamo_words(const PoolServer& s) {
    const EngineProgram& program = s.pool->rules.program;
    std::vector<std::string> words;
    const auto model = flags_of(s.pool->rules, "model");
    const bool positional =
        std::find(program.command.begin(), program.command.end(), "{model}") != program.command.end();
    if (positional && !model.empty()) words.insert(words.end(), {model.front()->flag, s.choices.checkpoint});
    words.insert(words.end(), s.server.words.begin() + static_cast<std::ptrdiff_t>(program.command.size()),
                 s.server.words.end());
    if (s.pool->role != Role::both && !program.dynamo_role.empty()) {
        words.push_back(program.dynamo_role);
        words.emplace_back(name_of(s.pool->role));
    }
    return words;
}

Value dynamo_worker(const PoolServer& s) {
    const EngineProgram& program = s.pool->rules.program;
    const Value secret = yaml_map({{"secretRef", yaml_map({{"name", yaml_text("hf-token-secret")}})}});
    const bool whole = s.pool->role == Role::both;
    const std::string_view type = whole ? "worker" : name_of(s.pool->role);
    const std::string_view name = whole ? "Worker" : s.pool->role == Role::prefill ? "Prefill" : "Decode";
    return dynamo_component(name, type, s.pool->replicas,
                            {{"image", yaml_text(program.dynamo_image)},
                             {"command", texts_of(program.dynamo)},
                             {"args", texts_of(dynamo_words(s))},
                             {"envFrom", yaml_list({secret})},
                             {"resources", gpu_limits(*s.pool, s.server.gpus_per_node)}});
}

bool any_over_nodes(const std::vector<PoolServer>& servers) {
    return std::any_of(servers.begin(), servers.end(),
                       [](const PoolServer& s) { return s.server.nodes > 1; });
}

}   // namespace

Value texts_of(const std::vector<std::string>& words) {
    Array items;
    for (const std::string& word : words) items.push_back(yaml_text(word));
    return yaml_list(std::move(items));
}

std::string image_of(const Pool& p, const LaunchChoices& c) {
    std::string image(p.rules.program.image);
    if (c.version.empty()) return image.append(":latest");
    const bool lettered = p.rules.program.tag == "v" && !c.version.starts_with('v');
    return image.append(lettered ? ":v" : ":").append(c.version);
}

Value gpu_limits(const Pool& p, int gpus) {
    const Value limits = yaml_map({{gpu_resource(p), number_text(gpus)}});
    return yaml_map({{"limits", limits}, {"requests", limits}});
}

int port_of(const Pool& p, const LaunchChoices& c) { return c.port > 0 ? c.port : p.rules.program.port; }

std::string resource_name_of(const Scenario& s, const Pool& p) {
    std::string name = resource_name(model_name(s));
    if (p.role != Role::both) name.append("-").append(name_of(p.role));
    return name;
}

Infeasible unknown_form(std::string detail, std::string fix) {
    Infeasible why{"no manifest is known for this", {}, {}, 0, 0};
    why.detail = std::move(detail);
    why.fix = std::move(fix);
    return why;
}

Expected<std::string> llm_d_values(const Scenario& s, const std::vector<PoolServer>& servers) {
    const PoolServer& last = servers.back();
    if (last.pool->rules.program.llm_d.empty())
        return unknown_form(std::string("llm-d values for ").append(last.pool->rules.name), "--engine vllm");
    if (any_over_nodes(servers))
        return unknown_form("llm-d values over more than one node", "--as kubernetes");
    const bool apart = servers.size() > 1;
    const Value artifacts =
        yaml_map({{"name", yaml_text(last.choices.checkpoint)},
                  {"uri", yaml_text(std::string("hf://").append(last.choices.checkpoint))},
                  {"size", yaml_text(volume_size(s, *last.pool))},
                  {"authSecretName", yaml_text("hf-token")}});
    const Value proxy = apart ? yaml_map({{"enabled", yaml_flag(true)},
                                          {"targetPort", yaml_number(llm_d_behind_proxy)},
                                          {"connector", yaml_text("nixlv2")}})
                              : yaml_map({{"enabled", yaml_flag(false)}});
    const int port = port_of(*servers.front().pool, servers.front().choices);
    return to_yaml(yaml_map(
        {{"modelArtifacts", artifacts},
         {"routing", yaml_map({{"servicePort", yaml_number(port)}, {"proxy", proxy}})},
         {"decode", llm_d_phase(last)},
         {"prefill", apart ? llm_d_phase(servers.front()) : yaml_map({{"create", yaml_flag(false)}})}}));
}

Expected<std::string> dynamo_graph(const std::vector<PoolServer>& servers, const std::string& name) {
    const EngineRules& rules = servers.back().pool->rules;
    if (rules.program.dynamo.empty())
        return unknown_form(std::string("a Dynamo worker of ").append(rules.name),
                            "--engine vllm or --as kubernetes");
    if (any_over_nodes(servers))
        return unknown_form("a Dynamo graph over more than one node", "--as kubernetes");
    Array components{
        dynamo_component("Frontend", "frontend", 1, {{"image", yaml_text(rules.program.dynamo_image)}})};
    for (const PoolServer& s : servers) components.push_back(dynamo_worker(s));
    return to_yaml(yaml_map({{"apiVersion", yaml_text("nvidia.com/v1beta1")},
                             {"kind", yaml_text("DynamoGraphDeployment")},
                             {"metadata", yaml_map({{"name", yaml_text(name)}})},
                             {"spec", yaml_map({{"components", yaml_list(std::move(components))}})}}));
}

}   // namespace moecost
