// SPDX-License-Identifier: Apache-2.0
// The number format of each component of a release, from quantization_config and hf_quant_config.json.
// A component is judged by the names its modules have; lists that name modules layer by layer count when they
// cover more than half of the layers of that kind (the rest are MTP layers and the like). What single modules or layers
// have in another format is kept as bytes beyond.
#include "moecost/model/huggingface/quantisation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "moecost/model/counts.h"

namespace moecost {
namespace {

/// The modules of one component: the names they have in one layer or another, and the number of such layers.
struct Probe {
    std::vector<std::string_view> names;
    int layers = 0;   // of this kind
    int all = 0;      // of the model
};

/// Prefixes a module of a layer goes by in one wrapper or another.
constexpr std::string_view prefixes[] = {"model.", "", "model.language_model.", "language_model.model.",
                                         "backbone."};

bool names_module(const ModulePattern& pattern, std::string_view module, const std::string& layer) {
    for (const std::string_view prefix : prefixes) {
        std::string name(prefix);
        name.append("layers.").append(layer).append(".").append(module);
        if (pattern.is_expression()) std::replace(name.begin(), name.end(), '#', '0');   // \d+ wants digits
        if (pattern.matches(name)) return true;
        if (pattern.ignores_prefix()) return false;
    }
    return false;
}

template <class Names>
bool names_any(const ModulePattern& pattern, const Names& names, const std::string& layer) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return names_module(pattern, name, layer); });
}

/// The share of `layers` layers, of `all` in the model, whose module of one of these names the entry means.
template <class Names>
double coverage(const ListedModules& modules, const Names& names, int layers, int all) {
    const double whole = std::max(layers, 1);
    if (modules.pattern.is_expression() && modules.pattern.has_digit()) {   // may name single layers
        int matched = 0;
        for (int i = 0; i < all; ++i) matched += names_any(modules.pattern, names, std::to_string(i)) ? 1 : 0;
        return std::min(1.0, matched / whole);
    }
    if (!names_any(modules.pattern, names, "#")) return 0;
    if (modules.names == 0) return 1;
    if (modules.of_experts) return 2 * modules.names > layers ? 1 : 0;
    return std::min(1.0, modules.names / whole);
}

bool covers(const ListedModules& modules, const Probe& probe) {
    return coverage(modules, probe.names, probe.layers, probe.all) > 0.5;
}

DType format_of(const Scheme& scheme, const Probe& probe) {
    for (const ListedModules& modules : scheme.ignored) {
        if (covers(modules, probe)) return DType::bf16;
    }
    for (const FormatRule& rule : scheme.rules) {
        if (!rule.target || covers(*rule.target, probe)) return rule.format;
    }
    return DType::bf16;
}

std::vector<std::string_view> input_names(const Mixer& mixer) {
    if (std::holds_alternative<LatentAttention>(mixer)) return {"self_attn.q_b_proj", "self_attn.kv_b_proj"};
    if (std::holds_alternative<DeltaNet>(mixer))
        return {"linear_attn.in_proj_qkvz", "linear_attn.in_proj_qkv"};
    if (std::holds_alternative<Mamba1>(mixer) || std::holds_alternative<Mamba2>(mixer)) {
        return {"mixer.in_proj", "mamba.in_proj"};
    }
    return {"self_attn.q_proj", "self_attn.qkv_proj", "self_attn.q_b_proj", "mixer.q_proj", "attn.Wqkv"};
}

/// Every mixer votes with its size: a precision has one format for all of them.
void set_attention(const HfConfig& config, const Scheme& scheme, const Architecture& a,
                   Precision& precision) {
    std::map<DType, double> votes;
    std::map<DType, double> output_votes;
    for (const MixerGroup& group : a.mixers) {
        double size = 0;
        for (const Tensor& t : mixer_tensors(group.kind, a.hidden)) size += t.elements() * group.count;
        votes[format_of(scheme, {input_names(group.kind), group.count, a.layers})] += size;
        if (std::holds_alternative<GroupedAttention>(group.kind) ||
            std::holds_alternative<LatentAttention>(group.kind)) {
            output_votes[format_of(scheme, {{"self_attn.o_proj", "mixer.o_proj"}, group.count, a.layers})] +=
                size;
        }
    }
    const auto most = [](const auto& map) {
        return std::max_element(map.begin(), map.end(), [](auto& x, auto& y) { return x.second < y.second; })
            ->first;
    };
    if (!votes.empty()) precision.attention = most(votes);
    if (votes.size() > 1)
        config.note("token mixers have several number formats: the most frequent is taken for all");
    if (output_votes.size() == 1 && votes.size() == 1 && most(output_votes) != precision.attention) {
        precision.output_projection = most(output_votes);
    }
}

int layers_where(const Architecture& a, auto condition) {
    int sum = 0;
    for (const FfnGroup& group : a.ffns) sum += condition(group.kind) ? group.count : 0;
    return sum;
}

void set_feed_forward(const Scheme& scheme, const Architecture& a, Precision& precision) {
    const auto moe = [](const Ffn& f) { return std::get_if<MoeFfn>(&f); };
    const int routed = layers_where(a, [&](const Ffn& f) { return moe(f) != nullptr; });
    const int shared =
        layers_where(a, [&](const Ffn& f) { return moe(f) != nullptr && moe(f)->shared_width > 0; });
    const int dense =
        layers_where(a, [&](const Ffn& f) { return moe(f) == nullptr || moe(f)->dense_width > 0; });
    if (routed > 0) {
        precision.routed_experts = format_of(
            scheme, {{"mlp.experts.#.gate_proj", "mlp.experts", "block_sparse_moe.experts.#.w1",
                      "mixer.experts.#.up_proj", "feed_forward.experts.gate_up_proj", "experts.gate_up_proj"},
                     routed,
                     a.layers});
    }
    if (shared > 0) {
        precision.shared_experts =
            format_of(scheme, {{"mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj",
                                "block_sparse_moe.shared_experts.gate_proj", "mixer.shared_experts.up_proj",
                                "feed_forward.shared_expert.gate_proj"},
                               shared,
                               a.layers});
    }
    if (dense > 0) {
        precision.dense_ffn = format_of(
            scheme, {{"mlp.gate_proj", "mlp.gate_up_proj", "feed_forward.gate_proj", "mixer.up_proj"},
                     dense,
                     a.layers});
    }
}

/// Names that a tensor has as a module, fused ones included.
std::vector<std::string> module_names(const Tensor& t) {
    std::vector<std::string> names;
    std::string_view name = t.name;
    if (name.starts_with("experts.")) name.remove_prefix(8);
    const auto add = [&](std::initializer_list<std::string_view> parents) {
        for (const std::string_view parent : parents) names.push_back(std::string(parent).append(name));
    };
    const bool gate_or_up = name == "gate_proj" || name == "up_proj";
    switch (t.component) {
        case Component::routed_experts:
            add({"mlp.experts.#.", "mixer.experts.#.", "feed_forward.experts.", "experts."});
            names.emplace_back(gate_or_up ? "block_sparse_moe.experts.#.w1"
                                          : "block_sparse_moe.experts.#.w2");
            break;
        case Component::shared_experts:
            add({"mlp.shared_experts.", "mlp.shared_expert.", "block_sparse_moe.shared_experts.",
                 "mixer.shared_experts.", "feed_forward.shared_expert."});
            break;
        case Component::dense_ffn:
            add({"mlp.", "feed_forward.", "mixer."});
            if (gate_or_up) names.emplace_back("mlp.gate_up_proj");
            break;
        default:
            add({"self_attn.", "linear_attn.", "mixer.", "mamba.", "attn."});
            if (name == "q_proj" || name == "k_proj" || name == "v_proj")
                names.emplace_back("self_attn.qkv_proj");
    }
    return names;
}

/// Bytes of one kind of tensor over its layers, each share of them in the format of the rule that names it.
double mixed_bytes(const Scheme& scheme, const Tensor& t, int layers, int all) {
    const std::vector<std::string> names = module_names(t);
    double left = 1;
    double bytes = 0;
    const auto take = [&](const ListedModules* modules, DType format) {
        const double share =
            std::min(left, modules == nullptr ? left : coverage(*modules, names, layers, all));
        bytes += share * bytes_as(t, format).value();
        left -= share;
    };
    for (const ListedModules& modules : scheme.ignored) take(&modules, DType::bf16);
    for (const FormatRule& rule : scheme.rules) take(rule.target ? &*rule.target : nullptr, rule.format);
    take(nullptr, DType::bf16);
    return bytes;
}

/// Bytes beyond those of the one format per component, where single modules or layers have another.
void set_mixed(const Scheme& scheme, Architecture& a, const Precision& precision) {
    std::array<double, component_count> beyond{};
    double total = 0;
    const auto add = [&](const std::vector<Tensor>& layer, int count) {
        for (Tensor t : layer) {
            t.copies *= count;
            const double plain = stored_bytes(t, precision).value();
            total += plain;
            if (t.kind != TensorKind::matmul || !t.quantisable) continue;
            beyond[static_cast<std::size_t>(t.component)] += mixed_bytes(scheme, t, count, a.layers) - plain;
        }
    };
    for (const MixerGroup& group : a.mixers) add(mixer_tensors(group.kind, a.hidden), group.count);
    for (const FfnGroup& group : a.ffns) add(ffn_tensors(group.kind, a.hidden), group.count);
    constexpr double worth_telling = 0.002;   // of the bytes of the layers
    for (int i = 0; i < component_count; ++i) {
        const double bytes = std::round(beyond[static_cast<std::size_t>(i)]);
        if (std::abs(bytes) > worth_telling * total) a.mixed.push_back({i, bytes});
    }
}

void set_head(const Scheme& scheme, const Architecture& a, Precision& precision) {
    if (!scheme.head || a.tied_embeddings || scheme.rules.empty()) return;
    for (const ListedModules& modules : scheme.ignored)
        if (modules.pattern.matches("lm_head") || modules.pattern.matches("model.lm_head")) return;
    for (const FormatRule& rule : scheme.rules)
        if (!rule.target) precision.head = rule.format;
}

void apply(const HfConfig& config, const Reader& table, Architecture& a, Precision& precision) {
    const Scheme scheme = read_scheme(config, table);
    set_attention(config, scheme, a, precision);
    set_feed_forward(scheme, a, precision);
    set_head(scheme, a, precision);
    a.mixed.clear();
    set_mixed(scheme, a, precision);
    if (scheme.kv_cache) precision.kv_cache = *scheme.kv_cache;
}

}   // namespace

Precision released_precision(const HfConfig& config, const Document* side_file, Architecture& a) {
    Precision precision;
    for (const std::string_view key : {"quantization_config", "compression_config"}) {
        const Reader* holder = config.holder(key);
        if (holder == nullptr) continue;
        apply(config, holder->table(key), a, precision);
        break;
    }
    if (side_file != nullptr) {
        const Reader side(*side_file);
        if (side.has("quantization")) apply(config, side.table("quantization"), a, precision);
    }
    // DeepSeek-V4 states the format of its experts in a key of its own.
    if (config.text.text_or("expert_dtype", "") == "fp4") {
        precision.routed_experts = DType::mxfp4;
        std::erase_if(a.mixed, [](const MixedFormat& m) {
            return m.component == static_cast<int>(Component::routed_experts);
        });
    }
    return precision;
}

}   // namespace moecost
