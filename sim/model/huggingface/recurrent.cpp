// SPDX-License-Identifier: Apache-2.0
// Mixers with a constant state, told apart by the keys that give their sizes.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

DeltaNet delta_net(const HfConfig& config) {
    DeltaNet a;
    a.key_heads = config.integer("linear_num_key_heads", 1, max_heads);
    a.value_heads = config.integer("linear_num_value_heads", 1, max_heads);
    a.key_dim = config.integer("linear_key_head_dim", 1, max_width);
    a.value_dim = config.integer("linear_value_head_dim", 1, max_width);
    a.conv_kernel = config.integer("linear_conv_kernel_dim", 1, 1000);
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

/// KDA of Ling 3: as many heads as attention has, no low-rank bottlenecks (no_kda_lora).
KimiDelta bailing_delta(const HfConfig& config) {
    KimiDelta a;
    a.heads = config.integer("num_attention_heads", 1, max_heads);
    a.head_dim = config.integer("head_dim", 1, max_width);
    a.conv_kernel = config.integer("short_conv_kernel_size", 1, 1000);
    a.full_rank_gate = a.full_rank_decay = config.flag("no_kda_lora", false);
    return a;
}

/// Expanded width of Mamba-1: Jamba says how often hidden_size, Falcon-Mamba the width itself.
int mamba_inner(const HfConfig& config) {
    if (!config.text.has("mamba_expand")) return config.integer("intermediate_size", 1, max_width);
    const long long inner = 1LL * config.integer("mamba_expand", 1, 100) * config.hidden;
    if (inner > max_width) config.text.fail("mamba_expand", "mamba_expand x hidden_size exceeds 1000000");
    return static_cast<int>(inner);
}

Mamba1 mamba1(const HfConfig& config) {
    Mamba1 a;
    a.inner = mamba_inner(config);
    a.state = config.integer("ssm_state_size", 1, max_width);
    a.dt_rank = config.integer("time_step_rank", 1, max_width);
    a.conv_kernel = config.integer("conv_kernel", 1, 1000);
    a.conv_bias = config.flag("use_conv_bias", true);
    a.inner_norms = config.is({"jamba"});
    if (config.flag("use_bias", false) || config.flag("mamba_proj_bias", false))
        config.text.fail("use_bias", "biases of the projections of Mamba-1 are not known here");
    return a;
}

/// LFM2 writes its width in conv_dim, or works in hidden_size.
ShortConvolution short_convolution(const HfConfig& config) {
    ShortConvolution a;
    a.width = config.integer_or("conv_dim", config.hidden, 1, max_width);
    if (config.integer_or("conv_dim_out", a.width, 1, max_width) != a.width)
        config.text.fail("conv_dim_out", "expected the same as conv_dim");
    a.conv_kernel = config.integer("conv_L_cache", 1, 1000);
    a.bias = config.flag("conv_bias", false);
    return a;
}

LightningAttention lightning(const HfConfig& config) {
    LightningAttention a;
    a.heads = config.integer("num_attention_heads", 1, max_heads);
    a.head_dim = config.integer("head_dim", 1, max_width);
    a.qk_norm = config.flag("use_qk_norm", false);
    if (config.integer_or("group_norm_size", 1, 1, max_heads) > a.heads)
        config.text.fail("group_norm_size", "exceeds the heads");
    return a;
}

}   // namespace

Mamba2 mamba2(const HfConfig& config) {
    Mamba2 a;
    a.heads = config.integer("mamba_num_heads", 1, max_heads);
    a.head_dim = config.integer("mamba_head_dim", 1, max_width);
    a.groups = config.integer("n_groups", 1, max_heads);
    a.state = config.integer("ssm_state_size", 1, max_width);
    a.conv_kernel = config.integer("conv_kernel", 1, 1000);
    a.conv_bias = config.flag("use_conv_bias", false);
    a.norm = config.flag("mamba_rms_norm", true);
    a.proj_bias = config.flag("mamba_proj_bias", false);
    return a;
}

bool has_recurrent_layers(const HfConfig& config) {
    return config.text.has("linear_attn_config") || config.text.has("layer_group_size");
}

Mixer recurrent_mixer(const HfConfig& config) {
    if (config.text.has("linear_attn_config")) return kimi_delta(config);
    if (config.text.has("linear_num_value_heads")) return delta_net(config);
    if (config.has("mamba_num_heads")) return mamba2(config);
    if (config.has("ssm_state_size")) return mamba1(config);
    if (config.text.has("conv_L_cache")) return short_convolution(config);
    if (config.text.has("short_conv_kernel_size")) return bailing_delta(config);
    if (config.text.has("attn_type_list") || config.text.has("layer_group_size")) return lightning(config);
    config.text.fail("linear_num_value_heads", "missing: the model has linear layers, but no sizes of them");
}

}   // namespace moecost
