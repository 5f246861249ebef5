// SPDX-License-Identifier: Apache-2.0
// The attention of each layer: heads, windows, biases, norms and gates of grouped attention by keys, by
// family only where no key says it.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

constexpr std::string_view kv_head_keys[] = {"num_key_value_heads", "num_attention_groups"};

/// dbrx keeps its key/value heads in a table of its own.
int kv_heads(const HfConfig& config, int query_heads) {
    if (config.text.has("attn_config")) {
        const Reader inner = config.text.table("attn_config");
        if (inner.has("kv_n_heads")) return static_cast<int>(inner.integer("kv_n_heads", 1, max_heads));
    }
    return config.integer_or({kv_head_keys[0], kv_head_keys[1]}, query_heads, 1, max_heads);
}

QkNorm qk_norm(const HfConfig& config) {
    if (config.is({"olmoe", "olmo2", "olmo3"})) return QkNorm::full_width;
    if (config.is({"llama4*"})) return QkNorm::none;   // its norm has no weights
    if (config.text.has("use_qk_norm")) {
        if (!config.flag("use_qk_norm", false)) return QkNorm::none;
        return config.text.text_or("qk_norm_type", "per_head") == "per_layer" ? QkNorm::full_width
                                                                              : QkNorm::per_head;
    }
    return config.is({"qwen3*", "step3p5", "dots1", "gemma3*", "gemma4*"}) ? QkNorm::per_head : QkNorm::none;
}

void set_biases(const HfConfig& config, GroupedAttention& a) {
    const bool by_family = config.is({"qwen2", "qwen2_moe"});
    const auto key = config.first({"attention_bias", "qkv_bias", "use_qkv_bias"});
    a.qkv_bias = key ? config.flag(*key, false) : by_family;
    // attention_bias covers the output projection too, but not in these families.
    a.out_bias = key == "attention_bias" && a.qkv_bias && !config.is({"glm4_moe", "mimo", "qwen*"});
}

OutputGate output_gate(const HfConfig& config) {
    if (config.flag("use_head_wise_attn_gate", false)) return OutputGate::per_head;
    if (config.flag("attn_output_gate", config.is({"qwen3_next"}))) return OutputGate::elementwise;
    return config.flag("attention_output_gate", false) ? OutputGate::elementwise : OutputGate::none;
}

/// Windowed layers of MiMo-V2 have sizes of their own under swa_ keys, those of Step-3.5 in a table.
void set_window_sizes(const HfConfig& config, GroupedAttention& a) {
    a.query_heads = config.integer_or({"swa_num_attention_heads"}, a.query_heads, 1, max_heads);
    a.kv_heads = config.integer_or({"swa_num_key_value_heads"}, a.kv_heads, 1, max_heads);
    a.qk_dim = config.integer_or({"swa_head_dim"}, a.qk_dim, 1, max_width);
    a.v_dim = config.integer_or({"swa_v_head_dim"}, a.v_dim, 1, max_width);
    if (!config.text.has("attention_other_setting")) return;
    const Reader other = config.text.table("attention_other_setting");
    a.query_heads = static_cast<int>(other.integer_or("num_attention_heads", a.query_heads, 1, max_heads));
    a.kv_heads = static_cast<int>(other.integer_or("num_attention_groups", a.kv_heads, 1, max_heads));
    a.qk_dim = a.v_dim = static_cast<int>(other.integer_or("head_dim", a.qk_dim, 1, max_width));
}

/// Full layers of Gemma 4 have wider, fewer heads and may take values from the keys.
void set_global_sizes(const HfConfig& config, GroupedAttention& a) {
    if (!config.text.has("global_head_dim")) return;
    a.qk_dim = a.v_dim = config.integer({"global_head_dim"}, 1, max_width);
    a.kv_heads = config.integer_or({"num_global_key_value_heads"}, a.kv_heads, 1, max_heads);
    a.value_from_key = config.flag("attention_k_eq_v", false);
}

int head_dim(const HfConfig& config, int query_heads) {
    if (const auto key = config.first({"head_dim", "attention_head_dim"}))
        return config.integer({*key}, 1, max_width);
    if (config.hidden % query_heads != 0) {
        config.text.fail("head_dim", "missing, and hidden_size is no multiple of num_attention_heads");
    }
    return config.hidden / query_heads;
}

bool has_sinks(const HfConfig& config, LayerKind kind) {
    if (config.is({"gpt_oss"})) return true;
    return config.flag(
        kind == LayerKind::window ? "add_swa_attention_sink_bias" : "add_full_attention_sink_bias", false);
}

void check_heads(const HfConfig& config, const GroupedAttention& a) {
    if (const std::string problem = problem_of(Mixer{a}); !problem.empty()) {
        config.text.fail("num_attention_heads", problem);
    }
}

/// Block-sparse selection of MiniMax-M3, per layer.
std::optional<SparseIndexer> block_indexer(const HfConfig& config) {
    if (!config.text.has("sparse_attention_config")) return std::nullopt;
    const Reader sparse = config.text.table("sparse_attention_config");
    if (!sparse.flag_or("use_sparse_attention", true)) return std::nullopt;
    SparseIndexer indexer;
    indexer.heads = static_cast<int>(sparse.integer("sparse_num_index_heads", 1, max_heads));
    indexer.head_dim = static_cast<int>(sparse.integer("sparse_index_dim", 1, max_width));
    indexer.selected = static_cast<int>(sparse.integer("sparse_topk_blocks", 1, 10'000) *
                                        sparse.integer("sparse_block_size", 1, 10'000));
    return indexer;
}

std::vector<double> sparse_layers(const HfConfig& config) {
    std::vector<double> all(static_cast<std::size_t>(config.layers), 1);
    const Reader sparse = config.text.table("sparse_attention_config");
    if (!sparse.has("sparse_attention_freq")) return all;
    std::vector<double> frequency = sparse.numbers("sparse_attention_freq", Range{0, 1});
    if (frequency.size() < all.size())
        sparse.fail("sparse_attention_freq", "has fewer entries than the model layers");
    return frequency;
}

void select_blocks(const HfConfig& config, MixerLayers& layers) {
    const std::optional<SparseIndexer> indexer = block_indexer(config);
    if (!indexer) return;
    const std::vector<double> frequency = sparse_layers(config);
    for (std::size_t i = 0; i < layers.size(); ++i) {
        auto* grouped = std::get_if<GroupedAttention>(&*layers[i].kind);
        if (grouped != nullptr && frequency[i] > 0) grouped->indexer = indexer;
    }
}

/// Cross-layer sharing: every layer but the first of `cla_share_factor`, or the last `num_kv_shared_layers`.
void share_kv(const HfConfig& config, MixerLayers& layers) {
    const int factor =
        config.flag("use_cla", false) ? config.integer({"cla_share_factor"}, 1, max_layers) : 1;
    const int last = config.integer_or({"num_kv_shared_layers"}, 0, 0, max_layers);
    for (int i = 0; i < config.layers; ++i) {
        auto* grouped = std::get_if<GroupedAttention>(&*layers[static_cast<std::size_t>(i)].kind);
        if (grouped != nullptr) grouped->reuses_kv = i % factor != 0 || i >= config.layers - last;
    }
}

}   // namespace

GroupedAttention grouped_attention(const HfConfig& config, LayerKind kind) {
    GroupedAttention a;
    a.query_heads = config.integer({"num_attention_heads", "n_heads"}, 1, max_heads);
    a.kv_heads = kv_heads(config, a.query_heads);
    a.qk_dim = head_dim(config, a.query_heads);
    a.v_dim = config.integer_or({"v_head_dim"}, a.qk_dim, 1, max_width);
    if (kind == LayerKind::window) {
        set_window_sizes(config, a);
        a.chunked = !config.text.has("sliding_window");
        a.window = config.integer({"sliding_window", "attention_chunk_size"}, 1, max_tokens);
    } else {
        set_global_sizes(config, a);
    }
    a.qk_norm = qk_norm(config);
    a.gate = output_gate(config);
    a.sinks = has_sinks(config, kind);
    set_biases(config, a);
    check_heads(config, a);
    return a;
}

MixerLayers mixer_layers(const HfConfig& config) {
    if (config.text.has("compress_ratios")) return compressed_layers(config);
    if (config.text.has("kv_lora_rank")) return latent_layers(config);
    const std::vector<LayerKind> kinds = layer_kinds(config);
    std::optional<Mixer> by_kind[3];   // each kind is read once
    MixerLayers layers;
    for (const LayerKind kind : kinds) {
        std::optional<Mixer>& mixer = by_kind[static_cast<std::size_t>(kind)];
        if (!mixer)
            mixer =
                kind == LayerKind::linear ? recurrent_mixer(config) : Mixer{grouped_attention(config, kind)};
        layers.push_back({mixer, norms_per_part(config)});
    }
    share_kv(config, layers);
    select_blocks(config, layers);
    return layers;
}

}   // namespace moecost
