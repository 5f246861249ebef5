// SPDX-License-Identifier: Apache-2.0
// Feed-forward layers: experts, shared experts, router and widths under the key names of every family.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

/// A whole number, or the entry of a layer where the key holds a list.
int layer_value(const HfConfig& config, std::string_view key, int layer, int low, int high) {
    const Value* value = config.text.raw(key);
    if (value == nullptr || !std::holds_alternative<Value::Array>(value->content)) {
        return config.integer({key}, low, high);
    }
    const auto& list = std::get<Value::Array>(value->content);
    const auto at = static_cast<std::size_t>(layer);
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
        const Value* value = config.text.raw(key);
        if (value != nullptr && std::holds_alternative<Value::Array>(value->content)) return true;
    }
    return false;
}

/// The table that holds the sizes of the experts: ffn_config in dbrx, else the configuration itself.
Reader expert_table(const HfConfig& config) {
    return config.text.has("ffn_config") ? config.text.table("ffn_config") : config.text;
}

constexpr std::string_view expert_keys[] = {"num_local_experts", "n_routed_experts", "num_experts",
                                            "moe_num_experts"};
constexpr std::string_view top_k_keys[] = {
    "num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_topk", "moe_k",
    "moe_top_k",           "experts_per_token"};

int expert_count(const HfConfig& config) {
    const Reader table = expert_table(config);
    for (const std::string_view key : expert_keys) {
        if (table.has(key)) return static_cast<int>(table.integer(key, 0, max_experts));
    }
    return 0;
}

int top_k(const HfConfig& config, int layer) {
    const Reader table = expert_table(config);
    for (const std::string_view key : top_k_keys) {
        if (!table.has(key)) continue;
        if (config.text.has(key)) return layer_value(config, key, layer, 1, max_experts);
        return static_cast<int>(table.integer(key, 1, max_experts));
    }
    config.text.fail("num_experts_per_tok", "missing: experts a token uses");
}

int expert_width(const HfConfig& config, int layer) {
    if (config.text.has("moe_intermediate_size"))
        return layer_value(config, "moe_intermediate_size", layer, 1, max_width);
    const Reader table = expert_table(config);
    if (table.has("ffn_hidden_size")) return static_cast<int>(table.integer("ffn_hidden_size", 1, max_width));
    return config.integer({"intermediate_size"}, 1, max_width);
}

/// Width of all shared experts together: stated in full, or a number of experts of the routed width.
int shared_width(const HfConfig& config, int layer, int width) {
    constexpr std::string_view full[] = {"shared_expert_intermediate_size",
                                         "moe_shared_expert_intermediate_size", "share_expert_dim",
                                         "shared_intermediate_size"};
    for (const std::string_view key : full) {
        if (config.text.has(key)) return config.integer({key}, 0, max_width);
    }
    constexpr std::string_view numbers[] = {"n_shared_experts", "num_shared_experts",
                                            "moe_num_shared_experts", "num_shared_expert"};
    for (const std::string_view key : numbers) {
        if (!config.text.has(key)) continue;
        const long long shared = 1LL * layer_value(config, key, layer, 0, 1000) * width;
        if (shared > max_width) config.text.fail(key, "the shared experts are wider than 1000000 together");
        return static_cast<int>(shared);
    }
    return config.is({"llama4*"}) ? width : 0;
}

RouterBias router_bias(const HfConfig& config) {
    if (config.is({"gpt_oss"})) return RouterBias::linear;
    for (const std::string_view key :
         {"use_routing_bias", "moe_router_enable_expert_bias", "use_moe_router_bias"}) {
        if (config.text.has(key)) return config.flag(key, false) ? RouterBias::correction : RouterBias::none;
    }
    if (config.text.text_or("topk_method", "") == "noaux_tc") return RouterBias::correction;
    const bool by_family = config.is({"deepseek_v3", "deepseek_v32", "deepseek_v4", "kimi*", "glm4_moe",
                                      "glm_moe_dsa", "dots1", "nemotron_h", "mimo_v2_flash", "step3p5",
                                      "minimax_m2", "minimax_m3*", "ernie4_5_moe", "bailing_moe_v2"});
    return by_family ? RouterBias::correction : RouterBias::none;
}

/// relu2 is applied without a gate: two matrices.
int matrices(const HfConfig& config) {
    const std::string act = config.text.text_or("mlp_hidden_act", config.text.text_or("hidden_act", ""));
    return act == "relu2" ? 2 : 3;
}

void set_groups(const HfConfig& config, MoeFfn& f) {
    f.expert_groups = config.integer_or({"n_group", "num_expert_group"}, 1, 1, max_experts);
    f.groups_used =
        f.expert_groups == 1 ? 1 : config.integer_or({"topk_group"}, f.expert_groups, 1, max_experts);
}

/// Gemma 4 runs its dense FFN beside the experts of the same layer.
bool has_parallel_dense(const HfConfig& config) { return config.flag("enable_moe_block", false); }

}   // namespace

bool has_experts(const HfConfig& config) { return expert_count(config) > 0; }

MoeFfn moe_ffn(const HfConfig& config, int layer) {
    MoeFfn f;
    f.experts = expert_count(config);
    f.top_k = top_k(config, layer);
    f.width = expert_width(config, layer);
    f.matrices = matrices(config);
    f.shared_width = shared_width(config, layer, f.width);
    f.shared_gate = f.shared_width > 0 && config.text.has("shared_expert_intermediate_size");
    f.router_bias = router_bias(config);
    f.expert_bias = config.is({"gpt_oss"});
    f.latent_width = config.integer_or({"moe_latent_size", "routed_expert_hidden_size"}, 0, 0, max_width);
    f.latent_norm = f.latent_width > 0 && config.flag("latent_moe_use_norm", false);
    if (has_parallel_dense(config)) f.dense_width = config.integer({"intermediate_size"}, 1, max_width);
    f.router_scales = config.is({"gemma4*"});
    f.fused_gate_up = config.is({"gpt_oss", "llama4*", "gemma4*"});
    set_groups(config, f);
    if (const std::string problem = problem_of(Ffn{f}); !problem.empty()) {
        config.text.fail(expert_keys[0], problem);
    }
    return f;
}

DenseFfn dense_ffn(const HfConfig& config) {
    DenseFfn f;
    f.width = config.integer({"dense_intermediate_size", "intermediate_size_mlp", "intermediate_size"}, 1,
                             max_width);
    f.matrices = matrices(config);
    return f;
}

FfnLayers ffn_layers(const HfConfig& config) {
    const std::vector<bool> moe = moe_layers(config);
    const int norms = norms_per_part(config) + (has_parallel_dense(config) ? 3 : 0);
    // The first layers of DeepSeek-V4 look their experts up in a table of token ids: no bias to correct.
    const int hashed = config.integer_or({"num_hash_layers"}, 0, 0, max_layers);
    const bool lists = has_lists(config);
    std::optional<MoeFfn> experts;   // read once where all layers share it
    std::optional<DenseFfn> dense;
    FfnLayers layers;
    for (int i = 0; i < config.layers; ++i) {
        if (!moe[static_cast<std::size_t>(i)]) {
            if (!dense) dense = dense_ffn(config);
            layers.push_back({*dense, norms});
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
