// SPDX-License-Identifier: Apache-2.0
// Latent attention (MLA) with and without an indexer, and the compressed attention of DeepSeek-V4.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

std::optional<SparseIndexer> token_indexer(const HfConfig& config) {
    if (!config.has("index_topk")) return std::nullopt;
    SparseIndexer indexer;
    indexer.heads = config.integer("index_n_heads", 1, max_heads);
    indexer.head_dim = config.integer("index_head_dim", 1, max_width);
    indexer.selected = config.integer("index_topk", 1, max_tokens);
    return indexer;
}

void set_gate(const HfConfig& config, LatentAttention& a) {
    a.output_gate = config.flag("mla_use_output_gate", false);
    const std::string granularity = config.text_or("gated_attention_proj_granularity_type", "");
    if (granularity.empty()) return;
    if (granularity != "head_wise")
        config.text.fail("gated_attention_proj_granularity_type", "expected 'head_wise'");
    a.head_gate = true;
}

}   // namespace

bool is_latent(const HfConfig& config) {
    return config.flag("use_mla", true) && config.integer_or("kv_lora_rank", 0, 0, max_width) > 0;
}

LatentAttention latent_attention(const HfConfig& config) {
    LatentAttention a;
    a.heads = config.integer("num_attention_heads", 1, max_heads);
    a.q_rank = config.integer_or("q_lora_rank", 0, 0, max_width);
    a.kv_rank = config.integer("kv_lora_rank", 1, max_width);
    a.rope_dim = config.integer("qk_rope_head_dim", 0, max_width);
    a.nope_dim = config.integer("qk_nope_head_dim", 1, max_width);
    a.v_dim = config.positive_or("v_head_dim", config.hidden / a.heads, max_width);
    set_gate(config, a);
    a.indexer = token_indexer(config);
    if (config.flag("attention_bias", false)) config.note("biases of the latent projections not counted");
    if (const std::string problem = problem_of(Mixer{a}); !problem.empty())
        config.text.fail("kv_lora_rank", problem);
    return a;
}

MixerLayers latent_layers(const HfConfig& config) {
    const Mixer full = latent_attention(config);
    MixerLayers layers(static_cast<std::size_t>(config.layers), LayerPart<Mixer>{full, 1});
    if (has_recurrent_layers(config)) {
        const std::vector<LayerKind> kinds = layer_kinds(config);
        const Mixer linear = recurrent_mixer(config);
        for (std::size_t i = 0; i < layers.size(); ++i) {
            if (kinds[i] == LayerKind::linear) layers[i].kind = linear;
        }
    }
    if (!config.text.has("indexer_types")) return layers;
    const std::vector<std::string> types = config.texts_per_layer("indexer_types");
    for (std::size_t i = 0; i < layers.size(); ++i) {
        auto* latent = std::get_if<LatentAttention>(&*layers[i].kind);
        if (latent != nullptr && latent->indexer) latent->indexer->owns_weights = types[i] != "shared";
    }
    return layers;
}

CompressedAttention compressed_attention(const HfConfig& config, int ratio) {
    CompressedAttention a;
    a.heads = config.integer("num_attention_heads", 1, max_heads);
    a.head_dim = config.integer("head_dim", 1, max_width);
    a.q_rank = config.integer("q_lora_rank", 1, max_width);
    a.out_groups = config.integer("o_groups", 1, max_heads);
    a.out_rank = config.integer("o_lora_rank", 1, max_width);
    a.window = config.integer("sliding_window", 1, max_tokens);
    a.ratio = ratio;
    if (ratio == 4)
        a.indexer = token_indexer(config);   // finely compressed entries are selected, coarse ones all read
    if (const std::string problem = problem_of(Mixer{a}); !problem.empty())
        config.text.fail("compress_ratios", problem);
    return a;
}

MixerLayers compressed_layers(const HfConfig& config) {
    MixerLayers layers;
    for (const int ratio : config.per_layer("compress_ratios", 0, max_width)) {
        layers.push_back({compressed_attention(config, ratio), 1});
    }
    return layers;
}

}   // namespace moecost
