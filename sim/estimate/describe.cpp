// SPDX-License-Identifier: Apache-2.0
// From a description to a checked scenario: names resolved, defaults of engine and release filled in.
#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"
#include "moecost/estimate/estimate.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/library.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {
namespace {

[[noreturn]] void reject(std::string_view option, const std::string& message, std::string hint = {}) {
    throw InputError({std::string("--").append(option)}, {}, message, std::move(hint));
}

DType format_of(std::string_view option, const std::string& name) {
    if (const auto type = dtype_named(name)) return *type;
    std::vector<std::string> known;
    for (const DTypeInfo& i : dtype_table) known.emplace_back(i.name);
    std::string message("'");
    reject(option, message.append(name).append("' is not a number format"), name_hint(name, known));
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

Architecture resolve_model(const DataStore& data, const Description& d) {
    if (d.family.empty()) {
        refuse_member_choices(d);
        if (d.model.empty()) reject("model", "no model is given", "moecost list models shows the library");
    }
    ImportOptions import = d.import;
    import.weights_stated = !d.weights.empty();
    Architecture a =
        d.family.empty() ? load_model(data, d.model, import) : describe_member(data, d).architecture;
    for (const auto& [key, value] : d.edits) apply_edit(a, key, value);
    return a;
}

/// KV cache when nobody says: fp8 on Blackwell, and under TensorRT-LLM with per-tensor fp8 weights; else bf16.
DType default_cache(const Scenario& s) {
    const bool blackwell = s.cluster.gpu.peak_of(MathUnit::fp4).value() > 0;
    const bool trtllm_fp8 = s.profile.engine == "trtllm" && s.precision.attention == DType::fp8;
    return s.profile.engine != "ideal" && (blackwell || trtllm_fp8) ? DType::fp8 : DType::bf16;
}

/// Formats that no kernel of the program was timed in: bytes are theirs, speed is that of a relative.
void note_borrowed_kernels(Scenario& s) {
    const Precision& p = s.precision;
    for (const DType type : {p.routed_experts, p.attention, p.dense_ffn, p.shared_experts}) {
        if (type == info(type).kernels || type == DType::fp16) continue;
        std::string note("bytes of ");
        note.append(info(type).name)
            .append("; its speed is borrowed from ")
            .append(info(info(type).kernels).name);
        if (std::find(s.notes.begin(), s.notes.end(), note.append(" kernels")) == s.notes.end())
            s.notes.push_back(note);
    }
}

void resolve_precision(const Description& d, Scenario& s) {
    s.precision = s.architecture.precision;
    if (!d.weights.empty()) s.precision = s.precision.with_weights(format_of("weights", d.weights));
    if (!d.expert_weights.empty()) s.precision.routed_experts = format_of("expert-weights", d.expert_weights);
    if (d.kv.empty() || d.kv == "auto") {
        s.precision.kv_cache = default_cache(s);
        s.notes.push_back(
            std::string("KV cache in ").append(info(s.precision.kv_cache).name).append(" (assumed)"));
    } else {
        s.precision.kv_cache = format_of("kv", d.kv);
    }
    note_borrowed_kernels(s);
    const std::string problem = precision_problem(s.architecture, s.precision, s.cluster, s.profile);
    if (!problem.empty()) reject("weights", problem);
}

void resolve_engine(const Description& d, Scenario& s) {
    s.engine = s.profile.defaults;
    if (d.chunk) s.engine.chunk_tokens = *d.chunk;
    if (d.max_sequences) s.engine.max_sequences = *d.max_sequences;
    if (d.memory_fraction) s.engine.memory_fraction = *d.memory_fraction;
    if (d.reserve_gb) s.engine.reserve = Bytes{*d.reserve_gb * 1e9};
    if (d.admission_steps) s.engine.admission_steps = *d.admission_steps;
    if (d.draft_tokens) s.engine.draft_tokens = std::floor(*d.draft_tokens);
    if (d.acceptance) s.engine.acceptance = *d.acceptance;
    if (s.engine.draft_tokens > 0 && s.architecture.mtp.count == 0) {
        s.notes.emplace_back("the model has no multi-token-prediction module: drafting is taken as free");
    }
}

/// An accelerator with a profile of its own runs under it, unless another engine is named.
Profile profile_of(const DataStore& data, const Accelerator& gpu, const std::string& engine) {
    if (gpu.profile.empty() || is_path(engine) || engine == "ideal")
        return load_profile(data, gpu.id, gpu.relative, engine);
    Profile own = load_profile(data, gpu.id, gpu.relative, gpu.profile);
    if (engine == own.engine || engine == Description{}.engine) return own;
    return load_profile(data, gpu.id, gpu.relative, engine);
}

ExpertExchange exchange_of(const Description& d) {
    if (d.exchange.empty() || d.exchange == "collective") return ExpertExchange::collective;
    if (d.exchange == "low-latency") return ExpertExchange::low_latency;
    if (d.exchange == "normal") return ExpertExchange::normal;
    reject("all-to-all", std::string("'").append(d.exchange).append("' is not low-latency or normal"));
}

/// The degrees as given; what is not given follows from the rest. Nothing when they agree with one another.
std::optional<Infeasible> set_layout(const Description& d, Layout& layout) {
    layout.pp = d.pp.value_or(1);
    layout.attention_dp = d.attention_dp.value_or(1);
    layout.replicas = d.replicas.value_or(1);
    layout.ep = d.ep.value_or(1);
    const std::int64_t others = std::int64_t{layout.pp} * layout.attention_dp * layout.replicas;
    const std::int64_t gpus = d.gpus.value_or(0);
    layout.tp = d.tp.value_or(std::max(1, static_cast<int>(gpus / others)));
    if (gpus > 0 && gpus % others != 0) {
        return Infeasible{"the GPUs must be a multiple of pp x attention-dp x replicas", "gpus",
                          "multiple of", static_cast<double>(gpus), static_cast<double>(others)};
    }
    if (gpus > 0 && layout.tp * others != gpus) {
        return Infeasible{"the GPUs are not tp x pp x attention-dp x replicas", "gpus", "product",
                          static_cast<double>(gpus), static_cast<double>(layout.tp * others)};
    }
    return std::nullopt;
}

void set_traffic(const Description& d, Traffic& t) {
    if (d.isl) t.input = *d.isl;
    if (d.osl) t.output = *d.osl;
    if (d.prefix_hit_rate) t.prefix_hit_rate = *d.prefix_hit_rate;
    if (d.equal_lengths) t.equal_lengths = *d.equal_lengths;
    if (d.load) {
        t.load = *d.load;
        t.requests = d.requests;
    }
}

[[noreturn]] void reject_numbers(const Infeasible& problem) {
    std::string message(problem.reason);
    message.append(": ").append(problem.quantity).append(" ").append(shortest(problem.needed));
    reject(problem.quantity.empty() ? "tp" : problem.quantity,
           message.append(", ").append(problem.unit).append(" ").append(shortest(problem.available)));
}

}   // namespace

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
    reject("family", message.append(": ").append(moecost::describe(member.error())));
}

std::optional<Infeasible> apply_numbers(const Description& d, Scenario& s) {
    resolve_engine(d, s);
    set_traffic(d, s.traffic);
    s.slo = {d.slo_ttft.value_or(0), d.slo_tpot.value_or(0)};
    s.blend_input_parts = d.blend.value_or(3);
    if (auto problem = set_layout(d, s.layout)) return problem;
    if (auto problem = layout_problem(s.architecture, s.layout)) return problem;
    const double longest = s.architecture.max_position;
    if (longest > 0 && s.traffic.input + s.traffic.output > longest) {
        return Infeasible{"prompt and output exceed the positions of the model", "isl", "positions",
                          s.traffic.input + s.traffic.output, longest};
    }
    return std::nullopt;
}

Scenario describe(const DataStore& data, const Description& d) {
    return describe(data, d, resolve_model(data, d));
}

Scenario describe(const DataStore& data, const Description& d, Architecture architecture) {
    Scenario s;
    s.architecture = std::move(architecture);
    if (d.cluster.empty()) {
        if (d.gpu.empty()) reject("gpu", "no accelerator is given", "moecost list gpus shows them");
        s.cluster = cluster_of(load_accelerator(data, d.gpu));
    } else {
        s.cluster = load_cluster(data, d.cluster);
    }
    s.profile = profile_of(data, s.cluster.gpu, d.engine);
    resolve_precision(d, s);
    s.layout.exchange = exchange_of(d);
    if (!d.traffic.empty()) s.traffic = load_traffic(data, d.traffic);
    if (const auto problem = apply_numbers(d, s)) reject_numbers(*problem);
    const Accelerator& gpu = s.cluster.gpu;
    s.price = choose_price(data, gpu.same_as.empty() ? gpu.id : gpu.same_as, d.price);
    s.notes.insert(s.notes.end(), s.architecture.notes.begin(), s.architecture.notes.end());
    if (s.profile.kernels && s.profile.basis == Provenance::datasheet) {
        std::string note("no calibration of ");
        note.append(s.cluster.gpu.id).append(" under ").append(d.engine).append(": efficiencies of ");
        s.notes.push_back(note.append(s.profile.accelerator).append(" on its datasheet"));
    }
    s.refresh();
    return s;
}

std::string smallest_fix(const DataStore& data, const Description& description) {
    const auto runs = [&](const Description& d) {
        try {
            return static_cast<bool>(evaluate(describe(data, d)));
        } catch (const InputError&) {
            return false;   // a layout or format this model cannot use
        }
    };
    const int gpus = description.tp.value_or(description.gpus.value_or(1));
    for (int tp = gpus * 2; tp <= 64; tp *= 2) {
        Description d = description;
        d.gpus.reset();
        d.tp = tp;
        if (runs(d)) return std::string("--tp ").append(std::to_string(tp));
    }
    for (const std::string_view format : {"fp8", "fp8-block", "nvfp4"}) {
        Description d = description;
        d.weights = format;
        if (runs(d)) return std::string("--weights ").append(format);
    }
    return {};
}

}   // namespace moecost
