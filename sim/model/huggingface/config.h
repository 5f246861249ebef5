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
#include "moecost/model/huggingface/families.h"
#include "moecost/model/huggingface/huggingface.h"

namespace moecost {

/// A configuration: `text` is the language model (text_config when nested), `root` the whole document. Keys are asked
/// for by one name each; the other spellings in use are in a table of config.cpp, what a class implies in families.cpp.
struct HfConfig {
    Reader root;
    Reader text;
    std::string type;   // model_type of the language model, may be empty
    const Family* family;
    int hidden = 0;
    int layers = 0;
    std::vector<std::string>* notes;      // assumptions, for Architecture::notes
    std::vector<std::string>* warnings;   // for Architecture::warnings
    const ImportOptions* options;

    void note(std::string_view line) const;
    void warn(std::string line) const;
    /// True when the model type is one of these; names ending in '*' are prefixes.
    [[nodiscard]] bool is(std::initializer_list<std::string_view> types) const;
    /// The spelling of the key that the language model has; the key itself when it has none.
    [[nodiscard]] std::string_view spelling(std::string_view key) const;
    /// The key, under any spelling, in the language model (or implied by its class).
    [[nodiscard]] bool has(std::string_view key) const;
    /// The key nested or at the root, nested first; nothing when absent.
    [[nodiscard]] const Reader* holder(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
    [[nodiscard]] std::string text_or(std::string_view key, std::string_view fallback) const;
    /// The first of the keys that is there; nothing when none is.
    [[nodiscard]] std::optional<std::string_view> first(std::initializer_list<std::string_view> keys) const;
    /// A whole number; InputError names the key when neither the configuration nor its class has it.
    [[nodiscard]] int integer(std::string_view key, int low, int high) const;
    [[nodiscard]] int integer_or(std::string_view key, int fallback, int low, int high) const;
    /// As the former, where 0 stands for "none" and means the fallback too.
    [[nodiscard]] int positive_or(std::string_view key, int fallback, int high) const;
    /// A whole number per layer: a single one repeated, or a list with at least one entry per layer.
    [[nodiscard]] std::vector<int> per_layer(std::string_view key, int low, int high) const;
    /// A text per layer of a list with at least one entry per layer.
    [[nodiscard]] std::vector<std::string> texts_per_layer(std::string_view key) const;
    [[nodiscard]] bool is_list(std::string_view key) const;
};

/// One decoder layer; nothing where a layer lacks that half (nemotron_h blocks, no-op blocks).
template <class Kind>
struct LayerPart {
    std::optional<Kind> kind;
    int norms = 1;
};
using MixerLayers = std::vector<LayerPart<Mixer>>;
using FfnLayers = std::vector<LayerPart<Ffn>>;

// layers.cpp: which layer is of which kind.
enum class LayerKind { full, window, linear, cross };
[[nodiscard]] std::vector<LayerKind> layer_kinds(const HfConfig& config);
[[nodiscard]] std::vector<bool> moe_layers(const HfConfig& config);
/// nemotron_h: one entry per block, 'M' Mamba-2, '*' attention, 'E' MoE, '-' dense; empty when not a block
/// model.
[[nodiscard]] std::string block_pattern(const HfConfig& config, std::string_view pattern_key,
                                        std::string_view types_key);

// attention.cpp
[[nodiscard]] GroupedAttention grouped_attention(const HfConfig& config, LayerKind kind);
[[nodiscard]] MixerLayers mixer_layers(const HfConfig& config);
// latent.cpp
[[nodiscard]] bool is_latent(const HfConfig& config);
[[nodiscard]] LatentAttention latent_attention(const HfConfig& config);
[[nodiscard]] MixerLayers latent_layers(const HfConfig& config);
[[nodiscard]] MixerLayers compressed_layers(const HfConfig& config);
[[nodiscard]] CompressedAttention compressed_attention(const HfConfig& config, int ratio);
// recurrent.cpp: the mixer of layers of kind `linear`.
[[nodiscard]] bool has_recurrent_layers(const HfConfig& config);
[[nodiscard]] Mixer recurrent_mixer(const HfConfig& config);
[[nodiscard]] Mamba2 mamba2(const HfConfig& config);
// ffn.cpp
[[nodiscard]] bool has_experts(const HfConfig& config);
[[nodiscard]] MoeFfn moe_ffn(const HfConfig& config, int layer);
[[nodiscard]] DenseFfn dense_ffn(const HfConfig& config);
[[nodiscard]] FfnLayers ffn_layers(const HfConfig& config);
// hybrid.cpp: models described block by block.
[[nodiscard]] bool is_block_model(const HfConfig& config);
void import_blocks(const HfConfig& config, Architecture& architecture);
// mtp.cpp
[[nodiscard]] MtpModules mtp_modules(const HfConfig& config);
// tables.cpp: lookup tables besides the embedding, and towers beside the decoder.
void import_tables(const HfConfig& config, Architecture& architecture);
void import_towers(const HfConfig& config, Architecture& architecture);
// quantisation.cpp
[[nodiscard]] Precision released_precision(const HfConfig& config, const Document* side_file,
                                           Architecture& architecture);
// norms.cpp of families: norm vectors of size h per layer half.
[[nodiscard]] int mixer_norms(const HfConfig& config);
[[nodiscard]] int ffn_norms(const HfConfig& config);
// unread.cpp: fails on, or warns of, what stands in the configuration and nothing has read.
void account_for_keys(const HfConfig& config, const Document& document, const ReadLog& log);

}   // namespace moecost
