// SPDX-License-Identifier: Apache-2.0
// Mixers with a constant state, told apart by the keys that give their sizes.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

DeltaNet delta_net(const HfConfig& config) {
    DeltaNet a;
    a.key_heads = config.integer({"linear_num_key_heads"}, 1, max_heads);
    a.value_heads = config.integer({"linear_num_value_heads"}, 1, max_heads);
    a.key_dim = config.integer({"linear_key_head_dim"}, 1, max_width);
    a.value_dim = config.integer({"linear_value_head_dim"}, 1, max_width);
    a.conv_kernel = config.integer({"linear_conv_kernel_dim"}, 1, 1000);
    return a;
}

KimiDelta kimi_delta(const HfConfig& config) {
    const Reader linear = config.text.table("linear_attn_config");
    KimiDelta a;
    a.heads = static_cast<int>(linear.integer("num_heads", 1, max_heads));
    a.head_dim = static_cast<int>(linear.integer("head_dim", 1, max_width));
    a.conv_kernel = static_cast<int>(linear.integer("short_conv_kernel_size", 1, 1000));
    a.full_rank_gate = linear.flag_or("use_full_rank_gate", false);
    return a;
}

/// The second name of each key is the one of Bamba and Granite hybrids.
Mamba2 mamba2(const HfConfig& config) {
    Mamba2 a;
    a.heads = config.integer({"mamba_num_heads", "mamba_n_heads"}, 1, max_heads);
    a.head_dim = config.integer({"mamba_head_dim", "mamba_d_head"}, 1, max_width);
    a.groups = config.integer({"n_groups", "mamba_n_groups"}, 1, max_heads);
    a.state = config.integer({"ssm_state_size", "mamba_d_state"}, 1, max_width);
    a.conv_kernel = config.integer({"conv_kernel", "mamba_d_conv"}, 1, 1000);
    a.conv_bias = config.flag("use_conv_bias", config.flag("mamba_conv_bias", false));
    return a;
}

Mamba1 mamba1(const HfConfig& config) {
    Mamba1 a;
    const long long inner = 1LL * config.integer({"mamba_expand"}, 1, 100) * config.hidden;
    if (inner > max_width) config.text.fail("mamba_expand", "mamba_expand x hidden_size exceeds 1000000");
    a.inner = static_cast<int>(inner);
    a.state = config.integer({"mamba_d_state"}, 1, max_width);
    a.dt_rank = config.integer({"mamba_dt_rank"}, 1, max_width);
    a.conv_kernel = config.integer({"mamba_d_conv"}, 1, 1000);
    a.conv_bias = config.flag("mamba_conv_bias", true);
    return a;
}

LightningAttention lightning(const HfConfig& config) {
    LightningAttention a;
    a.heads = config.integer({"num_attention_heads"}, 1, max_heads);
    a.head_dim = config.integer({"head_dim"}, 1, max_width);
    return a;
}

}   // namespace

bool has_recurrent_layers(const HfConfig& config) { return config.text.has("linear_attn_config"); }

Mixer recurrent_mixer(const HfConfig& config) {
    if (config.text.has("linear_attn_config")) return kimi_delta(config);
    if (config.text.has("linear_num_value_heads")) return delta_net(config);
    if (config.first({"mamba_num_heads", "mamba_n_heads"})) return mamba2(config);
    if (config.text.has("mamba_d_state")) return mamba1(config);
    if (config.text.has("attn_type_list")) return lightning(config);
    config.text.fail("linear_num_value_heads", "missing: the model has linear layers, but no sizes of them");
}

}   // namespace moecost
