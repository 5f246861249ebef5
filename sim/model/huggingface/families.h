// SPDX-License-Identifier: Apache-2.0
// What no key of a configuration says: one row per family, found by model type or by the class of the model.
// Inner header of the model room.
#pragma once

#include <string_view>

#include "moecost/model/architecture.h"

namespace moecost {

/// Which layers a bare `sliding_window` means.
enum class BareWindow { every_told, every, none, above_max_window_layers, one_in_two, pattern };
/// Which projections of attention carry a bias: as the keys say (`attention_bias` means q, k, v and o), or by class.
enum class AttentionBias { by_key, by_key_without_out, qkv, all };

struct Family {
    std::string_view names;   // model types, then classes; a name that ends in '*' is a prefix
    std::string_view keys =
        "";   // keys a configuration may leave out, with the value of the class: "vocab_size=50257"
    std::string_view unsupported = "";   // why a model of this family is refused
    bool tied = false;                   // one table for embedding and head where no key says
    int untied_from_hidden = 0;          // releases this wide have a head of their own all the same; 0: none
    int matrices = 3;                    // of a feed-forward: 2 has no gate
    int width_in_hidden = 0;             // width of a feed-forward in hidden sizes where no key says
    bool joint_width = false;            // intermediate_size counts gate and up together
    bool ffn_bias = false;
    AttentionBias attention_bias = AttentionBias::by_key;
    QkNorm qk_norm = QkNorm::none;
    OutputGate gate = OutputGate::none;
    bool sinks = false;
    int mixer_norms = 1;   // norms of size h per layer half
    int ffn_norms = 1;
    int final_norms = 1;
    bool norm_bias = false;   // LayerNorm with bias
    bool head_bias = false;
    int position_rows = -1;   // learned positions: rows beyond max_position_embeddings; -1: none
    BareWindow window = BareWindow::every_told;
    int window_pattern = 4;   // of a pattern without a length: every so manieth layer is full
    RouterBias router_bias = RouterBias::none;
    bool plain_shared_expert = false;   // shared_expert_intermediate_size comes without Qwen's gate on it
    bool one_shared_expert = false;     // a shared expert of the routed width that no key states
    bool expert_bias = false;
    bool fused_gate_up = false;   // gate and up of an expert stored as one matrix
    bool router_scales = false;
    int layer_scalars = 0;
    bool mtp_keys_empty = false;   // MTP keys without tensors in the release
    bool mtp_dense = false;        // the MTP layer is dense, of intermediate_size
    std::string_view note = "";
};

/// The row of a model type, else that of a class, else the row without a name: what most models are.
[[nodiscard]] const Family& family_of_config(std::string_view model_type, std::string_view class_name);
/// Qwen3MoeForCausalLM is of qwen3_moe, and of qwen3; a class that goes by another name than its type has a row.
[[nodiscard]] bool is_class_of(std::string_view class_name, std::string_view model_type);
[[nodiscard]] bool is_known_class(std::string_view class_name);
/// True for types with a row of their own.
[[nodiscard]] bool is_known_family(const Family& family);

}   // namespace moecost
