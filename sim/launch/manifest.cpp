// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/manifest.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"
#include "moecost/launch/manifest_parts.h"

namespace moecost {
namespace {

constexpr std::string_view settings_name = "moecost-settings.yaml";
constexpr std::string_view settings_folder = "/etc/moecost/";

using Table = Value::Table;
using Array = Value::Array;

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

std::string deployment(const Pool& p, const LaunchChoices& c, const Server& server, const std::string& name) {
    const Value spec = pod(p, c, server, name, texts_of(server.words), true);
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
        return texts_of({"sh", "-c", shell_with_variables(server.words, first)});
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
                                   {"capabilities", texts_of({"gpu"})}});
    const Value resources = yaml_map({{"reservations", yaml_map({{"devices", yaml_list({device})}})}});
    const std::string port = std::to_string(port_of(p, c));
    Table service{{"image", yaml_text(image_of(p, c))},
                  {"entrypoint", texts_of({})},
                  {"command", texts_of(server.words)},
                  {"ipc", yaml_text("host")},
                  {"ports", texts_of({std::string(port).append(":").append(port)})},
                  {"environment", texts_of({"HF_TOKEN"})},
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
    const std::string name = resource_name_of(s, p);
    if (form == Manifest::compose) return compose(p, c, *server, name);
    if (form == Manifest::llm_d) return llm_d_values(s, {{&p, c, *server}});
    if (form == Manifest::dynamo) return dynamo_graph({{&p, c, *server}}, name);
    if (server->nodes > 1) return leader_worker_set(s, p, c, *server, name);
    return deployment(p, c, *server, name);
}

Expected<std::string> manifest_of_pools(const Scenario& s, const std::vector<LaunchChoices>& choices,
                                        Manifest form) {
    if (form == Manifest::compose)
        return unknown_form("compose gives both pools the same GPUs of one machine",
                            "--as kubernetes or --as command");
    std::string text;
    std::vector<PoolServer> servers;
    for (std::size_t i = 0; i < s.pools.size(); ++i) {
        const Pool& p = s.pools[i];
        LaunchChoices c = choices[i];
        if (form == Manifest::kubernetes) {
            const Expected<std::string> one = manifest_of(s, p, c, form);
            if (!one) return one;
            text.append(*one);
            continue;
        }
        if (form == Manifest::dynamo) c.host.clear();
        if (form == Manifest::llm_d && p.role == Role::decode) c.port = llm_d_behind_proxy;
        const Expected<Server> server = server_of(s, p, c);
        if (!server) return server.error();
        servers.push_back({&p, c, *server});
    }
    if (form == Manifest::kubernetes) return text;
    return form == Manifest::llm_d ? llm_d_values(s, servers)
                                   : dynamo_graph(servers, resource_name(model_name(s)));
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
