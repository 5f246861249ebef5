// SPDX-License-Identifier: Apache-2.0
// Multi-token-prediction modules: one or more extra layers with the join of hidden state and embedding.
#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

/// The layer a module repeats: the last mixer and feed-forward kinds of the model, with weights of its own.
MtpModules repeating_last(const HfConfig& config, int count, int layers) {
    MtpModules mtp;
    mtp.count = count;
    const int last = config.layers - 1;
    const bool moe = moe_layers(config).back() && !config.family->mtp_dense;
    mtp.ffns.push_back(
        {moe ? Ffn{moe_ffn(config, last)} : Ffn{dense_ffn(config)}, layers, ffn_norms(config)});
    return mtp;
}

/// DeepSeek and GLM: module of one decoder layer, eh_proj and the norms enorm, hnorm, shared_head.norm.
MtpModules nextn_modules(const HfConfig& config, int count) {
    MtpModules mtp = repeating_last(config, count, 1);
    if (config.text.has("compress_ratios")) {   // DeepSeek-V4: window only, separate projections
        mtp.mixers.push_back({compressed_attention(config, 0), 1, 1});
        mtp.projections = 2;
    } else if (is_latent(config)) {
        mtp.mixers.push_back({latent_attention(config), 1, 1});
    } else {
        mtp.mixers.push_back({grouped_attention(config, LayerKind::full), 1, mixer_norms(config)});
    }
    return mtp;
}

/// Step-3.5: dense windowed layers, each with an output head of its own.
MtpModules step_modules(const HfConfig& config, int count) {
    MtpModules mtp;
    mtp.count = count;
    mtp.mixers.push_back({grouped_attention(config, LayerKind::window), 1, 1});
    mtp.ffns.push_back({dense_ffn(config), 1, 1});
    mtp.own_head = true;
    return mtp;
}

/// Qwen: full-attention layers behind one join.
MtpModules qwen_module(const HfConfig& config, int layers) {
    MtpModules mtp = repeating_last(config, 1, layers);
    mtp.mixers.push_back({grouped_attention(config, LayerKind::full), layers, 1});
    return mtp;
}

MtpModules pattern_modules(const HfConfig& config, std::string_view pattern) {
    MtpModules mtp;
    mtp.count = config.integer_or("num_nextn_predict_layers", 1, 0, 100);
    if (mtp.count == 0) return {};
    for (const char block : pattern) {
        if (block == 'M')
            mtp.mixers.push_back({recurrent_mixer(config), 1, 1});
        else if (block == '*')
            mtp.mixers.push_back({grouped_attention(config, LayerKind::full), 1, 1});
        else if (block == 'E')
            mtp.ffns.push_back({moe_ffn(config, 0), 1, 1});
        else
            mtp.ffns.push_back({dense_ffn(config), 1, 1});
    }
    return mtp;
}

}   // namespace

MtpModules mtp_modules(const HfConfig& config) {
    const std::string pattern = block_pattern(config, "mtp_hybrid_override_pattern", "mtp_layers_block_type");
    if (pattern.size() > 100) config.text.fail("mtp_hybrid_override_pattern", "more than 100 blocks");
    if (!pattern.empty()) return pattern_modules(config, pattern);
    if (config.family->mtp_keys_empty) {
        if (config.first({"num_mtp_modules", "num_nextn_predict_layers"})) {
            config.note("MTP keys without tensors in the release: no MTP modules counted");
        }
        static_cast<void>(config.first({"num_nextn_predict_layers"}));
        return {};
    }
    const int qwen = config.integer_or("mtp_num_hidden_layers", 0, 0, 100);
    if (qwen > 0) return qwen_module(config, qwen);
    const int nextn = config.integer_or("num_nextn_predict_layers", 0, 0, 100);
    if (nextn == 0 || is_block_model(config)) return {};
    return config.is({"step3p5", "step3p7"}) ? step_modules(config, nextn) : nextn_modules(config, nextn);
}

}   // namespace moecost
