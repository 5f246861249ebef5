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
        if (type == "full_attention" || type == "attention" || type == "global_attention")
            kinds.push_back(LayerKind::full);
        else if (type == "sliding_attention" || type == "chunked_attention")
            kinds.push_back(LayerKind::window);
        else if (type == "linear_attention" || type == "mamba" || type == "conv")
            kinds.push_back(LayerKind::linear);
        else
            config.text.fail("layer_types", std::string("unknown layer type '").append(type).append("'"));
    }
    return kinds;
}

/// A list of layer numbers from 1 (from 0 where it holds a 0) that are linear; all others are full.
Kinds from_kda_layers(const HfConfig& config) {
    const Reader linear = config.text.table("linear_attn_config");
    Kinds kinds(static_cast<std::size_t>(config.layers), LayerKind::full);
    const std::vector<double> numbers =
        linear.numbers("kda_layers", Range{0, static_cast<double>(config.layers)});
    const double base = std::find(numbers.begin(), numbers.end(), 0) != numbers.end() ? 0 : 1;
    for (const double number : numbers) {
        if (number - base >= config.layers) linear.fail("kda_layers", "names a layer beyond the last");
        kinds[static_cast<std::size_t>(number - base)] = LayerKind::linear;
    }
    return kinds;
}

/// The layers of a list of numbers from 0 are of one kind, all others of another.
Kinds from_listed(const HfConfig& config, std::string_view key, LayerKind listed, LayerKind others) {
    Kinds kinds(static_cast<std::size_t>(config.layers), others);
    for (const double layer : config.text.numbers(key, Range{0, config.layers - 1.0}))
        kinds[static_cast<std::size_t>(layer)] = listed;
    return kinds;
}

/// Full attention ends each group of n layers; what is left over at the end is full too.
Kinds from_groups(const HfConfig& config, std::string_view key) {
    const int n = config.integer(key, 1, max_layers);
    const int whole = config.layers / n * n;
    return kinds_where(
        config, [n, whole](int i) { return (i + 1) % n == 0 || i >= whole; }, LayerKind::linear);
}

/// "LLLG": local and global layers in turn, the last layer global.
Kinds from_letters(const HfConfig& config, const std::string& letters) {
    if (letters.empty() || letters.find_first_not_of("LG") != std::string::npos)
        config.text.fail("sliding_window_pattern", "expected letters L and G, or a number of layers");
    return kinds_where(
        config,
        [&](int i) {
            return letters[static_cast<std::size_t>(i) % letters.size()] == 'G' || i + 1 == config.layers;
        },
        LayerKind::window);
}

/// `sliding_window` without a list of layers: which layers it means depends on the family.
Kinds from_bare_window(const HfConfig& config) {
    Kinds all_full(static_cast<std::size_t>(config.layers), LayerKind::full);
    const int window = config.integer_or("sliding_window", 0, 0, max_tokens);
    const int context = config.integer_or("max_position_embeddings", 0, 0, max_tokens);
    if (window == 0 || !config.flag("use_sliding_window", true)) return all_full;
    if (context > 0 && window >= context) return all_full;
    const BareWindow rule = config.family->window;
    if (rule == BareWindow::none) {
        config.note("sliding_window ignored, as servers do for this family");
        return all_full;
    }
    const std::string letters = config.text_or("sliding_window_pattern", "");
    if (!letters.empty()) return from_letters(config, letters);
    if (config.has("sliding_window_pattern") || rule == BareWindow::pattern) {
        const int n =
            config.integer_or("sliding_window_pattern", config.family->window_pattern, 1, max_layers);
        return kinds_where(
            config, [n](int i) { return (i + 1) % n == 0; }, LayerKind::window);
    }
    if (rule == BareWindow::one_in_two)
        return kinds_where(
            config, [](int i) { return i % 2 == 1; }, LayerKind::window);
    const bool above = rule == BareWindow::above_max_window_layers;
    const int full = above ? config.integer_or("max_window_layers", 0, 0, max_layers) : 0;
    if (rule == BareWindow::every_told) config.note("sliding_window taken for every layer");
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
    const int first = config.integer_or("first_k_dense_replace", 0, 0, max_layers);
    if (!config.has("moe_layer_freq")) return where(config, [first](int i) { return i >= first; });
    const std::vector<int> frequency = config.per_layer("moe_layer_freq", 0, max_layers);
    if (config.is_list("moe_layer_freq")) {
        return where(config, [&frequency](int i) { return frequency[static_cast<std::size_t>(i)] != 0; });
    }
    const int period = std::max(frequency.front(), 1);
    return where(config, [first, period](int i) { return i >= first && i % period == 0; });
}

std::vector<bool> from_sparse_step(const HfConfig& config) {
    const int step = config.integer_or("decoder_sparse_step", 1, 1, max_layers);
    std::vector<bool> result = where(config, [step](int i) { return (i + 1) % step == 0; });
    if (!config.text.has("mlp_only_layers")) return result;
    for (const double layer : config.text.numbers("mlp_only_layers", Range{0, config.layers - 1.0}))
        result[static_cast<std::size_t>(layer)] = false;
    return result;
}

/// 0 and 1, or false and true, per layer.
std::vector<bool> from_moe_flags(const HfConfig& config) {
    const auto& list = std::get<Value::Array>(config.text.raw("is_moe_layer")->content);
    if (list.size() < static_cast<std::size_t>(config.layers))
        config.text.fail("is_moe_layer", "has fewer entries than the model layers");
    return where(config, [&list](int i) {
        const auto& content = list[static_cast<std::size_t>(i)].content;
        if (const bool* flag = std::get_if<bool>(&content)) return *flag;
        const auto* number = std::get_if<std::int64_t>(&content);
        return number != nullptr && *number != 0;
    });
}

/// The first entry of a list, where one stands per modality and text comes first.
int first_or_only(const HfConfig& config, std::string_view key, int fallback) {
    if (!config.has(key)) return fallback;
    if (!config.is_list(key)) return config.integer(key, 0, max_layers);
    const std::vector<double> values = config.text.numbers(key, Range{0, max_layers});
    if (values.empty()) config.text.fail(key, "is an empty list");
    return static_cast<int>(values.front());
}

std::vector<bool> from_interval(const HfConfig& config) {
    const int start = first_or_only(config, "moe_layer_start_index", 0);
    const int end = first_or_only(config, "moe_layer_end_index", config.layers - 1);
    const int interval = config.integer_or("moe_layer_interval", 1, 1, max_layers);
    return where(config, [=](int i) { return i >= start && i <= end && (i + 1) % interval == 0; });
}

}   // namespace

std::vector<LayerKind> layer_kinds(const HfConfig& config) {
    const Reader& text = config.text;
    if (text.has("linear_attn_config")) return from_kda_layers(config);
    if (config.is({"falcon_mamba", "mamba"}))
        return kinds_where(
            config, [](int) { return false; }, LayerKind::linear);
    if (text.has("layer_types")) return from_layer_types(config);
    if (text.has("cross_attention_layers"))
        return from_listed(config, "cross_attention_layers", LayerKind::cross, LayerKind::full);
    for (const std::string_view key : {"attn_layer_indices", "full_attn_idxs"})
        if (text.has(key)) return from_listed(config, key, LayerKind::full, LayerKind::linear);
    if (text.has("layer_group_size")) return from_groups(config, "layer_group_size");
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
        const int n = config.integer("full_attention_interval", 1, max_layers);
        return kinds_where(
            config, [n](int i) { return (i + 1) % n == 0; }, LayerKind::linear);
    }
    if (text.has("attn_layer_period")) {
        const int period = config.integer("attn_layer_period", 1, max_layers);
        const int offset = config.integer_or("attn_layer_offset", 0, 0, max_layers);
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
    if (text.has("is_moe_layer") && config.is_list("is_moe_layer")) return from_moe_flags(config);
    if (text.has("moe_layers_enum")) return from_enumeration(config);
    if (config.has("moe_layer_freq") || config.has("first_k_dense_replace")) return from_frequency(config);
    if (text.has("decoder_sparse_step") || text.has("mlp_only_layers")) return from_sparse_step(config);
    if (text.has("interleave_moe_layer_step")) {
        const int step = config.integer("interleave_moe_layer_step", 1, max_layers);
        return where(config, [step](int i) { return (i + 1) % step == 0; });
    }
    if (text.has("expert_layer_period")) {
        const int period = config.integer("expert_layer_period", 1, max_layers);
        const int offset = config.integer_or("expert_layer_offset", 0, 0, max_layers);
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
