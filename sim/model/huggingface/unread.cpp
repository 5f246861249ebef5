// SPDX-License-Identifier: Apache-2.0
// Every key of a configuration is read, known bookkeeping, or named: silence would mean a model counted without one of
// its parts.
#include <algorithm>
#include <array>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

// Keys that state no tensor, by what they are about; names with a '*' at one end.
constexpr std::string_view bookkeeping =
    // wrappers, tokens, tooling
    "model_type architectures auto_map _name_or_path name_or_path transformers_version "
    "transformers.js_config torch_dtype dtype "
    "*_token_id *_token_ids *_token_index *_patch_id *_placeholder tokenizer_class tokenizer_name prefix "
    "suffix template ps_version "
    "id2label label2id task_specific_params summary_* return_dict* output_attentions output_hidden_states "
    "output_scores "
    "output_past is_decoder is_llama_config for_llm_compressor inference_runner validate_runner_input "
    "pad_key_length "
    "max_batch_size max_sequence_length verbose init_device cache_implementation _attn_implementation* "
    "attn_implementation "
    "use_cache quantization architecture enc_index layer_switch _commit_hash _remove_final_layer_norm "
    "finetuning_task "
    // training
    "*_dropout *_dropout_prob *_pdrop dropout initializer_range init_* *_init_scale *_init_std "
    "*_initializer_range *_loss_coef "
    "*_loss_weight *_loss_alpha aux_loss* router_jitter_noise input_jitter_noise seq_aux layerdrop "
    "*_xavier_init "
    "rescale_prenorm_residual residual_in_fp32 fp32_residual_connection pretraining_tp ep_size ep_group "
    "*_dropout_fusion "
    "bias_dropout_fusion gradient_checkpointing final_w_init_variance_scale expert_dropout "
    "enable_expert_tensor_parallelism "
    "moe_token_dropping moe_eval_capacity_factor moe_train_capacity_factor moe_capacity "
    "moe_multimodal_dispatch_use_allgather block_mlp_init_scale "
    "moe_shared_expert_overlap use_bfloat16 bf16 fp16 mup_* init_std "
    // generation
    "temperature top_k top_p typical_p repetition_penalty length_penalty num_beams num_beam_groups "
    "diversity_penalty "
    "num_return_sequences max_length min_length do_sample early_stopping no_repeat_ngram_size "
    "encoder_no_repeat_ngram_size "
    "num_logits_to_keep max_new_tokens "
    // numerics: scales, soft caps, clamps, precision
    "*_eps *_epsilon *_multiplier *_multiplier_scale *_scaling *_scale *_scaling_factor *_scale_factor "
    "*_softcapping *_soft_cap "
    "scale_* logit_scale logits_* softmax_* *_in_fp32 *_fp32_softmax swiglu_* activation_situ_* "
    "mup_denominator attn_scale "
    "attention_multiplier attention_value_scale clip_qkv qkv_clip attn_temperature_* floor_scale *_tuning "
    "query_pre_attn_scalar "
    "*_ssm_dtype *_cache_dtype moe_router_dtype expert_dtype time_step_* mamba_chunk_size chunk_size "
    "chunk_size_feed_forward "
    "mamba_hidden_act mamba_norm_before_gate embeddings_scale_by_sqrt_dim kda_lower_bound kda_safe_gate "
    "mla_scale_* norm_head "
    "apply_query_key_layer_scaling masked_softmax_fusion skip_bias_add skip_bias_add_qkv slow_but_exact "
    "hc_sinkhorn_iters "
    "hidden_act hidden_activation activation_function mlp_hidden_act moe_router_activation_func norm_type "
    "normalization_function "
    "layernorm_type do_layer_norm_before post_layer_norm rmsnorm postnorm rms_norm use_gemma_norm "
    "use_mamba_kernels "
    "use_grouped_mm use_flash_attn use_parallel_embedding mamba_use_mlp block_use_swiglu lm_head "
    "dim_model_base "
    // positions
    "rope_* *_rope *_rope_theta rotary* *_rotary_factor partial_rotary* attn_rotary_emb "
    "position_embedding_type alibi* *_alibi "
    "alibi_bias_max original_max_position_embeddings initial_context_length no_rope_layers "
    "no_rope_layer_interval layer_rope_theta "
    "use_dynamic_ntk use_logn_attn use_pos_enc offset_alibi indexer_rope_interleave mla_use_nope "
    "interpolate_factor "
    "full_attn_mod qk_rope_scale attention_method "
    // routing without weights
    "norm_topk_prob topk_group topk_method n_group num_expert_groups num_limited_groups norm_expert_weight "
    "scoring_func "
    "score_func* score_function* route_* moe_renormalize moe_gate use_grouped_topk zero_expert_type "
    "shared_moe_mode "
    "moe_router_* use_routing_bias output_router_logits mlp_type moe_layers index_topk_freq "
    "index_skip_topk_offset "
    "index_share_for_mtp_iteration order_of_interleaved_layers parallel_attn_mlp_res sparse_local_block "
    "sparse_score_type "
    "sparse_disable_index_value sparse_init_block attention_projection_layout attn_impl attn_type "
    "attn_uses_sequence_id prefix_lm "
    // parallel blocks and gates whose tensors a family or another key states
    "use_parallel_block use_parallel_residual apply_residual_connection_post_layernorm output_gate_type "
    "global_attn_every_n* "
    "use_bidirectional_attention attention_type full_attn_layers embedding_fraction "
    // sizes of the text model that another key states too, or that have no part in this kind of model
    "hidden_size vocab_size padded_vocab_size num_layers num_heads n_ctx seq_length max_position_embedding "
    "model_max_length "
    "max_position_embeddings block_dim expand mamba_expand mamba_d_* mamba_n_* qk_head_dim q_head_dim "
    "qk_rope_head_dim head_dim "
    "attention_head_dim num_key_value_heads multi_query intermediate_size intermediate_size_mlp "
    "expert_hidden_dim "
    "shared_intermediate_size n_shared_experts num_shared_experts first_k_dense_replace "
    "first_last_k_dense_replace "
    "num_dense_layers moe_layer_freq mlp_only_layers experts_per_token sliding_window_size "
    "sliding_window_pattern "
    "sliding_window max_window_layers use_sliding_window attention_chunk_size full_attention_interval "
    "use_qk_norm no_bias "
    "tie_word_embeddings cla_share_factor time_step_rank mamba_conv_bias use_mtp mtp_transformer_layers "
    "mtp_use_dedicated_embeddings "
    "index_head_dim index_n_heads index_topk swa_* kv_channels "
    // images and sound at the top level
    "image_* video_* vision_* audio_* mm_* downsample_ratio dynamic_image_size force_image_size "
    "max_dynamic_patch "
    "min_dynamic_patch use_thumbnail select_layer pixel_hidden_size spatial_* temporal_* projector_* "
    "use_unified_vision_chunk "
    "understand_projector_stride candidate_resolutions global_view_pos tile_tag use_backbone_lora "
    "use_llm_lora "
    "enable_audio_output talker_config code2wav_config multimodal_* img_* freeze_* ";

bool matches(std::string_view pattern, std::string_view key) {
    if (pattern.starts_with('*')) return key.ends_with(pattern.substr(1));
    if (pattern.ends_with('*')) return key.starts_with(pattern.substr(0, pattern.size() - 1));
    return key == pattern;
}

bool is_bookkeeping(std::string_view key) {
    for (std::string_view rest = bookkeeping; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        if (matches(rest.substr(0, end), key)) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

bool is_among(std::string_view key, auto& patterns) {
    return std::any_of(std::begin(patterns), std::end(patterns),
                       [key](std::string_view p) { return matches(p, key); });
}

/// Values that ask for nothing: null, false, zero, negative, empty.
bool is_nothing(const Value& value) {
    struct Visitor {
        bool operator()(std::monostate) const { return true; }
        bool operator()(bool b) const { return !b; }
        bool operator()(std::int64_t i) const { return i <= 0; }
        bool operator()(double d) const { return !(d > 0); }
        bool operator()(const std::string& s) const { return s.empty(); }
        bool operator()(const Value::Array& a) const { return a.empty(); }
        bool operator()(const Value::Table& t) const { return t.empty(); }
    };
    return std::visit(Visitor{}, value.content);
}

/// Names of sizes, counts, lists of layers and modules.
bool says_size(std::string_view key, const Value& value, int layers) {
    constexpr std::string_view sizes[] = {
        "*_layers",      "*_layer",  "*_dim",       "*_dims",    "*_size",     "num_*",     "n_*",
        "*_rank",        "*_heads",  "*_experts",   "*_width",   "*_channels", "*_count",   "*_kernel",
        "*_kernel_size", "*_state",  "*_interval",  "*_period",  "*_groups",   "*_ratio",   "*_ratios",
        "*_modules",     "*_module", "*_blocks",    "*_indices", "*_idxs",     "*_pattern", "*_types",
        "*_base",        "*_parts",  "*_per_layer", "*_config",  "*_lowrank",  "*_length",  "ffn_*",
        "lora_*",        "*_lora",   "moe_*",       "expert_*",  "*_expert"};
    constexpr std::string_view switches[] = {"use_*",      "*_bias",   "has_*",       "with_*",
                                             "add_*",      "enable_*", "*_gate",      "*_moe",
                                             "*_residual", "*_norm",   "*_embedding", "*_embeddings"};
    if (const auto* list = std::get_if<Value::Array>(&value.content))
        return is_among(key, sizes) || static_cast<int>(list->size()) >= std::max(layers, 2);
    if (std::holds_alternative<bool>(value.content)) return is_among(key, switches) || is_among(key, sizes);
    if (std::holds_alternative<std::string>(value.content)) return is_among(key, switches);
    return is_among(key, sizes);
}

class Account {
  public:
    Account(const HfConfig& config, const ReadLog& log) : config_(config), read_(log) {
        std::sort(read_.begin(), read_.end());
    }

    void table(const Value& value, const std::string& path) const {
        for (const auto& [key, inner] : std::get<Value::Table>(value.content)) {
            const bool is_read = std::binary_search(read_.begin(), read_.end(), &inner);
            if (is_read && std::holds_alternative<Value::Table>(inner.content) && !is_among(key, opaque))
                table(inner, path + key + ".");
            if (is_read || is_nothing(inner) || is_bookkeeping(key) || is_ignored(key)) continue;
            name(key, inner, path + key);
        }
    }

  private:
    // Read whole by their own part of the importer.
    static constexpr std::array<std::string_view, 5> opaque{
        "vision_config", "audio_config", "quantization_config", "compression_config", "width"};

    [[nodiscard]] bool is_ignored(std::string_view key) const {
        const auto& ignored = config_.options->ignored_keys;
        return std::find(ignored.begin(), ignored.end(), key) != ignored.end();
    }

    void name(const std::string& key, const Value& value, const std::string& path) const {
        if (says_size(key, value, config_.layers)) {
            std::string hint("--ignore-key ");
            throw InputError({config_.root.where().file, value.line, value.column}, path,
                             "states a part of the model that is not known here",
                             hint.append(key).append(" counts the model without it"));
        }
        config_.warn(std::string("key '").append(path).append("' is not known here: not read"));
    }

    const HfConfig& config_;
    ReadLog read_;
};

}   // namespace

void account_for_keys(const HfConfig& config, const Document& document, const ReadLog& log) {
    if (config.options->check_keys) Account(config, log).table(document.root, {});
}

}   // namespace moecost
