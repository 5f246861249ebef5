// SPDX-License-Identifier: Apache-2.0
// The attention of each layer: heads, windows, biases, norms and gates of grouped attention by keys, by
// family only where no key says it.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

/// dbrx keeps its key/value heads in a table of its own; Falcon and GPT-BigCode say multi_query.
int kv_heads(const HfConfig& config, int query_heads) {
    if (config.text.has("attn_config")) {
        const Reader inner = config.text.table("attn_config");
        if (inner.has("kv_n_heads")) return static_cast<int>(inner.integer("kv_n_heads", 1, max_heads));
    }
    // Falcon's new architecture has num_kv_heads of them whatever multi_query says.
    const bool many = config.flag("new_decoder_architecture", false);
    if (!many && config.flag("multi_query", false)) return 1;
    if (config.text.has("multi_query_group_num") && !config.flag("multi_query_attention", true))
        return query_heads;
    return config.integer_or("num_key_value_heads", query_heads, 1, max_heads);
}

QkNorm qk_norm(const HfConfig& config) {
    const QkNorm by_family = config.family->qk_norm;
    if (by_family == QkNorm::full_width) return by_family;
    if (config.is({"llama4*"})) {   // its norm has no weights
        static_cast<void>(config.text.has("use_qk_norm"));
        return QkNorm::none;
    }
    for (const std::string_view key : {"use_qk_norm", "qk_norm", "qk_layernorm"}) {
        if (!config.text.has(key)) continue;
        if (!config.flag(key, false)) return QkNorm::none;
        const std::string type = config.text_or("qk_norm_type", "per_head");
        return type == "per_layer" ? QkNorm::full_width : QkNorm::per_head;
    }
    return by_family;
}

void set_biases(const HfConfig& config, GroupedAttention& a) {
    const AttentionBias by_class = config.family->attention_bias;
    const auto key =
        config.first({"attention_bias", "qkv_bias", "use_qkv_bias", "add_qkv_bias", "use_bias", "bias"});
    const bool always = by_class == AttentionBias::qkv || by_class == AttentionBias::all;
    a.qkv_bias = key ? config.flag(*key, false) || (always && *key == "bias") : always;
    // attention_bias covers the output projection too, but not in every family.
    const bool whole = key == "attention_bias" || key == "use_bias" || key == "bias";
    a.out_bias = a.qkv_bias && (key ? whole && by_class != AttentionBias::by_key_without_out &&
                                          by_class != AttentionBias::qkv
                                    : by_class == AttentionBias::all);
    a.out_bias = config.flag("attention_out_bias", a.out_bias);
}

OutputGate output_gate(const HfConfig& config) {
    if (config.flag("use_head_wise_attn_gate", false)) return OutputGate::per_head;
    const std::string gating = config.text_or("gating", "");
    static_cast<void>(config.text.has("gating"));
    if (gating == "per-head") return OutputGate::per_head;
    if (!gating.empty()) config.text.fail("gating", "expected 'per-head'");
    if (config.flag("attn_output_gate", config.family->gate == OutputGate::elementwise))
        return OutputGate::elementwise;
    return config.flag("attention_output_gate", false) ? OutputGate::elementwise : OutputGate::none;
}

/// Windowed layers of MiMo-V2 have sizes of their own under swa_ keys, those of Step-3.5 in a table.
void set_window_sizes(const HfConfig& config, GroupedAttention& a) {
    a.query_heads = config.integer_or("swa_num_attention_heads", a.query_heads, 1, max_heads);
    a.kv_heads = config.integer_or("swa_num_key_value_heads", a.kv_heads, 1, max_heads);
    a.qk_dim = config.integer_or("swa_head_dim", a.qk_dim, 1, max_width);
    a.v_dim = config.integer_or("swa_v_head_dim", a.v_dim, 1, max_width);
    if (!config.text.has("attention_other_setting")) return;
    const Reader other = config.text.table("attention_other_setting");
    a.query_heads = static_cast<int>(other.integer_or("num_attention_heads", a.query_heads, 1, max_heads));
    a.kv_heads = static_cast<int>(other.integer_or("num_attention_groups", a.kv_heads, 1, max_heads));
    a.qk_dim = a.v_dim = static_cast<int>(other.integer_or("head_dim", a.qk_dim, 1, max_width));
}

/// Full layers of Gemma 4 have wider, fewer heads and may take values from the keys.
void set_global_sizes(const HfConfig& config, GroupedAttention& a) {
    if (!config.text.has("global_head_dim")) return;
    a.qk_dim = a.v_dim = config.integer("global_head_dim", 1, max_width);
    a.kv_heads = config.integer_or("num_global_key_value_heads", a.kv_heads, 1, max_heads);
    a.value_from_key = config.flag("attention_k_eq_v", false);
}

int head_dim(const HfConfig& config, int query_heads) {
    if (const int stated = config.positive_or("head_dim", 0, max_width); stated > 0) return stated;
    if (config.hidden % query_heads != 0) {
        config.text.fail("head_dim", "missing, and hidden_size is no multiple of num_attention_heads");
    }
    return config.hidden / query_heads;
}

bool has_sinks(const HfConfig& config, LayerKind kind) {
    if (config.family->sinks) return true;
    return config.flag(
        kind == LayerKind::window ? "add_swa_attention_sink_bias" : "add_full_attention_sink_bias", false);
}

void check_heads(const HfConfig& config, const GroupedAttention& a) {
    if (const std::string problem = problem_of(Mixer{a}); !problem.empty()) {
        config.text.fail("num_attention_heads", problem);
    }
}

/// Block-sparse selection of MiniMax-M3, per layer; that of Qwen3.8 in keys of its own.
std::optional<SparseIndexer> block_indexer(const HfConfig& config) {
    if (config.text.has("indexer_budget")) {
        SparseIndexer indexer;
        indexer.heads = config.integer("index_n_heads", 1, max_heads);
        indexer.head_dim = config.integer("index_head_dim", 1, max_width);
        indexer.selected = config.integer("index_topk", 1, max_tokens);
        indexer.ratio = config.integer_or("indexer_compress_ratio", 1, 1, max_width);
        if (config.integer_or("indexer_kv_heads", 1, 1, max_heads) != 1)
            config.text.fail("indexer_kv_heads", "expected 1: one index key for all heads");
        return indexer;
    }
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
    if (!config.text.has("sparse_attention_config")) return all;
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
    const int factor = config.flag("use_cla", false) ? config.integer("cla_share_factor", 1, max_layers) : 1;
    const int last = config.integer_or("num_kv_shared_layers", 0, 0, max_layers);
    for (int i = 0; i < config.layers; ++i) {
        auto* grouped = std::get_if<GroupedAttention>(&*layers[static_cast<std::size_t>(i)].kind);
        if (grouped != nullptr) grouped->reuses_kv = i % factor != 0 || i >= config.layers - last;
    }
}

}   // namespace

GroupedAttention grouped_attention(const HfConfig& config, LayerKind kind) {
    GroupedAttention a;
    a.query_heads = config.integer("num_attention_heads", 1, max_heads);
    a.kv_heads = kv_heads(config, a.query_heads);
    a.qk_dim = head_dim(config, a.query_heads);
    a.v_dim = config.positive_or("v_head_dim", a.qk_dim, max_width);
    a.q_rank = config.integer_or("share_q_dim", 0, 0, max_width);
    if (kind == LayerKind::window) {
        set_window_sizes(config, a);
        a.chunked = !config.has("sliding_window") && config.text.has("attention_chunk_size");
        a.window = config.integer(a.chunked ? "attention_chunk_size" : "sliding_window", 1, max_tokens);
    } else if (kind == LayerKind::cross) {
        a.attends_image = true;
        a.qk_norm = QkNorm::per_head;
    } else {
        set_global_sizes(config, a);
    }
    if (!a.attends_image) a.qk_norm = qk_norm(config);
    a.gate = output_gate(config);
    a.sinks = has_sinks(config, kind);
    set_biases(config, a);
    check_heads(config, a);
    return a;
}

MixerLayers mixer_layers(const HfConfig& config) {
    if (config.text.has("compress_ratios")) return compressed_layers(config);
    if (is_latent(config)) return latent_layers(config);
    const std::vector<LayerKind> kinds = layer_kinds(config);
    const std::vector<int> heads = config.text.has("num_attention_heads_per_layer")
                                       ? config.per_layer("num_attention_heads_per_layer", 1, max_heads)
                                       : std::vector<int>{};
    std::optional<Mixer> by_kind[4];   // each kind is read once
    MixerLayers layers;
    for (const LayerKind kind : kinds) {
        std::optional<Mixer>& mixer = by_kind[static_cast<std::size_t>(kind)];
        if (!mixer)
            mixer =
                kind == LayerKind::linear ? recurrent_mixer(config) : Mixer{grouped_attention(config, kind)};
        Mixer own = *mixer;
        if (auto* grouped = std::get_if<GroupedAttention>(&own); grouped != nullptr && !heads.empty()) {
            grouped->query_heads = heads[layers.size()];
            check_heads(config, *grouped);
        }
        layers.push_back({own, mixer_norms(config)});
    }
    share_kv(config, layers);
    select_blocks(config, layers);
    return layers;
}

}   // namespace moecost
