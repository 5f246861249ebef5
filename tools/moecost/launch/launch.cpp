// SPDX-License-Identifier: Apache-2.0
// The command `launch`: the commands or the manifest of a deployment, and the load generator that checks the answer.
#include "launch/launch.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/base/json_writer.h"
#include "moecost/base/shell_words.h"
#include "moecost/base/yaml.h"
#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"
#include "moecost/launch/benchmark.h"
#include "moecost/launch/carried.h"
#include "moecost/launch/checkpoint.h"
#include "moecost/launch/manifest.h"
#include "moecost/launch/router.h"
#include "option_values.h"

namespace moecost::cli {
namespace {

constexpr std::string_view group = "Launch";
const std::vector<std::string> forms{"command", "kubernetes", "compose", "llm-d", "dynamo"};

void apply_flags(Description& d, const CommandLine& line) {
    for (const Setting& s : line.settings) {
        if (input_named(s.key) != nullptr) set_option(d, s.key, s.text, {std::string("--").append(s.key)});
    }
}

Description description_of(const CommandLine& line) {
    Description d;
    Description flags;
    apply_flags(flags, line);
    if (const std::string* file = line.find("scenario")) apply_scenario_file(d, read_document(*file));
    if (flags.load) d.load.reset();
    if (!flags.gpu.empty()) d.cluster.clear();
    apply_flags(d, line);
    return d;
}

int whole_option(const CommandLine& line, const char* key, int most) {
    const std::string* text = line.find(key);
    if (text == nullptr) return 0;
    std::size_t used = 0;
    double value = 0;
    try {
        value = std::stod(*text, &used);
    } catch (const std::exception&) {
        used = 0;
    }
    if (used != text->size() || value < 1 || value > most || value != static_cast<int>(value)) {
        std::string message("'");
        message.append(*text).append("' is not a whole number in 1..").append(std::to_string(most));
        throw InputError({std::string("--").append(key)}, {}, message);
    }
    return static_cast<int>(value);
}

/// What is to be launched, with all that the answer needs.
struct Question {
    Description description;
    Scenario scenario;
    LaunchChoices choices;   // of the only pool, or of decode
    std::string form;
    std::vector<LaunchChoices> pools;   // in the order of the scenario's
    std::vector<std::string> not_carried;
    std::optional<Router> router;   // of two pools, where its command is known
};

constexpr const char* router_file = "moecost-settings-router.yaml";

LaunchChoices choices_of(const CommandLine& line) {
    LaunchChoices c;
    if (const std::string* version = line.find("engine-version")) c.version = *version;
    if (const std::string* host = line.find("host")) c.host = *host;
    c.port = whole_option(line, "port", 65535);
    c.max_model_len = whole_option(line, "max-model-len", 1 << 30);
    return c;
}

std::string form_of(const CommandLine& line) {
    const std::string* form = line.find("as");
    if (form == nullptr) return forms.front();
    if (std::find(forms.begin(), forms.end(), *form) == forms.end()) {
        std::string message("'");
        throw InputError({"--as"}, {}, message.append(*form).append("' is no form"), name_hint(*form, forms));
    }
    return *form;
}

Answer refusal(const Infeasible& why) {
    Answer answer;
    answer.output = std::string("infeasible: ").append(to_text(why)).append("\n");
    if (!why.fix.empty()) answer.messages = std::string("hint: ").append(why.fix).append("\n");
    answer.status = infeasible;
    return answer;
}

/// The script of each pool, one under the other, and that of the router; `import cmd` reads the numbers of workers in the
/// comments.
Expected<std::string> scripts_apart(const Question& q) {
    std::string text;
    for (std::size_t i = 0; i < q.scenario.pools.size(); ++i) {
        const Pool& p = q.scenario.pools[i];
        const Expected<std::string> script = script_of(q.scenario, p, q.pools[i]);
        if (!script) return script.error();
        text.append(text.empty() ? "" : "\n").append("# ").append(name_of(p.role)).append(" worker, start ");
        text.append(std::to_string(p.replicas))
            .append(p.replicas > 1 ? " of them:\n" : ":\n")
            .append(*script);
    }
    if (!q.router) return text;
    text.append(
        "\n# the router in front of both pools; PREFILL_1, DECODE_1, ...: addresses of the workers\n");
    return text.append(script_of(*q.router, router_file));
}

std::optional<Manifest> manifest_form(std::string_view form) {
    if (form == "kubernetes") return Manifest::kubernetes;
    if (form == "compose") return Manifest::compose;
    if (form == "llm-d") return Manifest::llm_d;
    if (form == "dynamo") return Manifest::dynamo;
    return std::nullopt;
}

Expected<std::string> launched(const Question& q) {
    const auto form = manifest_form(q.form);
    if (q.scenario.two_pools())
        return form ? manifest_of_pools(q.scenario, q.pools, *form) : scripts_apart(q);
    const Pool& p = q.scenario.pool();
    return form ? manifest_of(q.scenario, p, q.choices, *form) : script_of(q.scenario, p, q.choices);
}

std::string usual_tool(const Pool& p, const CommandLine& line) {
    const std::string* tool = line.find("benchmark");
    if (tool != nullptr) return *tool;
    return p.profile.engine == "sglang" ? "sglang" : "vllm";
}

std::string count_of(int n, std::string_view what) {
    return std::to_string(n).append(" ").append(what).append(n == 1 ? "" : "s");
}

std::string heading(const Question& q) {
    const Pool& p = q.scenario.pool();
    std::string s("# moecost launch ");
    s.append(options_of(q.description)).append("\n# ");
    for (const Pool& pool : q.scenario.pools) {
        const std::string_view what = pool.role == Role::prefill  ? "prefill worker"
                                      : pool.role == Role::decode ? "decode worker"
                                                                  : "instance";
        s.append(std::to_string(pool.gpus())).append(" x ").append(pool.cluster.gpu.id).append(", ");
        s.append(count_of(pool.replicas, what)).append(" of ").append(count_of(pool.layout.gpus(), "GPU"));
        s.append(", ");
    }
    s.append(p.rules.name).append(" ");
    return s.append(q.choices.version.empty() ? p.rules.versions : q.choices.version).append("\n");
}

std::string joined_by(const std::vector<std::string>& parts, std::string_view between) {
    std::string s;
    for (const std::string& part : parts) s.append(s.empty() ? "" : between).append(part);
    return s;
}

/// Forms that start one instance, whatever the number of them.
bool one_instance_alone(std::string_view form) { return form == "command" || form == "compose"; }

std::vector<std::string> notes_of(const Question& q) {
    std::vector<std::string> notes;
    if (q.choices.max_model_len == 0) {
        notes.push_back(std::string("context limit ")
                            .append(shortest(context_limit(q.scenario)))
                            .append(" = twice the mean prompt and output; --max-model-len sets it"));
    }
    if (!q.not_carried.empty())
        notes.push_back(std::string("said by no word of the server or the benchmark: ")
                            .append(joined_by(q.not_carried, " ")));
    if (q.form != "command" && q.scenario.pool().cluster.gpu.generation.starts_with("cdna"))
        notes.emplace_back(
            "the images and the compose driver are those of NVIDIA: on AMD name a build for ROCm (rocm/vllm, "
            "or "
            "lmsysorg/sglang with a tag such as v0.5.12-rocm720-mi30x) and pass /dev/kfd and /dev/dri");
    if (q.router && q.form == "kubernetes")
        notes.emplace_back("the manifest holds no router: --as command shows its command");
    if (q.router && q.form == "command" && !q.router->note.empty()) notes.push_back(q.router->note);
    if (q.router && q.form == "command" && !q.router->package.empty())
        notes.push_back(
            std::string("the router is a package of its own: pip install ").append(q.router->package));
    if (!launch_settings(q.scenario, q.scenario.pool()).alike)
        notes.emplace_back(
            "the pools differ in checkpoint or GPU generation: whether their caches are laid out alike is "
            "not "
            "checked");
    if (one_instance_alone(q.form) && q.scenario.pool().replicas > 1 && !q.scenario.two_pools())
        notes.push_back(std::string("start ")
                            .append(std::to_string(q.scenario.pool().replicas))
                            .append(" of them behind a load balancer"));
    if (q.choices.version.empty() && q.form != "command" && q.form != "dynamo")
        notes.emplace_back("the image is the latest; --engine-version pins it");
    if (!q.choices.quantised) notes.emplace_back("weights are quantised while loading");
    return notes;
}

std::string as_text(const Question& q, const std::string& body, const std::vector<std::string>& bench,
                    bool quiet) {
    std::string s = heading(q);
    for (const std::string& note : notes_of(q))
        if (!quiet) s.append("# ").append(note).append("\n");
    s.append(body);
    if (!s.ends_with('\n')) s.append("\n");
    s.append(q.form == "command" ? "\n# the benchmark that checks the answer:\n"
                                 : "# the benchmark that checks the answer:\n# ");
    return s.append(shell_line(bench)).append("\n");
}

std::string as_json(const Question& q, const std::string& body, const Server& server,
                    const std::vector<std::string>& bench) {
    JsonWriter json;
    json.begin_object();
    json.text("schema", "moecost.launch/1");
    json.text("options", options_of(q.description));
    json.text("engine", q.scenario.pool().rules.id);
    json.text("checkpoint", q.choices.checkpoint);
    json.number("replicas", q.scenario.pool().replicas);
    json.number("nodes", server.nodes);
    json.begin_array("words");
    for (const std::string& word : server.words) json.text({}, word);
    json.end_array();
    if (server.has_settings()) json.text("settings", to_yaml(server.settings));
    json.text("as", q.form);
    json.text("text", body);
    json.begin_array("router");
    for (const std::string& word : q.router ? q.router->words : std::vector<std::string>())
        json.text({}, word);
    json.end_array();
    json.begin_array("benchmark");
    for (const std::string& word : bench) json.text({}, word);
    json.end_array();
    json.begin_array("notes");
    for (const std::string& note : notes_of(q)) json.text({}, note);
    json.end_array();
    json.end_object();
    return json.str();
}

/// Fills in the checkpoint of each pool, or says that none is known.
std::optional<Infeasible> choose_checkpoints(const Invocation& invocation, Question& q) {
    const std::string* given = invocation.line.find("checkpoint");
    for (const Pool& p : q.scenario.pools) {
        LaunchChoices c = q.choices;
        if (q.scenario.two_pools())
            c.settings_file = std::string("moecost-settings-").append(name_of(p.role)).append(".yaml");
        const Expected<Checkpoint> found =
            given != nullptr ? Expected<Checkpoint>(Checkpoint{*given, true})
                             : checkpoint_of(invocation.data, q.description.model, q.scenario, p);
        if (!found) return found.error();
        c.checkpoint = found->id;
        c.quantised = found->quantised;
        q.pools.push_back(std::move(c));
    }
    q.choices = q.pools.back();
    return std::nullopt;
}

/// Reads the words of every pool back and remembers what was given and does not return.
std::optional<Infeasible> compare_with_given(const Invocation& invocation, Question& q) {
    std::vector<CommandReading> read;
    for (std::size_t i = 0; i < q.scenario.pools.size(); ++i) {
        const Pool& p = q.scenario.pools[i];
        const Expected<Server> server = server_of(q.scenario, p, q.pools[i]);
        if (!server) return server.error();
        read.push_back(read_back(invocation.data, p.rules, *server));
    }
    q.not_carried = options_not_carried(q.description, read.size() > 1 ? joined(read[0], read[1]) : read[0]);
    return std::nullopt;
}

Answer answer_to(const Invocation& invocation, Question& q) {
    if (const auto why = choose_checkpoints(invocation, q)) return refusal(*why);
    if (const auto why = compare_with_given(invocation, q)) return refusal(*why);
    const Pool& p = q.scenario.pool();
    const Expected<Server> server = server_of(q.scenario, p, q.choices);
    if (!server) return refusal(server.error());
    if (q.scenario.two_pools()) {
        const RouterRules rules = load_router_rules(invocation.data, p.rules.id);
        if (rules.known()) q.router = router_of(rules, q.scenario, q.pools, router_file);
    }
    const Expected<std::string> body = launched(q);
    if (!body) return refusal(body.error());
    const int own_port = q.choices.port > 0 ? q.choices.port : p.rules.program.port;
    const int port = q.router && q.form == "command" ? q.router->port : own_port;
    const std::string url = std::string("http://localhost:").append(std::to_string(port));
    const BenchmarkTool tool = benchmark_tool_named(invocation.data, usual_tool(p, invocation.line));
    const auto bench = benchmark_of(tool, q.scenario.traffic, q.choices.checkpoint, url);
    if (!bench) return refusal(bench.error());
    if (invocation.format == Format::json) return {as_json(q, *body, *server, *bench), {}, answered};
    return {as_text(q, *body, *bench, invocation.quiet), {}, answered};
}

/// What would start a server that cannot serve the question.
void check_launchable(const CommandLine& line, const Question& q) {
    const Scenario& s = q.scenario;
    const double longest = s.traffic.input + s.traffic.output;
    if (line.has("max-model-len") && q.choices.max_model_len < longest) {
        throw InputError({"--max-model-len"}, {},
                         std::string("the server would refuse the requests of this traffic, ")
                             .append(grouped(std::llround(longest)))
                             .append(" tokens in the mean"),
                         std::string("--max-model-len ").append(std::to_string(std::llround(2 * longest))));
    }
    if (s.pool().settings.draft_tokens > 0 && s.architecture.mtp.count == 0)
        throw InputError(
            {"--draft-tokens"}, {}, "the model has no module that drafts",
            "a drafter of one's own has no words here: start without --draft-tokens and add them");
}

Answer launch_question(const Invocation& invocation, const Description& description) {
    Question q;   // filled one by one: a braced list whose parts may throw is destroyed twice by g++ 12
    q.description = description;
    q.choices = choices_of(invocation.line);
    q.form = form_of(invocation.line);
    Expected<Scenario> scenario = describe(invocation.data, q.description);
    if (!scenario) return refusal(scenario.error());
    q.scenario = *scenario;
    check_launchable(invocation.line, q);
    const Expected<Estimate> estimate = evaluate(q.scenario);
    if (!estimate) return refusal(estimate.error());
    return answer_to(invocation, q);
}

}   // namespace

Answer launch_answer(const Invocation& invocation, const Description& description) {
    Invocation text = invocation;
    text.format = Format::text;
    return launch_question(text, description);
}

std::vector<Flag> launch_flags() {
    std::vector<Flag> flags = description_flags();
    flags.push_back(
        {"scenario", "FILE", "Scenario", "scenario file; flags override it; - is standard input"});
    flags.push_back(
        {"as", "FORM", group, "command, kubernetes, compose, llm-d or dynamo (default: command)"});
    flags.push_back(
        {"benchmark", "TOOL", group, "vllm, sglang, aiperf or genai-perf (default: of the engine)"});
    flags.push_back(
        {"checkpoint", "ID", group, "Hugging Face id or folder of the weights (default: as published)"});
    flags.push_back({"engine-version", "VERSION", group, "of the engine; pins the image"});
    flags.push_back(
        {"max-model-len", "TOKENS", group, "longest request (default: twice the mean prompt and output)"});
    flags.push_back({"host", "ADDRESS", group, "address the server listens on (default: 0.0.0.0)"});
    flags.push_back({"port", "PORT", group, "port the server listens on (default: of the engine)"});
    return flags;
}

Answer run_launch(const Invocation& invocation) {
    if (invocation.format == Format::csv)
        throw InputError({"--format"}, {}, "csv is no format of launch", "text or json");
    refuse_words(invocation, "launch");
    return launch_question(invocation, description_of(invocation.line));
}

}   // namespace moecost::cli
