// SPDX-License-Identifier: Apache-2.0
// The number format of each component of a release, from quantization_config and hf_quant_config.json.
// A component is judged by the names its modules have; lists that name modules layer by layer count when they
// cover more than half of the layers of that kind (the rest are MTP layers and the like).
#include <algorithm>
#include <map>

#include "moecost/model/counts.h"
#include "moecost/model/huggingface/config.h"
#include "moecost/model/huggingface/patterns.h"

namespace moecost {
namespace {

constexpr std::size_t max_patterns = 256;   // different ones, after layer numbers are taken out

/// Modules of a list entry; `names` numbered names fell together in it (0: one name that stands for every
/// layer).
struct ListedModules {
    ModulePattern pattern;
    int names = 0;
};

struct FormatRule {
    std::optional<ListedModules> target;   // nothing: every linear layer
    DType format = DType::bf16;
};

struct Scheme {
    std::vector<FormatRule> rules;
    std::vector<ListedModules> ignored;
    std::optional<DType> kv_cache;
};

bool is_number(std::string_view segment) {
    return !segment.empty() && segment.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "model.layers.3.mlp.gate" to "layers.#.mlp.gate"; true when it held a layer number. Expressions stay.
bool normalise(std::string& pattern) {
    if (pattern.starts_with("re:")) return false;
    std::string result;
    bool numbered = false;
    std::string_view rest = pattern;
    while (!rest.empty()) {
        const std::size_t dot = rest.find('.');
        std::string_view segment = rest.substr(0, dot);
        rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
        const bool star = segment.ends_with('*') && is_number(segment.substr(0, segment.size() - 1));
        if (is_number(segment) || star) {
            if (!numbered && result.ends_with("layers")) {   // what precedes differs by wrapper
                result = "layers";
                numbered = true;
            }
            segment = star ? "#*" : "#";
        }
        if (!result.empty()) result += '.';
        result.append(segment);
    }
    pattern = std::move(result);
    return numbered;
}

std::vector<ListedModules> listed(const Reader& table, std::string_view key, std::vector<std::string> names) {
    std::map<std::string, int> counts;
    for (std::string& name : names) {
        const bool numbered = normalise(name);
        counts[std::move(name)] += numbered ? 1 : 0;
        if (counts.size() > max_patterns) table.fail(key, "more than 256 different entries");
    }
    std::vector<ListedModules> result;
    for (const auto& [name, count] : counts) result.push_back({ModulePattern(name), count});
    return result;
}

/// The modules of one component: the names they have in one layer or another, and the number of such layers.
struct Probe {
    std::vector<std::string_view> names;
    int layers = 0;
};

bool names_module(const ModulePattern& pattern, std::string_view module) {
    for (const std::string_view prefix :
         {"model.", "", "model.language_model.", "language_model.model.", "backbone."}) {
        std::string name(prefix);
        name.append("layers.#.").append(module);
        if (pattern.is_expression()) std::replace(name.begin(), name.end(), '#', '0');   // \d+ wants digits
        if (pattern.matches(name)) return true;
        if (pattern.ignores_prefix()) return false;
    }
    return false;
}

bool covers(const ListedModules& modules, const Probe& probe) {
    if (modules.names > 0 && 2 * modules.names <= probe.layers) return false;
    return std::any_of(probe.names.begin(), probe.names.end(),
                       [&modules](std::string_view name) { return names_module(modules.pattern, name); });
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

/// Format by the name of an algorithm such as NVFP4, FP8_PB_WO, W4A16_AWQ.
std::optional<DType> format_named(std::string_view algorithm) {
    const auto has = [algorithm](std::string_view part) {
        return algorithm.find(part) != std::string_view::npos;
    };
    if (has("NVFP4")) return DType::nvfp4;
    if (has("MXFP4")) return DType::mxfp4;
    if (has("FP8_PB")) return DType::fp8_block;
    if (has("W4") || has("INT4")) return DType::int4;
    if (has("FP8")) return DType::fp8;
    if (has("INT8") || has("W8")) return DType::int8;
    return std::nullopt;
}

/// Format of a compressed-tensors group: {num_bits, type, group_size, strategy}.
DType format_of_group(const Reader& group, std::string_view config_format) {
    const Reader weights = group.table("weights");
    const auto bits = weights.integer("num_bits", 4, 16);
    const bool integer = weights.text_or("type", "int") == "int";
    if (bits == 16) return DType::bf16;
    if (bits == 8) {
        if (integer) return DType::int8;
        return weights.text_or("strategy", "") == "block" ? DType::fp8_block : DType::fp8;
    }
    if (integer) return DType::int4;
    const std::string format = group.text_or("format", config_format);
    const bool mx = format.starts_with("mxfp4") || weights.integer_or("group_size", 16, -1, 100'000) == 32;
    return mx ? DType::mxfp4 : DType::nvfp4;
}

void read_groups(const Reader& table, Scheme& scheme) {
    const Reader groups = table.table("config_groups");
    const std::string format = table.text_or("format", "");
    for (const std::string& name : groups.keys()) {
        const Reader group = groups.table(name);
        if (!group.has("weights")) continue;
        const DType type = format_of_group(group, format);
        const std::vector<std::string> targets =
            group.has("targets") ? group.texts("targets") : std::vector<std::string>{"Linear"};
        if (std::find(targets.begin(), targets.end(), "Linear") != targets.end()) {
            scheme.rules.push_back({std::nullopt, type});
            continue;
        }
        for (ListedModules& target : listed(group, "targets", targets)) {
            scheme.rules.push_back({std::move(target), type});
        }
    }
}

/// MIXED_PRECISION: the algorithm of every module by name.
void read_quantised_layers(const Reader& table, Scheme& scheme) {
    if (!table.has("quantized_layers")) return;
    const Reader layers = table.table("quantized_layers");
    std::map<DType, std::vector<std::string>> by_format;
    for (const std::string& name : layers.keys()) {
        const auto format = format_named(layers.table(name).text_or("quant_algo", ""));
        if (format) by_format[*format].push_back(name);
    }
    for (const auto& [format, names] : by_format) {
        for (ListedModules& target : listed(table, "quantized_layers", names)) {
            scheme.rules.push_back({std::move(target), format});
        }
    }
}

void read_ignored(const Reader& table, Scheme& scheme) {
    for (const std::string_view key :
         {"modules_to_not_convert", "ignore", "exclude_modules", "ignored_layers"}) {
        if (!table.has(key)) continue;
        for (ListedModules& modules : listed(table, key, table.texts(key)))
            scheme.ignored.push_back(std::move(modules));
    }
}

void read_kv_cache(const Reader& table, Scheme& scheme) {
    if (table.has("kv_cache_quant_algo")) scheme.kv_cache = format_named(table.text("kv_cache_quant_algo"));
    if (!table.has("kv_cache_scheme")) return;
    const Reader inner = table.table("kv_cache_scheme");
    if (inner.integer("num_bits", 4, 16) == 8) {
        scheme.kv_cache = inner.text_or("type", "float") == "int" ? DType::int8 : DType::fp8;
    }
}

void read_algorithm(const HfConfig& config, const Reader& table, const std::string& algorithm,
                    Scheme& scheme) {
    if (algorithm == "MIXED_PRECISION") return read_quantised_layers(table, scheme);
    if (const auto format = format_named(algorithm)) {
        scheme.rules.push_back({std::nullopt, *format});
    } else {
        config.note(
            std::string("quantisation algorithm '").append(algorithm).append("' not known: bf16 assumed"));
    }
}

void read_method(const HfConfig& config, const Reader& table, const std::string& method, Scheme& scheme) {
    if (method == "mxfp4") {
        scheme.rules.push_back({ListedModules{ModulePattern("experts"), 0},
                                DType::mxfp4});   // the only modules this method converts
    } else if (method == "fp8" || method == "fbgemm_fp8") {
        scheme.rules.push_back(
            {std::nullopt, table.has("weight_block_size") ? DType::fp8_block : DType::fp8});
    } else if (method == "gptq" || method == "awq" || method == "auto-round") {
        scheme.rules.push_back(
            {std::nullopt, table.integer_or("bits", 4, 2, 16) == 8 ? DType::int8 : DType::int4});
        config.note("scales counted for groups of 32 weights");
    } else {
        config.note(std::string("quantisation method '").append(method).append("' not known: bf16 assumed"));
    }
}

Scheme read_scheme(const HfConfig& config, const Reader& table) {
    Scheme scheme;
    read_ignored(table, scheme);
    read_kv_cache(table, scheme);
    if (table.has("config_groups"))
        read_groups(table, scheme);
    else if (table.has("quant_algo"))
        read_algorithm(config, table, table.text("quant_algo"), scheme);
    else if (table.has("quant_method"))
        read_method(config, table, table.text("quant_method"), scheme);
    return scheme;
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
        votes[format_of(scheme, {input_names(group.kind), group.count})] += size;
        if (std::holds_alternative<GroupedAttention>(group.kind) ||
            std::holds_alternative<LatentAttention>(group.kind)) {
            output_votes[format_of(scheme, {{"self_attn.o_proj", "mixer.o_proj"}, group.count})] += size;
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
                     routed});
    }
    if (shared > 0) {
        precision.shared_experts =
            format_of(scheme, {{"mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj",
                                "block_sparse_moe.shared_experts.gate_proj", "mixer.shared_experts.up_proj",
                                "feed_forward.shared_expert.gate_proj"},
                               shared});
    }
    if (dense > 0) {
        precision.dense_ffn = format_of(
            scheme,
            {{"mlp.gate_proj", "mlp.gate_up_proj", "feed_forward.gate_proj", "mixer.up_proj"}, dense});
    }
}

void apply(const HfConfig& config, const Reader& table, const Architecture& a, Precision& precision) {
    const Scheme scheme = read_scheme(config, table);
    set_attention(config, scheme, a, precision);
    set_feed_forward(scheme, a, precision);
    if (scheme.kv_cache) precision.kv_cache = *scheme.kv_cache;
}

}   // namespace

Precision released_precision(const HfConfig& config, const Document* side_file, Architecture& a) {
    Precision precision;
    if (const Reader* holder = config.holder("quantization_config")) {
        apply(config, holder->table("quantization_config"), a, precision);
    }
    if (side_file != nullptr) {
        const Reader side(*side_file);
        if (side.has("quantization")) apply(config, side.table("quantization"), a, precision);
    }
    // DeepSeek-V4 states the format of its experts in a key of its own.
    if (config.text.text_or("expert_dtype", "") == "fp4") precision.routed_experts = DType::mxfp4;
    return precision;
}

}   // namespace moecost
