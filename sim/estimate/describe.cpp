// SPDX-License-Identifier: Apache-2.0
// From a description to a checked scenario: names resolved, defaults of engine and release filled in.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "moecost/base/format.h"
#include "moecost/estimate/estimate.h"
#include "moecost/estimate/inputs.h"
#include "moecost/estimate/notes.h"
#include "moecost/hardware/profile/relative.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"
#include "moecost/ops/launchable.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {
namespace {

[[noreturn]] void reject(std::string_view option, const std::string& message, std::string hint = {}) {
    throw InputError({std::string("--").append(option)}, {}, message, std::move(hint));
}

/// The lists of allowed values are told whole, which a search has no use for.
void refuse_choice(const Family& family, std::string_view option, std::optional<int> value,
                   const FamilyChoice& c) {
    if (!value || c.allowed.empty() ||
        std::find(c.allowed.begin(), c.allowed.end(), *value) != c.allowed.end())
        return;
    std::string message("'");
    message.append(std::to_string(*value)).append("' is no choice of the family ").append(family.id);
    std::string hint;
    for (const int x : c.allowed) hint.append(hint.empty() ? "one of: " : ", ").append(std::to_string(x));
    reject(option, message, hint);
}

Architecture unedited_model(const DataStore& data, const Description& d) {
    if (d.family.empty()) {
        refuse_member_choices(d);
        if (d.model.empty()) reject("model", "no model is given", "moecost list models shows the library");
    }
    if (!d.family.empty()) return describe_member(data, d).architecture;
    return load_model(data, d.model, import_options(d));
}

Architecture resolve_model(const DataStore& data, const Description& d) {
    Architecture a =
        placed(d, d.family.empty() ? "model" : "family", [&] { return unedited_model(data, d); });
    for (const auto& edit : d.edits)
        placed(d, std::string("set.").append(edit.first), [&] { apply_edit(a, edit.first, edit.second); });
    return a;
}

Cluster resolve_cluster(const DataStore& data, const Description& d) {
    if (d.cluster.empty()) {
        if (d.gpu.empty()) reject("gpu", "no accelerator is given", "moecost list gpus shows them");
        return cluster_of(load_accelerator(data, d.gpu));
    }
    Cluster cluster = load_cluster(data, d.cluster);
    if (!d.gpu.empty() && load_accelerator(data, d.gpu).id != cluster.gpu.id) {
        std::string message("the cluster ");
        reject("gpu", message.append(cluster.id).append(" is made of ").append(cluster.gpu.id),
               "leave --gpu out");
    }
    return cluster;
}

/// KV cache when nobody says, by the rules of the engine.
DType cache_format(const Scenario& s, const Pool& p) {
    const TermValues weights = term_values(p.rules, s.architecture, p.precision, p.layout, p.cluster.gpu, {});
    return default_cache(p.rules, p.cluster.gpu.generation, weights)
        .value_or(s.architecture.precision.kv_cache);
}

/// An accelerator with a profile of its own runs under it, unless another engine is named.
Profile profile_of(const DataStore& data, const Accelerator& gpu, const std::string& engine) {
    const std::string_view wanted = engine.empty() ? usual_engine() : std::string_view(engine);
    if (gpu.profile.empty() || is_path(engine) || wanted == "ideal") return load_profile(data, gpu, wanted);
    Profile own = load_profile(data, gpu, gpu.profile);
    if (engine.empty() || engine == own.engine) return own;
    return load_profile(data, gpu, engine);
}

/// Where what is known of the one holds for the other, by maker and generation: how far they are apart (Pool::sibling).
std::optional<double> sibling(const DataStore& data, const Accelerator& gpu, const std::string& timed) {
    if (timed == gpu.id || timed.empty() || timed == any_accelerator) return std::nullopt;
    const std::vector<std::string> known = data.names("hwmodels/accelerators");
    if (!std::binary_search(known.begin(), known.end(), timed)) return std::nullopt;
    const Accelerator relative = load_accelerator(data, timed);
    if (relative.vendor != gpu.vendor || relative.generation != gpu.generation) return std::nullopt;
    return std::abs(std::log(gpu.peak_of(MathUnit::bf16) / relative.peak_of(MathUnit::bf16))) +
           std::abs(std::log(gpu.memory_bandwidth / relative.memory_bandwidth));
}

/// A name that set_input() has checked.
DType format_of(const std::string& name) { return dtype_named(name).value_or(DType::bf16); }

ExpertExchange exchange_of(const std::string& word) {
    if (word == "low-latency") return ExpertExchange::low_latency;
    if (word == "nvlink") return ExpertExchange::nvlink;
    return word == "normal" ? ExpertExchange::normal : ExpertExchange::collective;
}

void set_traffic_names(const DataStore& data, const Description& d, Traffic& traffic) {
    if (d.traffic_read) {
        traffic = *d.traffic_read;
    } else if (!d.trace.empty()) {
        reject("trace", "is not replayed here", "moecost estimate --trace FILE does");
    } else if (!d.traffic.empty()) {
        traffic = load_traffic(data, d.traffic);
    }
    if (!d.trace.empty() && d.load) reject("trace", "a load is given too: the trace is the load");
    if (d.turns && d.prefix_hit_rate) reject("turns", "--cached states the hits already: leave one out");
    const bool comes_back = d.turns || traffic.reuse;
    if (d.host_cache_gb && !comes_back)
        reject("host-cache-gb", "nothing says how prompts come back",
               "--turns N, or a trace with block hashes");
    if (d.think_time && !d.turns) reject("think-time", "is of conversations", "--turns N");
    if (d.burstiness && d.load && !std::holds_alternative<OpenLoop>(*d.load))
        reject("burstiness", "is of requests that arrive at a rate", "--rate R");
}

}   // namespace

ImportOptions import_options(const Description& d) {
    ImportOptions import;
    import.ignored_keys = d.ignored_keys;
    import.towers = !d.text_only.value_or(false);
    import.tables_on_host = d.host_tables.value_or(false);
    import.weights_stated = !d.weights.empty();
    return import;
}

void refuse_member_choices(const Description& d) {
    const std::pair<std::string_view, bool> given[] = {{"size", d.size.has_value()},
                                                       {"experts", d.experts.has_value()},
                                                       {"top-k", d.top_k.has_value()},
                                                       {"granularity", d.granularity.has_value()},
                                                       {"shared-experts", d.shared_experts.has_value()}};
    for (const auto& [option, is_given] : given) {
        if (is_given)
            reject(option, "is a choice of a family, but no --family is given",
                   "moecost list families shows them; --set edits a model");
    }
}

FamilyMember describe_member(const DataStore& data, const Description& d) {
    if (!d.model.empty()) reject("family", "a model is given too: choose one of --model and --family");
    const Family family = load_family(data, d.family);
    if (!d.size) reject("family", "no size of the member is given", "such as --size 7B");
    refuse_choice(family, "experts", d.experts, family.experts);
    if (d.experts.value_or(family.experts.usual) > 1) {   // a dense member has no parts
        refuse_choice(family, "top-k", d.top_k, family.top_k);
        refuse_choice(family, "granularity", d.granularity, family.granularity);
        refuse_choice(family, "shared-experts", d.shared_experts, family.shared_experts);
    }
    const Expected<FamilyMember> member = member_of(family, member_request(d));
    if (member) return *member;
    std::string message(family.id);
    reject("family", message.append(": ").append(to_text(member.error())));
}

ServedNames served_names(const Scenario& s, const Pool& p, const std::string& version) {
    const bool sparse = std::any_of(s.architecture.ffns.begin(), s.architecture.ffns.end(),
                                    [](const auto& g) { return std::holds_alternative<MoeFfn>(g.kind); });
    return {p.profile.engine,
            p.cluster.gpu.id,
            s.architecture.name,
            p.precision.attention,
            sparse ? p.precision.routed_experts : p.precision.dense_ffn,
            version};
}

void set_served_class(const Description& d, const Scenario& s, Pool& p) {
    p.served = {};
    if (p.profile.effects)
        p.served =
            served_class(*p.profile.effects, served_names(s, p, d.engine_version),
                         p.sibling ? Provenance::calibrated : p.profile.basis, !d.edits.empty(), p.sibling);
    if (p.rules.compiles(d.engine_version)) p.profile.serving = as_compiled(p.profile.serving);
    set_pace(d, p);
}

void set_pace(const Description& d, Pool& p) {
    const ServingConstants& constants = p.profile.serving;
    const double young = d.model_years && constants.young_years > 0
                             ? constants.young_slowdown * std::exp(-*d.model_years / constants.young_years)
                             : 0;
    p.pace_together = std::exp(p.served.log_time + young);
    p.profile.serving.pace = p.role == Role::both ? p.pace_together : 1;   // known of one pool, not of two
}

namespace {

std::optional<Infeasible> set_formats(const Description& d, Scenario& s, Pool& p) {
    p.precision = s.architecture.precision;
    if (!d.weights.empty() && d.weights != "auto") {
        p.precision = p.precision.with_weights(format_of(d.weights));
    }
    if (!d.expert_weights.empty() && d.expert_weights != "auto") {
        p.precision.routed_experts = format_of(d.expert_weights);
    }
    if (d.kv.empty() || d.kv == "auto") {
        p.precision.kv_cache = cache_format(s, p);
        note_once(s,
                  std::string("KV cache in ").append(info(p.precision.kv_cache).name).append(" (assumed)"));
    } else {
        p.precision.kv_cache = format_of(d.kv);
    }
    note_borrowed_kernels(s, p.precision);
    auto problem = precision_problem(s.architecture, p.precision, p.cluster, p.profile);
    set_served_class(d, s, p);
    if (!problem) return std::nullopt;
    const bool whole = problem->option == "expert-weights" && d.expert_weights.empty();
    Infeasible why{"a number format cannot run here", {}, {}, 0, 0};
    why.detail =
        std::string("--").append(whole ? "weights" : problem->option).append(": ").append(problem->message);
    return why;
}

/// The names of one pool over those of the whole deployment.
Description with_names_of(Description d, const PoolChoices& own) {
    const auto over = [](std::string& name, const std::string& choice) {
        if (!choice.empty()) name = choice;
    };
    if (!own.gpu.empty()) remember_place(d, "gpu", {});   // it stands elsewhere
    if (!own.cluster.empty()) remember_place(d, "cluster", {});
    if (!own.gpu.empty()) d.cluster.clear();
    if (!own.cluster.empty()) d.gpu.clear();
    over(d.gpu, own.gpu);
    over(d.cluster, own.cluster);
    over(d.exchange, own.exchange);
    if (!own.weights.empty() && own.expert_weights.empty()) d.expert_weights.clear();
    over(d.weights, own.weights);
    over(d.expert_weights, own.expert_weights);
    return d;
}

void check_pools(const Description& d) {
    if (d.prefill.sized() != d.decode.sized()) {
        const bool prefill = d.prefill.sized();
        reject(prefill ? "prefill-gpus" : "decode-gpus",
               prefill ? "is given without --decode-gpus" : "is given without --prefill-gpus",
               "two pools need GPUs (or replicas) of both");
    }
    if (d.two_pools()) return;
    for (const Input& input : inputs()) {
        const bool of_pools =
            std::holds_alternative<PoolSlot>(input.slot) || input.key.starts_with("transfer-");
        if (of_pools && !texts_of(d, input).empty())
            reject(input.key, "is of two pools: --prefill-gpus and --decode-gpus are missing");
    }
}

/// Rules of the engine that are about the accelerator alone: where it does not run, no format does.
std::optional<Infeasible> machine_refusal(const EngineRules& rules, const Accelerator& gpu) {
    TermValues machine{};
    machine[static_cast<std::size_t>(RuleTerm::generation)] = generation_code(rules, gpu.generation);
    const auto of_machine = [](const Condition& c) { return c.of == RuleTerm::generation && !c.per; };
    for (const LaunchRule& rule : rules.launch) {
        if (!rule.when.empty() || !std::all_of(rule.check.begin(), rule.check.end(), of_machine) ||
            all_hold(rule.check, machine))
            continue;
        Infeasible why = infeasible_of({&rules, &rule, machine});
        why.reason = "the engine does not run on this accelerator";
        return why;
    }
    return std::nullopt;
}

std::optional<Infeasible> resolve_pool(const DataStore& data, const Description& d, Scenario& s, Pool& p) {
    p.cluster = placed(d, d.cluster.empty() ? "gpu" : "cluster", [&] { return resolve_cluster(data, d); });
    p.profile = placed(d, "engine", [&] { return profile_of(data, p.cluster.gpu, d.engine); });
    if (!d.profile.empty() && p.profile.effects)
        p.profile.effects =
            with_own_effects(*p.profile.effects, data.open("hwmodels", d.profile, "file of own effects"));
    p.cluster.gpu.generation = generation_of(data, p.cluster.gpu);
    p.sibling = sibling(data, p.cluster.gpu, p.profile.accelerator);
    p.rules = engine_rules_if_any(data, p.profile.engine);
    if (auto problem = machine_refusal(p.rules, p.cluster.gpu)) return problem;
    p.drafting = load_draft_law(data, s.architecture.name, p.profile.engine);
    p.profile.formats = format_support(p.rules, p.cluster.gpu.generation);
    p.profile.pools = load_pool_law(data, p.profile.engine);
    if (d.expert_skew) p.profile.serving.expert_skew = *d.expert_skew;
    if (auto problem = set_formats(d, s, p)) return problem;
    p.layout.exchange = exchange_of(d.exchange);
    const Accelerator& gpu = p.cluster.gpu;
    p.price = placed(d, "price",
                     [&] { return choose_price(data, gpu.same_as.empty() ? gpu.id : gpu.same_as, d.price); });
    return std::nullopt;
}

std::optional<Infeasible> resolve_pools(const DataStore& data, const Description& d, Scenario& s) {
    placed(d, "model", [&] { check_pools(d); });
    if (!d.two_pools()) return resolve_pool(data, d, s, s.pool());
    s.pools.resize(2);
    s.pools.front().role = Role::prefill;
    s.pools.back().role = Role::decode;
    if (auto problem = resolve_pool(data, with_names_of(d, d.prefill), s, s.pools.front())) return problem;
    if (auto problem = resolve_pool(data, with_names_of(d, d.decode), s, s.pools.back())) return problem;
    if (s.pools.front().precision.kv_cache == s.pools.back().precision.kv_cache) return std::nullopt;
    Infeasible why{"both pools must hold the cache in one format", {}, {}, 0, 0};
    why.detail = std::string("prefill ").append(info(s.pools.front().precision.kv_cache).name);
    why.detail.append(", decode ").append(info(s.pools.back().precision.kv_cache).name);
    why.fix = std::string("--kv ").append(info(s.pools.front().precision.kv_cache).name);
    return why;
}

/// What a model of the library was asked by, without its publisher; nothing where that is its own name, or a file.
std::string release_of(const Description& d, const Architecture& a) {
    const bool file = d.model.ends_with(".toml") || d.model.ends_with(".json");
    std::string name = d.model.substr(d.model.rfind('/') + 1);
    const bool model_file = file || (is_path(d.model) && std::filesystem::exists(d.model));
    if (!d.family.empty() || model_file || same_file_name(name, a.name)) return {};
    return name;
}

}   // namespace

std::optional<Infeasible> set_formats(const Description& d, Scenario& s) {
    return set_formats(d, s, s.pool());
}

Expected<Scenario> describe(const DataStore& data, const Description& d) {
    return describe(data, d, resolve_model(data, d));
}

Expected<Scenario> describe(const DataStore& data, const Description& d, Architecture architecture) {
    Expected<Scenario> s = resolve(data, d, std::move(architecture));
    if (!s) return s;
    if (auto problem = launch_refusal(*s)) return *problem;
    return s;
}

Expected<Scenario> resolve(const DataStore& data, const Description& d) {
    return resolve(data, d, resolve_model(data, d));
}

Expected<Scenario> resolve(const DataStore& data, const Description& d, Architecture architecture) {
    Scenario s;
    s.architecture = std::move(architecture);
    s.release = release_of(d, s.architecture);
    s.power = load_power_law(data);
    if (auto problem = resolve_pools(data, d, s)) return *problem;
    placed(d, "traffic", [&] { set_traffic_names(data, d, s.traffic); });
    s.reuse.curve = s.traffic.reuse;
    if (const auto* open = std::get_if<OpenLoop>(&s.traffic.load)) s.reuse.curve_rate = open->rate;
    if (const auto* replay = std::get_if<Replay>(&s.traffic.load)) s.reuse.curve_rate = replay->rate;
    if (auto problem = apply_numbers(d, s)) return *problem;
    add_notes(d, s);
    return s;
}

}   // namespace moecost
