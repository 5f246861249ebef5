// SPDX-License-Identifier: Apache-2.0
// The number format of each component of a release, from quantization_config and hf_quant_config.json.
// A component is judged by the names its modules have and takes the format of most of them: lists count what they name,
// layer by layer and expert by expert. What the others have in another format is kept as bytes beyond, and told.
#include "moecost/model/huggingface/quantisation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "moecost/base/format.h"
#include "moecost/model/counts.h"

namespace moecost {
namespace {

/// Modules of one kind: how many layers have them, of how many in the model, and how many of them a layer holds.
struct Extent {
    int layers = 0;
    int all = 0;
    double experts = 1;
};

/// The modules of one component: the names they have in one layer or another.
struct Probe {
    std::vector<std::string_view> names;
    Extent extent;
};

/// Prefixes a module of a layer goes by in one wrapper or another.
constexpr std::string_view prefixes[] = {"model.", "", "model.language_model.", "language_model.model.",
                                         "backbone."};

/// The name with the numbers of a layer and of an expert ("#" where an entry was written for all of them).
bool names_module(const ModulePattern& pattern, std::string_view module, const std::string& layer,
                  const std::string& expert) {
    std::string inner(module);
    if (const std::size_t at = inner.find('#'); at != std::string::npos) inner.replace(at, 1, expert);
    for (const std::string_view prefix : prefixes) {
        std::string name(prefix);
        if (pattern.matches(name.append("layers.").append(layer).append(".").append(inner))) return true;
        if (pattern.ignores_prefix()) return false;
    }
    return false;
}

template <class Names>
bool names_any(const ModulePattern& pattern, const Names& names, const std::string& layer,
               const std::string& expert) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return names_module(pattern, name, layer, expert); });
}

/// The share that an expression with digits means: each layer and expert is tried whose number it can ask for.
template <class Names>
double share_of_expression(const ModulePattern& pattern, const Names& names, const Extent& e) {
    constexpr int most = 1 << 16;   // tries; of more experts every so manieth
    const int layers = pattern.tells_layers() ? e.all : 1;
    const int experts = pattern.tells_experts() ? std::max(static_cast<int>(e.experts), 1) : 1;
    const int stride = 1 + static_cast<int>(static_cast<double>(layers) * experts / most);
    double matched = 0;
    for (int i = 0; i < layers; ++i) {
        const std::string layer = std::to_string(i);
        for (int j = 0; j < experts; j += stride)
            matched += names_any(pattern, names, layer, std::to_string(j)) ? stride : 0;
    }
    return matched / (pattern.tells_layers() ? std::max(e.layers, 1) : 1) / experts;
}

double share_of_names(const ListedModules& modules, const Extent& e) {
    const double layers = std::max(e.layers, 1);
    switch (modules.numbered) {
        case Numbered::layers:
            return modules.names / layers;
        case Numbered::experts:
            return modules.names / e.experts;
        case Numbered::experts_of_layers:
            return modules.names / (layers * e.experts);
        case Numbered::nothing:
            break;
    }
    return 1;
}

/// The share of the modules with one of these names that the entry means.
template <class Names>
double coverage(const ListedModules& modules, const Names& names, const Extent& e) {
    if (modules.pattern.is_expression() &&
        modules.pattern.has_digit())   // may name single layers and experts
        return std::min(1.0, share_of_expression(modules.pattern, names, e));
    const std::string any = modules.pattern.is_expression() ? "0" : "#";   // \d+ wants digits
    return names_any(modules.pattern, names, any, any) ? std::min(1.0, share_of_names(modules, e)) : 0;
}

/// Shares of modules by format: the first entry that names a module applies.
template <class Names>
std::map<DType, double> shares_of(const Scheme& scheme, const Names& names, const Extent& e) {
    std::map<DType, double> shares;
    double left = 1;
    const auto take = [&](const ListedModules* modules, DType format) {
        const double share = modules == nullptr ? left : std::min(left, coverage(*modules, names, e));
        if (share > 0) shares[format] += share;
        left -= share;
    };
    for (const ListedModules& modules : scheme.ignored) take(&modules, DType::bf16);
    for (const FormatRule& rule : scheme.rules) take(rule.target ? &*rule.target : nullptr, rule.format);
    take(nullptr, DType::bf16);
    return shares;
}

/// The format of most modules; at even shares the one they were quantised to.
DType format_of(const Scheme& scheme, const Probe& probe) {
    const auto shares = shares_of(scheme, probe.names, probe.extent);
    const auto less = [](const auto& x, const auto& y) {
        constexpr double even = 1e-9;
        if (std::abs(x.second - y.second) > even) return x.second < y.second;
        return x.first == DType::bf16 && y.first != DType::bf16;
    };
    return std::max_element(shares.begin(), shares.end(), less)->first;
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

/// Layers whose mixers go by the same names, whatever their windows and widths.
Extent extent_of(const Architecture& a, const MixerGroup& of) {
    Extent extent{0, a.layers, 1};
    for (const MixerGroup& group : a.mixers)
        extent.layers += group.kind.index() == of.kind.index() ? group.count : 0;
    return extent;
}

/// Every mixer votes with its size: a precision has one format for all of them.
void set_attention(const HfConfig& config, const Scheme& scheme, const Architecture& a,
                   Precision& precision) {
    std::map<DType, double> votes;
    std::map<DType, double> output_votes;
    for (const MixerGroup& group : a.mixers) {
        double size = 0;
        for (const Tensor& t : mixer_tensors(group.kind, a.hidden)) size += t.elements() * group.count;
        const Extent extent = extent_of(a, group);
        votes[format_of(scheme, {input_names(group.kind), extent})] += size;
        if (std::holds_alternative<GroupedAttention>(group.kind) ||
            std::holds_alternative<LatentAttention>(group.kind)) {
            output_votes[format_of(scheme, {{"self_attn.o_proj", "mixer.o_proj"}, extent})] += size;
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

/// Layers that hold modules of a component, and how many experts one of them holds on average.
Extent extent_of(const Architecture& a, Component component) {
    Extent extent{0, a.layers, 1};
    double experts = 0;
    for (const FfnGroup& group : a.ffns) {
        const auto* moe = std::get_if<MoeFfn>(&group.kind);
        const bool has = component == Component::routed_experts   ? moe != nullptr
                         : component == Component::shared_experts ? moe != nullptr && moe->shared_width > 0
                                                                  : moe == nullptr || moe->dense_width > 0;
        if (!has) continue;
        extent.layers += group.count;
        if (component == Component::routed_experts) experts += 1.0 * group.count * moe->experts;
    }
    if (experts > 0) extent.experts = experts / extent.layers;
    return extent;
}

void set_feed_forward(const Scheme& scheme, const Architecture& a, Precision& precision) {
    const auto set = [&](Component component, DType& format, std::vector<std::string_view> names) {
        const Extent extent = extent_of(a, component);
        if (extent.layers > 0) format = format_of(scheme, {std::move(names), extent});
    };
    set(Component::routed_experts, precision.routed_experts,
        {"mlp.experts.#.gate_proj", "mlp.experts", "block_sparse_moe.experts.#.w1", "mixer.experts.#.up_proj",
         "feed_forward.experts.gate_up_proj", "experts.gate_up_proj"});
    set(Component::shared_experts, precision.shared_experts,
        {"mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj",
         "block_sparse_moe.shared_experts.gate_proj", "mixer.shared_experts.up_proj",
         "feed_forward.shared_expert.gate_proj"});
    set(Component::dense_ffn, precision.dense_ffn,
        {"mlp.gate_proj", "mlp.gate_up_proj", "feed_forward.gate_proj", "mixer.up_proj"});
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

/// What a component has in other formats than its own.
struct Beyond {
    double bytes = 0;
    double elements = 0;   // of all formats
    DType own = DType::bf16;
    std::map<DType, double> others;   // elements
};

/// Bytes of one kind of tensor, each share of them in the format of the entry that names it.
void add_tensor(const Scheme& scheme, const Tensor& t, const Extent& extent, const Precision& precision,
                Beyond& beyond) {
    const double elements = t.elements() * t.copies;
    const DType own = stored_as(t, precision);
    if (beyond.elements == 0) beyond.own = own;
    beyond.elements += elements;
    beyond.bytes -= stored_bytes(t, precision).value();
    for (const auto& [format, share] : shares_of(scheme, module_names(t), extent)) {
        beyond.bytes += share * bytes_as(t, format).value();
        if (format != own) beyond.others[format] += share * elements;
    }
}

/// Shares in a format that the component is not counted in: their bytes lie in memory, their time is that of the rest.
std::string mixed_line(Component component, const Beyond& beyond) {
    std::string line(name_of(component));
    std::replace(line.begin(), line.end(), '_', ' ');
    std::string_view between = ": ";
    for (const auto& [format, elements] : beyond.others) {
        line.append(between)
            .append(fixed(100 * elements / beyond.elements, 1))
            .append(" % of the weights in ");
        line.append(info(format).name);
        between = ", ";
    }
    line.append(", the rest in ").append(info(beyond.own).name);
    return line.append(": memory counts each, time takes all as the rest");
}

/// Bytes beyond those of the one format per component, where single modules, layers or experts have another.
void set_mixed(const HfConfig& config, const Scheme& scheme, Architecture& a, const Precision& precision) {
    std::array<Beyond, component_count> beyond;
    double total = 0;
    const auto add = [&](const std::vector<Tensor>& layer, int count, const Extent* mixer) {
        for (Tensor t : layer) {
            t.copies *= count;
            total += stored_bytes(t, precision).value();
            if (t.kind != TensorKind::matmul || !t.quantisable) continue;
            const Extent extent = mixer != nullptr ? *mixer : extent_of(a, t.component);
            add_tensor(scheme, t, extent, precision, beyond[static_cast<std::size_t>(t.component)]);
        }
    };
    for (const MixerGroup& group : a.mixers) {
        const Extent extent = extent_of(a, group);
        add(mixer_tensors(group.kind, a.hidden), group.count, &extent);
    }
    for (const FfnGroup& group : a.ffns) add(ffn_tensors(group.kind, a.hidden), group.count, nullptr);
    constexpr double worth_a_note = 0.002;   // of the bytes of the layers
    constexpr double worth_a_warning = 0.02;
    for (int i = 0; i < component_count; ++i) {
        const Beyond& b = beyond[static_cast<std::size_t>(i)];
        const double bytes = std::round(b.bytes);
        if (std::abs(bytes) <= worth_a_note * total) continue;
        a.mixed.push_back({i, bytes});
        const std::string line = mixed_line(static_cast<Component>(i), b);
        std::abs(bytes) > worth_a_warning* total ? config.warn(line) : config.note(line);
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
    set_mixed(config, scheme, a, precision);
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
