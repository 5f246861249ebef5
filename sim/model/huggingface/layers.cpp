// SPDX-License-Identifier: Apache-2.0
// Which layers are windowed, linear or full, and which hold experts. Layer index i from 0; the first rule
// applies.
#include <algorithm>
#include <charconv>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

using Kinds = std::vector<LayerKind>;

/// Kinds by a rule on the layer index.
template <class Rule>
Kinds kinds_where(const HfConfig& config, Rule full, LayerKind otherwise) {
    Kinds kinds;
    for (int i = 0; i < config.layers; ++i) kinds.push_back(full(i) ? LayerKind::full : otherwise);
    return kinds;
}

Kinds from_layer_types(const HfConfig& config) {
    Kinds kinds;
    const std::vector<std::string> types = config.texts_per_layer("layer_types");
    for (int i = 0; i < config.layers; ++i) {
        const std::string& type = types[static_cast<std::size_t>(i)];
        if (type == "full_attention" || type == "attention")
            kinds.push_back(LayerKind::full);
        else if (type == "sliding_attention" || type == "chunked_attention")
            kinds.push_back(LayerKind::window);
        else if (type == "linear_attention" || type == "mamba")
            kinds.push_back(LayerKind::linear);
        else
            config.text.fail("layer_types", std::string("unknown layer type '").append(type).append("'"));
    }
    return kinds;
}

/// A list of layer numbers from 1 that are linear; all others are full.
Kinds from_kda_layers(const HfConfig& config) {
    const Reader linear = config.text.table("linear_attn_config");
    Kinds kinds(static_cast<std::size_t>(config.layers), LayerKind::full);
    for (const double number : linear.numbers("kda_layers", Range{1, static_cast<double>(config.layers)})) {
        kinds[static_cast<std::size_t>(number) - 1] = LayerKind::linear;
    }
    return kinds;
}

/// `sliding_window` without a list of layers: which layers it means depends on the family.
Kinds from_bare_window(const HfConfig& config) {
    Kinds all_full(static_cast<std::size_t>(config.layers), LayerKind::full);
    const int window = config.integer_or({"sliding_window"}, 0, 0, max_tokens);
    const int context = config.integer_or({"max_position_embeddings"}, 0, 0, max_tokens);
    if (window == 0 || !config.flag("use_sliding_window", true)) return all_full;
    if (context > 0 && window >= context) return all_full;
    if (config.is({"phimoe"})) {
        config.note("sliding_window ignored, as servers do for this family");
        return all_full;
    }
    if (config.text.has("sliding_window_pattern") || config.is({"gemma3*"})) {
        const int n = config.integer_or({"sliding_window_pattern"}, 6, 1, max_layers);
        return kinds_where(
            config, [n](int i) { return (i + 1) % n == 0; }, LayerKind::window);
    }
    if (config.is({"gemma2"}))
        return kinds_where(
            config, [](int i) { return i % 2 == 1; }, LayerKind::window);
    const int full = config.is({"qwen*"}) ? config.integer_or({"max_window_layers"}, 0, 0, max_layers) : 0;
    if (!config.is({"mistral", "qwen*"})) config.note("sliding_window taken for every layer");
    return kinds_where(
        config, [full](int i) { return i < full; }, LayerKind::window);
}

std::vector<bool> where(const HfConfig& config, auto rule) {
    std::vector<bool> result(static_cast<std::size_t>(config.layers));
    for (int i = 0; i < config.layers; ++i) result[static_cast<std::size_t>(i)] = rule(i);
    return result;
}

/// "3,4,5": layer numbers from 0 in one text.
std::vector<bool> from_enumeration(const HfConfig& config) {
    std::vector<bool> result(static_cast<std::size_t>(config.layers), false);
    const std::string text = config.text.text("moe_layers_enum");
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    while (at != end) {
        int layer = -1;
        const auto [next, error] = std::from_chars(at, end, layer);
        if (error != std::errc{} || layer < 0 || layer >= config.layers || (next != end && *next != ',')) {
            config.text.fail("moe_layers_enum", "expected layer numbers with commas between them");
        }
        result[static_cast<std::size_t>(layer)] = true;
        at = next == end ? end : next + 1;
    }
    return result;
}

std::vector<bool> from_mlp_types(const HfConfig& config) {
    const std::vector<std::string> types = config.texts_per_layer("mlp_layer_types");
    return where(config, [&types](int i) { return types[static_cast<std::size_t>(i)] == "sparse"; });
}

/// A list (1: experts) or a period, behind `first_k_dense_replace` dense layers.
std::vector<bool> from_frequency(const HfConfig& config) {
    const int first = config.integer_or({"first_k_dense_replace"}, 0, 0, max_layers);
    if (!config.text.has("moe_layer_freq")) return where(config, [first](int i) { return i >= first; });
    const std::vector<int> frequency = config.per_layer("moe_layer_freq", 0, max_layers);
    const Value* value = config.text.raw("moe_layer_freq");
    if (std::holds_alternative<Value::Array>(value->content)) {
        return where(config, [&frequency](int i) { return frequency[static_cast<std::size_t>(i)] != 0; });
    }
    const int period = std::max(frequency.front(), 1);
    return where(config, [first, period](int i) { return i >= first && i % period == 0; });
}

std::vector<bool> from_sparse_step(const HfConfig& config) {
    const int step = config.integer_or({"decoder_sparse_step"}, 1, 1, max_layers);
    std::vector<bool> result = where(config, [step](int i) { return (i + 1) % step == 0; });
    if (!config.text.has("mlp_only_layers")) return result;
    for (const double layer :
         config.text.numbers("mlp_only_layers", Range{0, static_cast<double>(max_layers)})) {
        if (layer < config.layers) result[static_cast<std::size_t>(layer)] = false;
    }
    return result;
}

std::vector<bool> from_interval(const HfConfig& config) {
    const int start = config.integer_or({"moe_layer_start_index"}, 0, 0, max_layers);
    const int end = config.integer_or({"moe_layer_end_index"}, config.layers - 1, 0, max_layers);
    const int interval = config.integer_or({"moe_layer_interval"}, 1, 1, max_layers);
    return where(config, [=](int i) { return i >= start && i <= end && (i + 1) % interval == 0; });
}

}   // namespace

std::vector<LayerKind> layer_kinds(const HfConfig& config) {
    const Reader& text = config.text;
    if (text.has("linear_attn_config")) return from_kda_layers(config);
    if (text.has("layer_types")) return from_layer_types(config);
    if (text.has("hybrid_layer_pattern")) {
        const std::vector<int> pattern = config.per_layer("hybrid_layer_pattern", 0, 1);
        return kinds_where(
            config, [&](int i) { return pattern[static_cast<std::size_t>(i)] == 0; }, LayerKind::window);
    }
    if (text.has("attn_type_list")) {
        const std::vector<int> types = config.per_layer("attn_type_list", 0, 1);
        return kinds_where(
            config, [&](int i) { return types[static_cast<std::size_t>(i)] == 1; }, LayerKind::linear);
    }
    if (text.has("full_attention_interval")) {
        const int n = config.integer({"full_attention_interval"}, 1, max_layers);
        return kinds_where(
            config, [n](int i) { return (i + 1) % n == 0; }, LayerKind::linear);
    }
    if (text.has("attn_layer_period")) {
        const int period = config.integer({"attn_layer_period"}, 1, max_layers);
        const int offset = config.integer_or({"attn_layer_offset"}, 0, 0, max_layers);
        return kinds_where(
            config, [=](int i) { return i % period == offset; }, LayerKind::linear);
    }
    if (text.has("attention_chunk_size")) {   // llama4: every fourth layer is full, without rotary embedding
        return kinds_where(
            config, [](int i) { return (i + 1) % 4 == 0; }, LayerKind::window);
    }
    return from_bare_window(config);
}

std::vector<bool> moe_layers(const HfConfig& config) {
    const Reader& text = config.text;
    if (!has_experts(config)) return std::vector<bool>(static_cast<std::size_t>(config.layers), false);
    if (text.has("mlp_layer_types")) return from_mlp_types(config);
    if (text.has("moe_layers_enum")) return from_enumeration(config);
    if (text.has("moe_layer_freq") || text.has("first_k_dense_replace")) return from_frequency(config);
    if (text.has("decoder_sparse_step") || text.has("mlp_only_layers")) return from_sparse_step(config);
    if (text.has("interleave_moe_layer_step")) {
        const int step = config.integer({"interleave_moe_layer_step"}, 1, max_layers);
        return where(config, [step](int i) { return (i + 1) % step == 0; });
    }
    if (text.has("expert_layer_period")) {
        const int period = config.integer({"expert_layer_period"}, 1, max_layers);
        const int offset = config.integer_or({"expert_layer_offset"}, 0, 0, max_layers);
        return where(config, [=](int i) { return i % period == offset; });
    }
    if (text.has("moe_layer_start_index")) return from_interval(config);
    return std::vector<bool>(static_cast<std::size_t>(config.layers), true);
}

std::string block_pattern(const HfConfig& config, std::string_view pattern_key, std::string_view types_key) {
    if (config.text.has(pattern_key)) {
        std::string pattern = config.text.text(pattern_key);
        const std::size_t bad = pattern.find_first_not_of("M*E-");
        if (bad == std::string::npos && pattern.size() <= static_cast<std::size_t>(max_layers))
            return pattern;
        config.text.fail(pattern_key, "expected one of M * E - per layer, at most 10000");
    }
    if (!config.text.has(types_key)) return {};
    std::string pattern;
    for (const std::string& type : config.text.texts(types_key)) {
        if (type == "mamba")
            pattern += 'M';
        else if (type == "attention")
            pattern += '*';
        else if (type == "moe")
            pattern += 'E';
        else if (type == "mlp")
            pattern += '-';
        else
            config.text.fail(types_key, std::string("unknown block type '").append(type).append("'"));
    }
    if (pattern.size() > static_cast<std::size_t>(max_layers))
        config.text.fail(types_key, "more than 10000 blocks");
    return pattern;
}

}   // namespace moecost
