// SPDX-License-Identifier: Apache-2.0
// The options of `plan`: lists to search over, and what every deployment shares.
#include <algorithm>
#include <thread>

#include "moecost/base/format.h"
#include "moecost/hardware/accelerator.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"
#include "moecost/timing/calibrated_hardware.h"
#include "option_values.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

// Options of a single deployment that mean something else here, or nothing.
constexpr std::string_view not_taken[] = {"gpus",  "replicas",     "offline",    "static-batch",
                                          "burst", "prefill-only", "decode-only"};
constexpr std::string_view searched[] = {"gpu", "cluster", "engine",       "weights",    "expert-weights",
                                         "kv",  "chunk",   "draft-tokens", "all-to-all", "tp",
                                         "pp",  "ep",      "attention-dp"};

/// Inputs of two pools: the search finds them.
bool is_of_pools(const Input& input) {
    return std::holds_alternative<PoolSlot>(input.slot) || input.key == "redundant-experts" ||
           input.key == "batch-overlap" || input.key.starts_with("transfer-");
}

template <std::size_t n>
bool is_among(const std::string_view (&list)[n], std::string_view key) {
    return std::find(std::begin(list), std::end(list), key) != std::end(list);
}

std::vector<std::string> list_or(const CommandLine& line, std::string_view key,
                                 std::vector<std::string> usual) {
    const std::string* text = line.find(key);
    return text != nullptr ? split(*text) : std::move(usual);
}

/// Everything that all deployments share.
Description shared_description(const CommandLine& line) {
    Description d;
    for (const Setting& s : line.settings) {
        const Input* input = input_named(s.key);
        if (input == nullptr || is_among(searched, input->key) || is_among(not_taken, input->key) ||
            is_of_pools(*input))
            continue;
        set_input(d, *input, s.text, {std::string("--").append(s.key)});
    }
    return d;
}

std::vector<ExpertExchange> exchanges_of(const CommandLine& line) {
    std::vector<ExpertExchange> all{ExpertExchange::collective, ExpertExchange::low_latency,
                                    ExpertExchange::normal};
    const std::string* text = line.find("all-to-all");
    if (text == nullptr) return all;
    std::vector<ExpertExchange> list;
    for (const std::string& part : split(*text)) {
        Description d;
        set_option(d, "all-to-all", part, {"--all-to-all"});
        for (const ExpertExchange e : all) {
            if (name_of(e) == part) list.push_back(e);
        }
    }
    return list;
}

void read_layouts(const CommandLine& line, PlanSpace& space) {
    const auto degree = [&](std::string_view key) { return whole_or(line, key, 0, 1, 65536); };
    space.fixed = {degree("tp"), degree("pp"), degree("ep"), degree("attention-dp")};
    space.gpus = whole_list_or(line, "instance-gpus", {1, 2, 4, 8, 16, 32, 64}, 1, 4096);
    space.exchanges = exchanges_of(line);
}

void read_pools(const CommandLine& line, PlanQuestion& q) {
    const std::string* text = line.find("pools");
    if (text == nullptr || *text == "both") return;
    if (*text != "one" && *text != "two")
        throw InputError({"--pools"}, {}, std::string("'").append(*text).append("' is not one, two or both"));
    q.one_pool = *text == "one";
    q.two_pools = *text == "two";
}

/// "all": the formats that have kernels of their own; those that store the same number in other bytes are named one by one.
std::vector<std::string> formats_of(const CommandLine& line, std::string_view key) {
    std::vector<std::string> list = list_or(line, key, {"auto"});
    if (list != std::vector<std::string>{"all"}) return list;
    list = {"auto"};
    for (const DTypeInfo& i : dtype_table) {
        if (i.type != DType::fp32 && i.kernels == i.type) list.emplace_back(i.name);
    }
    return list;
}

/// Choices that make variants of a machine, as texts of the inputs; empty: not set.
struct Choices {
    std::vector<std::string> weights, experts, cache, chunks, drafts;
};

Choices choices_of(const CommandLine& line) {
    Choices c{formats_of(line, "weights"), list_or(line, "expert-weights", {"auto"}), formats_of(line, "kv"),
              list_or(line, "chunk", {"", "2048", "8192", "16384"}), list_or(line, "draft-tokens", {""})};
    return c;
}

void set_if(Description& d, std::string_view key, const std::string& text) {
    if (!text.empty()) set_option(d, key, text, {std::string("--").append(key)});
}

/// Formats of a machine: the variants of its settings, those that repeat another left out.
void add_settings(const Choices& c, const Description& d, const Scenario& s, std::size_t machine,
                  PlanQuestion& q) {
    for (const std::string& chunk : c.chunks) {
        for (const std::string& drafts : c.drafts) {
            Description one = d;
            set_if(one, "chunk", chunk);
            set_if(one, "draft-tokens", drafts);
            PlanVariant v{machine, s.pool().precision, s.pool().settings};
            if (one.chunk) v.settings.chunk_tokens = *one.chunk;
            if (one.draft_tokens) v.settings.draft_tokens = *one.draft_tokens;
            const bool known =
                std::any_of(q.space.variants.begin(), q.space.variants.end(), [&](const PlanVariant& o) {
                    return o.machine == machine && o.precision == v.precision &&
                           o.settings.chunk_tokens == v.settings.chunk_tokens &&
                           o.settings.draft_tokens == v.settings.draft_tokens;
                });
            if (known) continue;
            q.space.variants.push_back(v);
            q.variants.push_back(one);
        }
    }
}

/// Nobody timed its kernels, and no served deployment of this model on it is known.
bool is_borrowed(const Scenario& s) {
    return s.pool().profile.basis == Provenance::borrowed && s.pool().served.known > Familiarity::group;
}

/// As predicted, at the slow end of its interval where nobody timed it, or as the demanded chance wants; nothing: that is
/// not known.
std::optional<ChanceDemand> sized_as(const Scenario& s, const PlanQuestion& q, const LogSpread& beyond,
                                     double split) {
    if (q.chance > 0) return chance_demand(s, beyond, q.chance, split);
    return ChanceDemand{is_borrowed(s) ? slow_end(s, 0) : 1, 1};
}

/// The same of a variant besides its machine: formats whose kernels nobody timed.
double variant_slower(const Scenario& machine, const Precision& formats, const PlanQuestion& q,
                      const Sizing& sizing, double of_machine) {
    Scenario s = machine;
    s.pool().precision = formats;
    const double share = borrowed_share(s);
    if (share == 0) return 1;
    const auto demand = q.chance > 0 ? chance_demand(s, {share, share, share}, q.chance, sizing.split)
                                     : std::optional(ChanceDemand{slow_end(s, share), 1});
    return demand ? std::max(1.0, demand->slower / of_machine) : 1;
}

/// The description of a choice of formats; "auto": as released, or of the engine.
Description with_formats(Description d, const std::string& weights, const std::string& experts,
                         const std::string& cache) {
    if (weights != "auto") set_if(d, "weights", weights);
    if (experts != "auto") set_if(d, "expert-weights", experts);
    if (cache != "auto") set_if(d, "kv", cache);
    return d;
}

/// Formats of a list that run on the machine where the other parts are bf16; the others are counted with the reason.
template <class Describe>
std::vector<std::string> runnable(const std::vector<std::string>& list, const Scenario& machine,
                                  Describe describe_one, PlanQuestion& q) {
    std::vector<std::string> runs;
    for (const std::string& format : list) {
        Scenario s = machine;
        const auto why = set_formats(describe_one(format), s);
        if (why)
            ++q.rejected[to_text(*why)];
        else
            runs.push_back(format);
    }
    return runs;
}

/// Every choice of formats on a machine: part by part first, so that what never runs is asked once.
void add_formats(const Choices& c, const Description& base, const Scenario& machine, std::size_t index,
                 PlanQuestion& q) {
    const std::string plain = "bf16";
    const bool one_format = c.experts == std::vector<std::string>{"auto"};
    const auto weights = runnable(
        c.weights, machine,
        [&](const std::string& w) { return with_formats(base, w, one_format ? "auto" : plain, plain); }, q);
    const auto experts =
        one_format ? c.experts
                   : runnable(
                         c.experts, machine,
                         [&](const std::string& e) { return with_formats(base, plain, e, plain); }, q);
    const auto caches = runnable(
        c.cache, machine, [&](const std::string& k) { return with_formats(base, plain, plain, k); }, q);
    for (const std::string& w : weights) {
        for (const std::string& e : experts) {
            for (const std::string& k : caches) {
                const Description d = with_formats(base, w, e, k);
                Scenario s = machine;
                if (const auto why = set_formats(d, s))
                    ++q.rejected[to_text(*why)];
                else
                    add_settings(c, d, s, index, q);
            }
        }
    }
}

void add_machine(const Invocation& in, const Choices& c, const Description& base, const Architecture& model,
                 std::size_t kind, const Sizing& sizing, PlanQuestion& q) {
    Expected<Scenario> machine =
        resolve(in.data, with_formats(base, c.weights.front(), c.experts.front(), c.cache.front()), model);
    if (!machine) machine = resolve(in.data, with_formats(base, "bf16", "bf16", "bf16"), model);
    if (!machine) {
        ++q.rejected[to_text(machine.error())];
        return;
    }
    const std::size_t index = q.space.machines.size();
    const LogSpread beyond = index < sizing.beyond.size() ? sizing.beyond[index] : LogSpread{};
    const std::optional<ChanceDemand> sized = sized_as(*machine, q, beyond, sizing.split);
    if (!sized) {
        std::string reason("no residuals of ");
        ++q.rejected[reason.append(machine->pool().cluster.gpu.id)
                         .append(" under ")
                         .append(machine->pool().profile.engine)
                         .append(": its chance is not known")];
        return;
    }
    const std::size_t before = q.space.variants.size();
    add_formats(c, base, *machine, index, q);
    if (q.space.variants.size() == before) return;
    q.space.machines.push_back({*machine, sized->slower, kind});
    q.ttft_room.push_back(sized->ttft_room);
    q.marked.push_back(is_borrowed(*machine));
    for (std::size_t v = before; v < q.space.variants.size(); ++v) {
        PlanVariant& variant = q.space.variants[v];
        const bool same = v > before && q.space.variants[v - 1].precision == variant.precision;
        variant.slower = same ? q.space.variants[v - 1].slower
                              : variant_slower(*machine, variant.precision, q, sizing, sized->slower);
    }
}

Architecture model_of(const Invocation& in, const Description& d) {
    if (d.family.empty()) {
        refuse_member_choices(d);
        if (d.model.empty())
            throw InputError({"--model"}, {}, "no model is given", "moecost list models shows the library");
    }
    Architecture a =
        d.family.empty() ? load_model(in.data, d.model) : describe_member(in.data, d).architecture;
    for (const auto& [key, value] : d.edits) apply_edit(a, key, value);
    return a;
}

void read_machines(const Invocation& in, const Description& base, const Sizing& sizing, PlanQuestion& q) {
    const Architecture model = model_of(in, base);
    const Choices choices = choices_of(in.line);
    std::vector<std::string> engines = list_or(in.line, "engine", {""});
    if (engines == std::vector<std::string>{"all"}) engines = {"vllm", "sglang", "trtllm"};
    const bool clusters = in.line.has("cluster");
    for (std::size_t kind = 0; kind < q.kinds.size(); ++kind) {
        for (const std::string& engine : engines) {
            Description d = base;
            (clusters ? d.cluster : d.gpu) = q.kinds[kind];
            set_if(d, "engine", engine);
            d.tp = d.pp = d.ep = d.attention_dp = 1;
            if (!has_price(in.data, q.kinds[kind], clusters, base.price)) d.price.clear();
            add_machine(in, choices, d, model, kind, sizing, q);
        }
    }
}

void warn_of_formats(const CommandLine& line, PlanQuestion& q) {
    for (const std::string_view key : {"weights", "expert-weights", "kv"}) {
        const std::string* text = line.find(key);
        if (text == nullptr || *text == "auto") continue;
        q.warnings.emplace_back(
            "formats other than the released ones are among the candidates: what they do to the answers of "
            "the "
            "model is not priced");
        return;
    }
}

}   // namespace

std::vector<Flag> plan_flags() {
    constexpr std::string_view goal = "Goal";
    constexpr std::string_view search = "Search";
    std::vector<Flag> flags{
        {"objective", "WHAT", goal,
         "what is least: cost, latency (within a budget), throughput (GPUs per token/s), gpus, energy "
         "(default: cost)"},
        {"max-gpus", "N", goal, "GPUs of the whole deployment"},
        {"max-usd-per-hour", "USD", goal, "rent of the whole deployment"},
        {"max-load", "SHARE", goal, "largest share of the capacity of an instance (default: 0.85)"},
        {"chance", "SHARE", goal,
         "demanded chance of meeting the objectives, by the residuals of served points (default: the "
         "prediction "
         "itself meets them)"},
        {"day", "LIST|FILE", goal,
         "instead of --rate: requests/s of 24 hours, or a trace of a day; sized for the largest"},
        {"api-price-in", "USD", goal, "compare with an API: its price per million input tokens"},
        {"api-price-out", "USD", goal, "compare with an API: its price per million output tokens"},
        {"launch", "", goal, "the commands that start the answer, after it"},
        {"as", "FORM", goal, "with --launch: command, kubernetes, compose, llm-d or dynamo"},
        {"instance-gpus", "LIST", search, "GPUs of one instance: 8,16 or 1..64 (default: 1..64)"},
        {"rejected", "FILE", search, "every candidate that is not the answer, with the reason, as CSV"},
        {"frontier", "FILE", search,
         "tokens/s per GPU against tokens/s per user, best of each accelerator, as CSV; moecost report draws "
         "it"},
        {"pools", "WHICH", search, "one, two (prefill and decode apart), or both (default: both)"},
        {"threads", "N", search, "threads (default: all cores); the answer does not depend on it"}};
    for (Flag flag : description_flags()) {
        const Input* input = input_named(flag.key);
        if (is_among(not_taken, flag.key) || (input != nullptr && is_of_pools(*input))) continue;
        if (flag.key == "gpu")
            flag.help = "accelerators that compete, joined by commas (default: h100_sxm,h200_sxm,b200_sxm)";
        if (flag.key == "cluster") flag.help = "instead of --gpu: clusters that compete, joined by commas";
        if (flag.key == "engine") flag.help = "engines, joined by commas, or all (default: vllm)";
        if (flag.key == "weights")
            flag.help =
                "formats of the weights, a list, or all with kernels of their own (default: as released)";
        if (flag.key == "kv")
            flag.help =
                "formats of the KV cache, a list, or all with kernels of their own (default: of the engine)";
        if (flag.key == "chunk")
            flag.help = "prompt tokens of a step, a list (default: of the engine, 2048, 8192, 16384)";
        if (flag.key == "draft-tokens") flag.help = "tokens drafted per decode step, a list (default: 0)";
        if (flag.key == "all-to-all") flag.help = "collective, low-latency, normal, a list (default: each)";
        if (flag.key == "tp" || flag.key == "pp" || flag.key == "ep" || flag.key == "attention-dp")
            flag.help = std::string_view("this degree alone (default: every one that the engine launches)");
        flags.push_back(flag);
    }
    return flags;
}

PlanQuestion plan_question(const Invocation& in, const Sizing& sizing) {
    const CommandLine& line = in.line;
    refuse_words(in, "plan");
    PlanQuestion q;
    q.assumptions = load_planning_assumptions(in.data);
    read_goal(line, q);
    Description base = shared_description(line);
    read_day(line, base, q);
    if (!base.load)
        throw InputError({"--rate"}, {}, "no load is given",
                         "--rate 20 (requests/s), --concurrency 256 or --day");
    read_layouts(line, q.space);
    read_pools(line, q);
    if (line.has("cluster") && line.has("gpu"))
        throw InputError({"--cluster"}, {}, "names its accelerator: leave --gpu out");
    q.kinds = line.has("cluster") ? list_or(line, "cluster", {})
                                  : list_or(line, "gpu", {"h100_sxm", "h200_sxm", "b200_sxm"});
    choose_prices(in, base, q.kinds, q);
    read_machines(in, base, sizing, q);
    warn_of_formats(line, q);
    const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    q.threads = static_cast<unsigned>(whole_or(line, "threads", cores, 1, 1024));
    return q;
}

Description description_of(const PlanQuestion& q, const Planned& p) {
    Description d = q.variants[p.variant];
    d.tp = p.layout.tp;
    d.pp = p.layout.pp;
    d.ep = p.layout.ep;
    d.attention_dp = p.layout.attention_dp;
    d.replicas = p.replicas;
    if (p.layout.ep > 1 && p.layout.exchange != ExpertExchange::collective)
        d.exchange = name_of(p.layout.exchange);
    if (d.pp == 1) d.pp.reset();
    if (d.ep == 1) d.ep.reset();
    if (d.attention_dp == 1) d.attention_dp.reset();
    return d;
}

bool is_marked(const PlanQuestion& q, std::size_t variant) {
    const PlanVariant& v = q.space.variants[variant];
    return q.marked[v.machine] || v.slower > 1;
}

}   // namespace moecost::cli
