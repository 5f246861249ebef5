// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/manifest.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

constexpr std::string_view settings_name = "moecost-settings.yaml";
constexpr std::string_view settings_folder = "/etc/moecost/";

using Table = Value::Table;
using Array = Value::Array;

Value texts(const std::vector<std::string>& words) {
    Array items;
    for (const std::string& word : words) items.push_back(yaml_text(word));
    return yaml_list(std::move(items));
}
Value number_text(int n) { return yaml_text(std::to_string(n)); }

std::string image_of(const Pool& p, const LaunchChoices& c) {
    std::string image(p.rules.program.image);
    if (c.version.empty()) return image.append(":latest");
    const bool lettered = p.rules.program.tag == "v" && !c.version.starts_with('v');
    return image.append(lettered ? ":v" : ":").append(c.version);
}

std::string gpu_resource(const Pool& p) {
    return p.cluster.gpu.generation.starts_with("cdna") ? "amd.com/gpu" : "nvidia.com/gpu";
}

Value probe(const Pool& p, int period, int failures) {
    return yaml_map(
        {{"httpGet", yaml_map({{"path", yaml_text(p.rules.program.health)}, {"port", yaml_text("http")}})},
         {"periodSeconds", yaml_number(period)},
         {"failureThreshold", yaml_number(failures)}});
}

/// Weights are loaded for up to an hour before the first probe that counts.
void add_probes(const Pool& p, Table& container) {
    container.emplace_back("startupProbe", probe(p, 10, 360));
    container.emplace_back("readinessProbe", probe(p, 5, 3));
}

Value hf_token() {
    const Value reference = yaml_map({{"name", yaml_text("hf-token")}, {"key", yaml_text("token")}});
    return yaml_list({yaml_map(
        {{"name", yaml_text("HF_TOKEN")}, {"valueFrom", yaml_map({{"secretKeyRef", reference}})}})});
}

Value gpu_limits(const Pool& p, int gpus) {
    const Value limits = yaml_map({{gpu_resource(p), number_text(gpus)}});
    return yaml_map({{"limits", limits}, {"requests", limits}});
}

/// NCCL and worker processes want shared memory; the settings file comes from a ConfigMap.
Value mounts(const Server& server) {
    Array items{yaml_map({{"name", yaml_text("shm")}, {"mountPath", yaml_text("/dev/shm")}})};
    if (server.has_settings())
        items.push_back(
            yaml_map({{"name", yaml_text("settings")}, {"mountPath", yaml_text("/etc/moecost")}}));
    return yaml_list(std::move(items));
}
Value volumes(const Server& server, const std::string& name) {
    const Value memory = yaml_map({{"medium", yaml_text("Memory")}, {"sizeLimit", yaml_text("16Gi")}});
    Array items{yaml_map({{"name", yaml_text("shm")}, {"emptyDir", memory}})};
    if (server.has_settings()) {
        const Value map = yaml_map({{"name", yaml_text(std::string(name).append("-settings"))}});
        items.push_back(yaml_map({{"name", yaml_text("settings")}, {"configMap", map}}));
    }
    return yaml_list(std::move(items));
}

int port_of(const Pool& p, const LaunchChoices& c) { return c.port > 0 ? c.port : p.rules.program.port; }

Value pod(const Pool& p, const LaunchChoices& c, const Server& server, const std::string& name, Value command,
          bool serves) {
    Table container{{"name", yaml_text(p.rules.id)},
                    {"image", yaml_text(image_of(p, c))},
                    {"command", std::move(command)},
                    {"env", hf_token()},
                    {"resources", gpu_limits(p, server.gpus_per_node)},
                    {"volumeMounts", mounts(server)}};
    if (serves) {
        const Value port =
            yaml_map({{"containerPort", yaml_number(port_of(p, c))}, {"name", yaml_text("http")}});
        container.emplace_back("ports", yaml_list({port}));
        add_probes(p, container);
    }
    return yaml_map(
        {{"containers", yaml_list({yaml_map(std::move(container))})}, {"volumes", volumes(server, name)}});
}

Value metadata(const std::string& name) { return yaml_map({{"name", yaml_text(name)}}); }
Value labels(const std::string& name) { return yaml_map({{"app", yaml_text(name)}}); }

std::string document(const Table& table) { return std::string("---\n").append(to_yaml(yaml_map(table))); }

std::string settings_map(const Server& server, const std::string& name) {
    if (!server.has_settings()) return {};
    const std::string text = to_yaml(server.settings);
    return document({{"apiVersion", yaml_text("v1")},
                     {"kind", yaml_text("ConfigMap")},
                     {"metadata", metadata(std::string(name).append("-settings"))},
                     {"data", yaml_map({{std::string(settings_name), yaml_text(text)}})}});
}

std::string service(const Pool& p, const LaunchChoices& c, const std::string& name, const Value& selector) {
    const Value port = yaml_map({{"name", yaml_text("http")},
                                 {"port", yaml_number(port_of(p, c))},
                                 {"targetPort", yaml_text("http")}});
    return document({{"apiVersion", yaml_text("v1")},
                     {"kind", yaml_text("Service")},
                     {"metadata", metadata(name)},
                     {"spec", yaml_map({{"selector", selector}, {"ports", yaml_list({port})}})}});
}

Infeasible unknown_form(std::string detail, std::string fix) {
    Infeasible why{"no manifest is known for this", {}, {}, 0, 0};
    why.detail = std::move(detail);
    why.fix = std::move(fix);
    return why;
}

std::string deployment(const Pool& p, const LaunchChoices& c, const Server& server, const std::string& name) {
    const Value spec = pod(p, c, server, name, texts(server.words), true);
    const Value pods = yaml_map({{"metadata", yaml_map({{"labels", labels(name)}})}, {"spec", spec}});
    const std::string text =
        document({{"apiVersion", yaml_text("apps/v1")},
                  {"kind", yaml_text("Deployment")},
                  {"metadata", metadata(name)},
                  {"spec", yaml_map({{"replicas", yaml_number(p.replicas)},
                                     {"selector", yaml_map({{"matchLabels", labels(name)}})},
                                     {"template", pods}})}});
    return settings_map(server, name).append(text).append(service(p, c, name, labels(name)));
}

/// The words of a node as a line for `sh -c`: the places of rank and head become variables of the LeaderWorkerSet.
std::string shell_with_variables(const std::vector<std::string>& words, const Server& server) {
    std::string line("exec ");
    line.append(shell_line(words));
    const auto replace = [&](std::string_view mark, const std::string& by) {
        for (std::size_t at = line.find(mark); at != std::string::npos; at = line.find(mark, at + by.size()))
            line.replace(at, mark.size(), by);
    };
    replace("@HEAD@", "$LWS_LEADER_ADDRESS");
    replace("@RANK@", "$LWS_WORKER_INDEX");
    replace("@FIRST@",
            std::string("$((LWS_WORKER_INDEX * ").append(std::to_string(server.local_ranks)).append("))"));
    return line;
}

Expected<std::string> leader_worker_set(const Scenario& s, const Pool& p, const LaunchChoices& c,
                                        const Server& first, const std::string& name) {
    if (!p.rules.program.across_nodes.empty())
        return unknown_form(std::string(p.rules.name).append(" runs on more than one node under MPI"),
                            "--as command");
    const Node worker{1, "@RANK@", "@FIRST@", "@HEAD@"};
    const Node leader{0, "0", "0", "@HEAD@"};
    const Expected<Server> head = server_of(s, p, c, leader);
    const Expected<Server> other = server_of(s, p, c, worker);
    if (!head) return head.error();
    if (!other) return other.error();
    const auto command = [&](const Server& server) {
        return texts({"sh", "-c", shell_with_variables(server.words, first)});
    };
    const Value leader_pod = yaml_map({{"metadata", yaml_map({{"labels", labels(name)}})},
                                       {"spec", pod(p, c, *head, name, command(*head), true)}});
    const Value worker_pod = yaml_map({{"spec", pod(p, c, *other, name, command(*other), false)}});
    const Value group = yaml_map(
        {{"size", yaml_number(first.nodes)}, {"leaderTemplate", leader_pod}, {"workerTemplate", worker_pod}});
    const std::string text = document(
        {{"apiVersion", yaml_text("leaderworkerset.x-k8s.io/v1")},
         {"kind", yaml_text("LeaderWorkerSet")},
         {"metadata", metadata(name)},
         {"spec", yaml_map({{"replicas", yaml_number(p.replicas)}, {"leaderWorkerTemplate", group}})}});
    return settings_map(first, name).append(text).append(service(p, c, name, labels(name)));
}

Expected<std::string> compose(const Pool& p, const LaunchChoices& c, const Server& server,
                              const std::string& name) {
    if (server.nodes > 1)
        return unknown_form("compose runs on one machine, an instance wants several", "--as kubernetes");
    const Value device = yaml_map({{"driver", yaml_text("nvidia")},
                                   {"count", yaml_number(server.gpus_per_node)},
                                   {"capabilities", texts({"gpu"})}});
    const Value resources = yaml_map({{"reservations", yaml_map({{"devices", yaml_list({device})}})}});
    const std::string port = std::to_string(port_of(p, c));
    Table service{{"image", yaml_text(image_of(p, c))},
                  {"entrypoint", texts({})},
                  {"command", texts(server.words)},
                  {"ipc", yaml_text("host")},
                  {"ports", texts({std::string(port).append(":").append(port)})},
                  {"environment", texts({"HF_TOKEN"})},
                  {"deploy", yaml_map({{"resources", resources}})}};
    Table root{{"services", {}}};
    if (server.has_settings()) {
        const Value mount =
            yaml_map({{"source", yaml_text(settings_name)},
                      {"target", yaml_text(std::string(settings_folder).append(settings_name))}});
        service.emplace_back("configs", yaml_list({mount}));
        const Value content = yaml_map({{"content", yaml_text(to_yaml(server.settings))}});
        root.emplace_back("configs", yaml_map({{std::string(settings_name), content}}));
    }
    root.front().second = yaml_map({{name, yaml_map(std::move(service))}});
    return to_yaml(yaml_map(std::move(root)));
}

/// Room for the checkpoint, a tenth more than the weights: the chart gives 5 MiB when nothing is said.
std::string volume_size(const Scenario& s, const Pool& p) {
    constexpr double gib = 1024.0 * 1024 * 1024;
    const double bytes = 1.1 * weight_bytes(s.architecture, p.precision).total().value();
    return std::to_string(static_cast<long long>(std::ceil(bytes / gib))).append("Gi");
}

/// Values of the chart llm-d-modelservice. Without prefill workers no proxy is wanted: with one, the server would have to
/// listen on another port than the service.
Expected<std::string> llm_d(const Scenario& s, const Pool& p, const LaunchChoices& c, const Server& server) {
    if (p.rules.program.llm_d.empty())
        return unknown_form(std::string("llm-d values for ").append(p.rules.name), "--engine vllm");
    if (server.nodes > 1) return unknown_form("llm-d values over more than one node", "--as kubernetes");
    const Value container = yaml_map({{"name", yaml_text(p.rules.id)},
                                      {"image", yaml_text(image_of(p, c))},
                                      {"modelCommand", yaml_text(p.rules.program.llm_d)},
                                      {"command", texts(server.words)},
                                      {"mountModelVolume", yaml_flag(true)},
                                      {"resources", gpu_limits(p, server.gpus_per_node)}});
    const Value parallel = yaml_map({{"tensor", yaml_number(p.layout.tp)},
                                     {"data", yaml_number(p.layout.attention_dp)},
                                     {"dataLocal", yaml_number(p.layout.attention_dp)}});
    const Value decode = yaml_map({{"create", yaml_flag(true)},
                                   {"replicas", yaml_number(p.replicas)},
                                   {"parallelism", parallel},
                                   {"containers", yaml_list({container})}});
    const Value artifacts = yaml_map({{"name", yaml_text(c.checkpoint)},
                                      {"uri", yaml_text(std::string("hf://").append(c.checkpoint))},
                                      {"size", yaml_text(volume_size(s, p))},
                                      {"authSecretName", yaml_text("hf-token")}});
    const Value routing = yaml_map(
        {{"servicePort", yaml_number(port_of(p, c))}, {"proxy", yaml_map({{"enabled", yaml_flag(false)}})}});
    return to_yaml(yaml_map({{"modelArtifacts", artifacts},
                             {"routing", routing},
                             {"decode", decode},
                             {"prefill", yaml_map({{"create", yaml_flag(false)}})}}));
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

Expected<std::string> dynamo(const Pool& p, const LaunchChoices& c, Server server, const std::string& name) {
    const EngineProgram& program = p.rules.program;
    if (program.dynamo.empty())
        return unknown_form(std::string("a Dynamo worker of ").append(p.rules.name),
                            "--engine vllm or --as kubernetes");
    if (server.nodes > 1) return unknown_form("a Dynamo graph over more than one node", "--as kubernetes");
    std::vector<std::string> words;
    const auto model = flags_of(p.rules, "model");
    const bool positional =
        std::find(program.command.begin(), program.command.end(), "{model}") != program.command.end();
    if (positional && !model.empty()) words.insert(words.end(), {model.front()->flag, c.checkpoint});
    words.insert(words.end(), server.words.begin() + static_cast<std::ptrdiff_t>(program.command.size()),
                 server.words.end());
    const std::pair<std::string, Value> image{"image", yaml_text(program.dynamo_image)};
    const Value secret = yaml_map({{"secretRef", yaml_map({{"name", yaml_text("hf-token-secret")}})}});
    const Value worker = dynamo_component("Worker", "worker", p.replicas,
                                          {image,
                                           {"command", texts(program.dynamo)},
                                           {"args", texts(words)},
                                           {"envFrom", yaml_list({secret})},
                                           {"resources", gpu_limits(p, server.gpus_per_node)}});
    const Value components = yaml_list({dynamo_component("Frontend", "frontend", 1, {image}), worker});
    return to_yaml(yaml_map({{"apiVersion", yaml_text("nvidia.com/v1beta1")},
                             {"kind", yaml_text("DynamoGraphDeployment")},
                             {"metadata", metadata(name)},
                             {"spec", yaml_map({{"components", components}})}}));
}

/// Flags and their values on lines of their own.
std::string wrapped(const std::vector<std::string>& words) {
    std::string s;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool flag = words[i].starts_with("-") && i > 2;
        s.append(i == 0 ? "" : flag ? " \\\n    " : " ").append(shell_quoted(words[i]));
    }
    return s.append("\n");
}

}   // namespace

std::string resource_name(std::string_view text) {
    std::string s;
    for (const char c : text) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        s += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
    }
    s = s.substr(0, 50);
    while (s.ends_with('-')) s.pop_back();
    return s;
}

Expected<std::string> manifest_of(const Scenario& s, const Pool& p, LaunchChoices c, Manifest form) {
    c.settings_file = std::string(settings_folder).append(settings_name);
    if (form == Manifest::dynamo) c.host.clear();   // its frontend listens
    const Expected<Server> server = server_of(s, p, c);
    if (!server) return server.error();
    const std::string name = resource_name(s.architecture.name);
    if (form == Manifest::compose) return compose(p, c, *server, name);
    if (form == Manifest::llm_d) return llm_d(s, p, c, *server);
    if (form == Manifest::dynamo) return dynamo(p, c, *server, name);
    if (server->nodes > 1) return leader_worker_set(s, p, c, *server, name);
    return deployment(p, c, *server, name);
}

Expected<std::string> script_of(const Scenario& s, const Pool& p, const LaunchChoices& c) {
    const Expected<Server> first = server_of(s, p, c);
    if (!first) return first.error();
    std::string script;
    if (first->has_settings()) {
        script.append("cat > ").append(shell_quoted(c.settings_file)).append(" <<'END'\n");
        script.append(to_yaml(first->settings)).append("END\n");
    }
    const bool mpi = !p.rules.program.across_nodes.empty();
    if (first->nodes > 1)
        script.append(mpi ? "# one process for each GPU, under mpirun or srun:\n"
                          : "# HEAD_ADDRESS: the address of node 0, as every node reaches it\n");
    for (int i = 0; i < (mpi ? 1 : first->nodes); ++i) {
        const Expected<Server> server = server_of(s, p, c, node_of(*first, i, "HEAD_ADDRESS"));
        if (!server) return server.error();
        if (first->nodes > 1 && !mpi) script.append("# on node ").append(std::to_string(i)).append("\n");
        script.append(wrapped(server->words));
    }
    return script;
}

}   // namespace moecost
