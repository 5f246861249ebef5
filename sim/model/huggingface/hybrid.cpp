// SPDX-License-Identifier: Apache-2.0
// Models described block by block: nemotron_h (each block is a mixer or a feed-forward, with one norm) and
// nemotron-nas (every layer has its own heads and width, or lacks a half).
#include <cmath>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

/// Counts one more layer of a kind.
template <class Group, class Kind>
void add(std::vector<Group>& groups, const Kind& kind) {
    for (Group& group : groups) {
        if (group.kind != kind) continue;
        ++group.count;
        return;
    }
    groups.push_back(Group{kind, 1, 1});
}

void import_pattern(const HfConfig& config, std::string_view pattern, Architecture& a) {
    std::optional<Mixer> mamba;
    std::optional<Mixer> attention;
    std::optional<Ffn> moe;
    std::optional<Ffn> dense;
    for (const char block : pattern) {
        if (block == 'M') {
            if (!mamba) mamba = recurrent_mixer(config);
            add(a.mixers, *mamba);
        } else if (block == '*') {
            if (!attention) attention = grouped_attention(config, LayerKind::full);
            add(a.mixers, *attention);
        } else if (block == 'E') {
            if (!moe) moe = moe_ffn(config, 0);
            add(a.ffns, *moe);
        } else {
            if (!dense) dense = dense_ffn(config);
            add(a.ffns, *dense);
        }
    }
}

/// Half-layers that are left out, or replaced by one linear map, which is not described here.
bool is_no_op(const Reader& half) {
    if (half.flag_or("replace_with_linear", false)) half.fail("replace_with_linear", "not supported");
    return half.flag_or("no_op", false);
}

/// Width of a feed-forward given as a multiple: int(2 m h / 3) rounded up to a multiple of 256.
int width_of_multiple(double multiple, int hidden) {
    const double width = std::floor(2 * multiple * hidden / 3);
    return static_cast<int>(std::ceil(width / 256) * 256);
}

void import_block_configs(const HfConfig& config, Architecture& a) {
    const std::vector<Reader> blocks = config.text.tables("block_configs");
    if (blocks.size() != static_cast<std::size_t>(config.layers)) {
        config.text.fail("block_configs", "expected one entry per layer (num_hidden_layers)");
    }
    const int heads = config.integer("num_attention_heads", 1, max_heads);
    constexpr std::size_t max_kinds = 128;
    for (const Reader& block : blocks) {
        const Reader attention = block.table("attention");
        if (!is_no_op(attention)) {
            GroupedAttention grouped = grouped_attention(config, LayerKind::full);
            const int group = static_cast<int>(attention.integer("n_heads_in_group", 1, heads));
            if (heads % group != 0)
                attention.fail("n_heads_in_group", "num_attention_heads is no multiple of it");
            grouped.kv_heads = heads / group;
            add(a.mixers, Mixer{grouped});
        }
        const Reader ffn = block.table("ffn");
        if (!is_no_op(ffn)) {
            const int width = width_of_multiple(ffn.number("ffn_mult", Range{1e-3, 100}), config.hidden);
            if (width < 1 || width > max_width) ffn.fail("ffn_mult", "gives a width outside 1..1000000");
            add(a.ffns, Ffn{DenseFfn{width, 3}});
        }
        if (a.mixers.size() + a.ffns.size() > max_kinds)
            config.text.fail("block_configs", "more than 128 kinds");
    }
}

/// LongCat: each layer is two of attention and dense feed-forward, with one set of experts across both (shortcut).
void import_shortcut(const HfConfig& config, Architecture& a) {
    a.layers = 2 * config.layers;
    a.mixers.push_back({latent_attention(config), a.layers, 1});
    a.ffns.push_back({dense_ffn(config), a.layers, 1});
    a.ffns.push_back({moe_ffn(config, 0), config.layers, 0, true});
    config.note("two attention blocks per layer of the publisher: counted as two layers");
}

}   // namespace

bool is_block_model(const HfConfig& config) {
    if (config.text.has("zero_expert_num")) return true;
    return config.first({"block_configs", "hybrid_override_pattern", "layers_block_type"}).has_value();
}

void import_blocks(const HfConfig& config, Architecture& a) {
    if (config.text.has("zero_expert_num")) return import_shortcut(config, a);
    if (config.text.has("block_configs")) return import_block_configs(config, a);
    const std::string pattern = block_pattern(config, "hybrid_override_pattern", "layers_block_type");
    if (pattern.size() != static_cast<std::size_t>(config.layers)) {
        const std::string_view key = *config.first({"hybrid_override_pattern", "layers_block_type"});
        config.text.fail(key, "expected one block per layer (num_hidden_layers)");
    }
    import_pattern(config, pattern, a);
}

}   // namespace moecost
