// SPDX-License-Identifier: Apache-2.0
// What the parts of the Hugging Face importer share: the configuration seen through its keys, and one entry
// per layer before layers are grouped by kind. Inner header of the model room.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/model/architecture.h"

namespace moecost {

/// A configuration: `text` is the language model (text_config when nested), `root` the whole document.
struct HfConfig {
    Reader root;
    Reader text;
    std::string type;   // model_type of the language model, may be empty
    int hidden = 0;
    int layers = 0;
    std::vector<std::string>* notes;   // assumptions, for Architecture::notes

    void note(std::string_view line) const;
    /// True when the model type is one of these; names ending in '*' are prefixes.
    [[nodiscard]] bool is(std::initializer_list<std::string_view> types) const;
    /// The key nested or at the root, nested first; nothing when absent.
    [[nodiscard]] const Reader* holder(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
    /// The first of the keys that is there; nothing when none is.
    [[nodiscard]] std::optional<std::string_view> first(std::initializer_list<std::string_view> keys) const;
    /// An integer under the first key that is there; InputError names the first key when none is.
    [[nodiscard]] int integer(std::initializer_list<std::string_view> keys, int low, int high) const;
    [[nodiscard]] int integer_or(std::initializer_list<std::string_view> keys, int fallback, int low,
                                 int high) const;
    /// A whole number per layer: a single one repeated, or a list with at least one entry per layer.
    [[nodiscard]] std::vector<int> per_layer(std::string_view key, int low, int high) const;
    /// A text per layer of a list with at least one entry per layer.
    [[nodiscard]] std::vector<std::string> texts_per_layer(std::string_view key) const;
};

/// One decoder layer; nothing where a layer lacks that half (nemotron_h blocks, no-op blocks).
template <class Kind>
struct LayerPart {
    std::optional<Kind> kind;
    int norms = 1;
};
using MixerLayers = std::vector<LayerPart<Mixer>>;
using FfnLayers = std::vector<LayerPart<Ffn>>;

// hf_layers.cpp: which layer is of which kind.
enum class LayerKind { full, window, linear };
[[nodiscard]] std::vector<LayerKind> layer_kinds(const HfConfig& config);
[[nodiscard]] std::vector<bool> moe_layers(const HfConfig& config);
/// nemotron_h: one entry per block, 'M' Mamba-2, '*' attention, 'E' MoE, '-' dense; empty when not a block
/// model.
[[nodiscard]] std::string block_pattern(const HfConfig& config, std::string_view pattern_key,
                                        std::string_view types_key);

// hf_attention.cpp
[[nodiscard]] GroupedAttention grouped_attention(const HfConfig& config, LayerKind kind);
[[nodiscard]] MixerLayers mixer_layers(const HfConfig& config);
// hf_latent.cpp
[[nodiscard]] LatentAttention latent_attention(const HfConfig& config);
[[nodiscard]] MixerLayers latent_layers(const HfConfig& config);
[[nodiscard]] MixerLayers compressed_layers(const HfConfig& config);
[[nodiscard]] CompressedAttention compressed_attention(const HfConfig& config, int ratio);
// hf_recurrent.cpp: the mixer of layers of kind `linear`.
[[nodiscard]] bool has_recurrent_layers(const HfConfig& config);
[[nodiscard]] Mixer recurrent_mixer(const HfConfig& config);
// hf_ffn.cpp
[[nodiscard]] bool has_experts(const HfConfig& config);
[[nodiscard]] MoeFfn moe_ffn(const HfConfig& config, int layer);
[[nodiscard]] DenseFfn dense_ffn(const HfConfig& config);
[[nodiscard]] FfnLayers ffn_layers(const HfConfig& config);
// hf_hybrid.cpp: models described block by block.
[[nodiscard]] bool is_block_model(const HfConfig& config);
void import_blocks(const HfConfig& config, Architecture& architecture);
// hf_mtp.cpp
[[nodiscard]] MtpModules mtp_modules(const HfConfig& config);
// hf_quantisation.cpp
[[nodiscard]] Precision released_precision(const HfConfig& config, const Document* side_file,
                                           const Architecture& architecture);
/// Norm vectors of size h per layer half that a family has (2 where sandwich norms are used).
[[nodiscard]] int norms_per_part(const HfConfig& config);

}   // namespace moecost
