// SPDX-License-Identifier: Apache-2.0
// Feed-forward layers: experts, shared experts, router and widths under the key names of every family.
#include <algorithm>
#include <cmath>
#include <span>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

/// Lists of ERNIE-VL hold an entry per modality, text first, not one per layer.
bool per_modality(const HfConfig& config) {
    return config.text.has("moe_num_experts") && config.is_list("moe_num_experts");
}

/// A whole number, or the entry of a layer where the key holds a list.
int layer_value(const HfConfig& config, std::string_view key, int layer, int low, int high) {
    if (!config.is_list(key)) return config.integer(key, low, high);
    const auto& list = std::get<Value::Array>(config.text.raw(config.spelling(key))->content);
    const auto at = per_modality(config) ? 0 : static_cast<std::size_t>(layer);
    if (at >= list.size()) config.text.fail(key, "has fewer entries than the model layers");
    const auto* number = std::get_if<std::int64_t>(&list[at].content);
    if (number == nullptr || *number < low || *number > high) {
        std::string message("expected whole numbers ");
        config.text.fail(key, message.append(std::to_string(low)).append("..").append(std::to_string(high)));
    }
    return static_cast<int>(*number);
}

/// True when layers with experts may differ from one another.
bool has_lists(const HfConfig& config) {
    for (const std::string_view key : {"moe_intermediate_size", "moe_topk", "num_shared_expert"}) {
        if (config.is_list(key)) return true;
    }
    return false;
}

/// The table that holds the sizes of the experts: ffn_config in dbrx, moe in Mistral's own format, else the
/// configuration itself.
Reader expert_table(const HfConfig& config) {
    for (const std::string_view key : {"ffn_config", "moe"}) {
        const Value* value = config.text.raw(key);
        if (value != nullptr && std::holds_alternative<Value::Table>(value->content))
            return config.text.table(key);
    }
    return config.text;
}

constexpr std::string_view expert_keys[] = {"num_local_experts", "n_routed_experts", "num_experts",
                                            "moe_num_experts"};
constexpr std::string_view top_k_keys[] = {
    "num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_topk", "moe_k",
    "moe_top_k",           "experts_per_token"};

/// The first of the keys that the table has; empty: it has none.
std::string_view key_of(const Reader& table, std::span<const std::string_view> keys) {
    for (const std::string_view key : keys)
        if (table.has(key)) return key;
    return {};
}

int expert_count(const HfConfig& config) {
    const Reader table = expert_table(config);
    const std::string_view key = key_of(table, expert_keys);
    if (key.empty()) return 0;
    if (per_modality(config)) return layer_value(config, key, 0, 0, max_experts);
    return static_cast<int>(table.integer(key, 0, max_experts));
}

int top_k(const HfConfig& config, int layer) {
    const Reader table = expert_table(config);
    const std::string_view key = key_of(table, top_k_keys);
    if (key.empty()) config.text.fail("num_experts_per_tok", "missing: experts a token uses");
    if (config.text.has(key)) return layer_value(config, key, layer, 1, max_experts);
    return static_cast<int>(table.integer(key, 1, max_experts));
}

/// Sizes of experts that contradict each other, under the key that the file has.
void check_experts(const HfConfig& config, const MoeFfn& f) {
    const Reader table = expert_table(config);
    const std::string_view experts = key_of(table, expert_keys);
    if (f.top_k > f.experts) {
        std::string message(std::to_string(f.top_k));
        message.append(" of a token are more than the ").append(std::to_string(f.experts)).append(" of ");
        table.fail(key_of(table, top_k_keys), message.append(experts));
    }
    if (const std::string problem = problem_of(Ffn{f}); !problem.empty()) table.fail(experts, problem);
}

/// No experts, of which each token takes some.
void refuse_none(const HfConfig& config) {
    const Reader table = expert_table(config);
    const std::string_view experts = key_of(table, expert_keys);
    const std::string_view per_token = key_of(table, top_k_keys);
    const Value* wanted = per_token.empty() ? nullptr : table.raw(per_token);
    const auto* number = wanted != nullptr ? std::get_if<std::int64_t>(&wanted->content) : nullptr;
    if (experts.empty() || number == nullptr || *number <= 0) return;
    std::string message("no experts, of which ");
    message.append(per_token).append(" takes ").append(std::to_string(*number));
    table.fail(experts, message, std::string("a dense model has 0 there too"));
}

int expert_width(const HfConfig& config, int layer) {
    if (config.has("moe_intermediate_size"))
        return layer_value(config, "moe_intermediate_size", layer, 1, max_width);
    if (config.text.has("expert_hidden_dim")) return config.integer("expert_hidden_dim", 1, max_width);
    const Reader table = expert_table(config);
    if (table.has("ffn_hidden_size")) return static_cast<int>(table.integer("ffn_hidden_size", 1, max_width));
    return config.integer("intermediate_size", 1, max_width);
}

/// Width of all shared experts together: stated in full, or a number of experts of the routed width.
int shared_width(const HfConfig& config, int layer, int width) {
    constexpr std::string_view full[] = {"shared_expert_intermediate_size",
                                         "moe_shared_expert_intermediate_size", "share_expert_dim",
                                         "shared_intermediate_size"};
    for (const std::string_view key : full) {
        if (config.text.has(key)) return config.integer(key, 0, max_width);
    }
    constexpr std::string_view numbers[] = {"n_shared_experts", "num_shared_experts",
                                            "moe_num_shared_experts", "num_shared_expert"};
    for (const std::string_view key : numbers) {
        if (!config.text.has(key)) continue;
        const long long shared = 1LL * layer_value(config, key, layer, 0, 1000) * width;
        if (shared > max_width) config.text.fail(key, "the shared experts are wider than 1000000 together");
        return static_cast<int>(shared);
    }
    return config.family->one_shared_expert ? width : 0;
}

RouterBias router_bias(const HfConfig& config) {
    const RouterBias by_family = config.family->router_bias;
    if (by_family == RouterBias::linear) return by_family;
    for (const std::string_view key : {"use_routing_bias", "moe_router_enable_expert_bias",
                                       "use_moe_router_bias", "use_expert_bias", "moe_use_aux_free"}) {
        if (config.text.has(key)) return config.flag(key, false) ? RouterBias::correction : RouterBias::none;
    }
    return config.text_or("topk_method", "") == "noaux_tc" ? RouterBias::correction : by_family;
}

/// Activations that are applied without a gate, and those with one: two matrices or three.
int matrices(const HfConfig& config) {
    std::string act;
    for (const std::string_view key :
         {"mlp_hidden_act", "hidden_act", "hidden_activation", "activation_function"})
        if (act.empty()) act = config.text_or(key, "");
    if (act == "relu2" || act == "xielu") return 2;
    for (const std::string_view key : {"use_gated_activation", "block_use_swiglu"})
        if (!config.flag(key, true)) return 2;
    return config.family->matrices;
}

/// Widths that are stated of gate and up together, or before they are rounded (LFM2: 2/3, then up to a multiple).
int adjusted_width(const HfConfig& config, int width) {
    if (config.family->joint_width) return std::max(width / 2, 1);
    if (!config.flag("block_auto_adjust_ff_dim", false)) return width;
    const double share = 2.0 / 3 * width;
    const double multiple = config.integer_or("block_multiple_of", 256, 1, max_width);
    double factor = 1;
    if (config.text.has("block_ffn_dim_multiplier"))
        factor = config.text.number("block_ffn_dim_multiplier", Range{1e-3, 1000});
    const double adjusted = std::ceil(factor * std::floor(share) / multiple) * multiple;
    if (adjusted > max_width) config.text.fail("block_ff_dim", "gives a width beyond 1000000");
    return static_cast<int>(adjusted);
}

void set_groups(const HfConfig& config, MoeFfn& f) {
    f.expert_groups = config.integer_or("n_group", 1, 1, max_experts);
    f.groups_used =
        f.expert_groups == 1 ? 1 : config.integer_or("topk_group", f.expert_groups, 1, max_experts);
}

/// Gemma 4 runs its dense FFN beside the experts of the same layer, Grok-2 as well.
bool has_parallel_dense(const HfConfig& config) {
    return config.flag("enable_moe_block", false) || config.flag("residual_moe", false);
}

/// Arctic's is as wide as the hidden state.
int parallel_width(const HfConfig& config) {
    if (has_parallel_dense(config)) return config.integer("intermediate_size", 1, max_width);
    return config.flag("use_residual", false) && config.is({"arctic"}) ? config.hidden : 0;
}

/// Experts without computation take their share of the choices: of k, k E / (E + Z) compute on average.
void set_zero_experts(const HfConfig& config, MoeFfn& f) {
    f.zero_experts = config.integer_or("zero_expert_num", 0, 0, max_experts);
    if (f.zero_experts == 0) return;
    const double share = f.experts / (double{1} * f.experts + f.zero_experts);
    f.top_k = std::max(1, static_cast<int>(std::lround(f.top_k * share)));
    config.note(std::string("experts a token uses on average, beside those without computation: ")
                    .append(std::to_string(f.top_k)));
}

int dense_width(const HfConfig& config) {
    for (const std::string_view key :
         {"dense_intermediate_size", "intermediate_size_mlp", "intermediate_size"})
        if (config.has(key)) return adjusted_width(config, layer_value(config, key, 0, 1, max_width));
    if (config.text.has("block_ff_dim"))
        return adjusted_width(config, config.integer("block_ff_dim", 1, max_width));
    if (config.text.has("expansion_ratio")) return config.integer("expansion_ratio", 1, 100) * config.hidden;
    if (config.family->width_in_hidden > 0) return config.family->width_in_hidden * config.hidden;
    return config.integer("intermediate_size", 1, max_width);   // fails with the name of the key
}

}   // namespace

bool has_experts(const HfConfig& config) { return expert_count(config) > 0; }

MoeFfn moe_ffn(const HfConfig& config, int layer) {
    MoeFfn f;
    f.experts = expert_count(config);
    f.top_k = top_k(config, layer);
    f.width = expert_width(config, layer);
    f.matrices = matrices(config);
    f.shared_width = shared_width(config, layer, f.width);
    f.shared_gate = f.shared_width > 0 && config.text.has("shared_expert_intermediate_size") &&
                    !config.family->plain_shared_expert;
    f.router_bias = router_bias(config);
    f.expert_bias = config.family->expert_bias;
    f.latent_width = config.integer_or("moe_latent_size", 0, 0, max_width);
    f.latent_norm = f.latent_width > 0 && config.flag("latent_moe_use_norm", false);
    f.dense_width = parallel_width(config);
    f.router_scales = config.family->router_scales;
    f.fused_gate_up = config.family->fused_gate_up;
    set_groups(config, f);
    set_zero_experts(config, f);
    check_experts(config, f);
    return f;
}

DenseFfn dense_ffn(const HfConfig& config) {
    DenseFfn f;
    f.width = dense_width(config);
    f.matrices = matrices(config);
    f.bias = config.family->ffn_bias;
    for (const std::string_view key : {"mlp_bias", "use_bias", "add_bias_linear", "bias"})
        if (config.text.has(key) && !(f.bias && key == "bias")) f.bias = config.flag(key, false);
    return f;
}

FfnLayers ffn_layers(const HfConfig& config) {
    if (!has_experts(config)) refuse_none(config);
    const std::vector<bool> moe = moe_layers(config);
    const bool gemma = config.flag("enable_moe_block", false);
    const int norms = ffn_norms(config) + (gemma                                                 ? 3
                                           : parallel_width(config) > 0 && config.is({"arctic"}) ? 1
                                                                                                 : 0);
    // The first layers of DeepSeek-V4 look their experts up in a table of token ids: no bias to correct.
    const int hashed = config.integer_or("num_hash_layers", 0, 0, max_layers);
    const bool lists = has_lists(config);
    // Gemma 4 E: layers that share keys and values have a feed-forward twice as wide.
    const int wide = config.flag("use_double_wide_mlp", false)
                         ? config.integer_or("num_kv_shared_layers", 0, 0, max_layers)
                         : 0;
    std::optional<MoeFfn> experts;   // read once where all layers share it
    std::optional<DenseFfn> dense;
    FfnLayers layers;
    for (int i = 0; i < config.layers; ++i) {
        if (!moe[static_cast<std::size_t>(i)]) {
            if (!dense) dense = dense_ffn(config);
            DenseFfn f = *dense;
            if (i >= config.layers - wide) f.width *= 2;
            layers.push_back({f, norms});
            continue;
        }
        if (!experts || lists) experts = moe_ffn(config, i);
        MoeFfn f = *experts;
        if (i < hashed) f.router_bias = RouterBias::none;
        layers.push_back({f, norms});
    }
    return layers;
}

}   // namespace moecost
