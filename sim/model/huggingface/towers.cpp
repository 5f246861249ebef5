// SPDX-License-Identifier: Apache-2.0
// Encoders of images and sound, and experts for image tokens: parameters beside the text model. Formulas by kind of
// encoder, checked against releases whose total is published; others are counted as a plain transformer, and said so.
// h width, L blocks, i feed-forward width, p patch side, m merged patches per side, out width of the text model.
#include <cmath>
#include <cstdint>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

using Count = std::int64_t;

struct Encoder {
    Count h = 0;
    Count layers = 0;
    Count width = 0;   // i
    Count patch = 0;
    Count side = 0;   // patches along an image side; 0: not stated
    Count merge = 1;
    Count out = 0;
};

/// The first of several spellings; 0 when none is there.
Count size(const Reader& v, std::initializer_list<std::string_view> keys, Count high = max_width) {
    for (const std::string_view key : keys) {
        const Value* value = v.raw(key);
        if (value == nullptr) continue;
        if (std::holds_alternative<Value::Array>(value->content)) {
            const std::vector<double> list = v.numbers(key, Range{0, static_cast<double>(high)});
            return list.empty() ? 0 : static_cast<Count>(list.front());
        }
        if (std::holds_alternative<std::int64_t>(value->content)) return v.integer(key, 0, high);
    }
    return 0;
}

Encoder encoder(const Reader& v, int hidden) {
    Encoder e;
    e.h = size(v, {"vt_hidden_size", "embed_dim", "hidden_size", "d_model"});
    e.layers = size(v, {"vt_num_hidden_layers", "depth", "num_hidden_layers", "encoder_layers"}, max_layers);
    e.layers += size(v, {"num_global_layers"}, max_layers);
    e.width = size(v, {"vt_intermediate_size", "intermediate_size", "encoder_ffn_dim"});
    if (e.width == 0) e.width = 4 * e.h;
    e.patch = size(v, {"patch_size"}, 10'000);
    const Count image = size(v, {"image_size"});
    e.side = e.patch > 0 ? image / e.patch : 0;
    e.merge = std::max<Count>(size(v, {"spatial_merge_size", "merge_kernel_size"}, 100), 1);
    e.out = size(v, {"out_hidden_size", "text_hidden_size", "output_dim"});
    if (e.out == 0) e.out = hidden;
    return e;
}

/// Attention and plain feed-forward with biases, two LayerNorms.
Count plain_block(const Encoder& e) { return 4 * e.h * e.h + 2 * e.h * e.width + 9 * e.h + e.width; }
/// Without biases: attention, gated feed-forward, two norms with weights alone.
Count gated_block(const Encoder& e, Count width) { return 4 * e.h * e.h + 3 * e.h * width + 2 * e.h; }
Count patches(const Encoder& e, Count frames = 1) { return 3 * frames * e.patch * e.patch * e.h + e.h; }
/// m x m patches joined, then two linear maps with bias.
Count merger(const Encoder& e) {
    const Count joined = e.merge * e.merge * e.h;
    return joined * joined + joined + joined * e.out + e.out;
}

Count qwen3_vl(const Reader& v, const Encoder& e) {
    const Count rows = size(v, {"num_position_embeddings"});
    const Value* deep = v.raw("deepstack_visual_indexes");
    const auto* list = deep == nullptr ? nullptr : std::get_if<Value::Array>(&deep->content);
    const Count taps = list == nullptr ? 0 : static_cast<Count>(list->size());
    return patches(e, 2) + rows * e.h + e.layers * plain_block(e) + 2 * e.h + merger(e) +
           taps * (2 * e.merge * e.merge * e.h + merger(e));
}

Count siglip(const Encoder& e) {
    return patches(e) + e.side * e.side * e.h + e.layers * plain_block(e) + 2 * e.h + e.h * e.out + e.h;
}

Count pixtral(const Encoder& e) {
    return patches(e) + e.layers * gated_block(e, e.width) + e.h + 4 * e.h * e.h + e.h * e.out +
           e.out * e.out;
}

/// InternViT: class token, layer scales; the 6B has RMSNorms on queries and keys and no bias of q, k, v.
Count intern_vit(const Encoder& e) {
    const bool large = e.h >= 3200;
    const Count block = plain_block(e) + 2 * e.h - (large ? 3 * e.h : 0);
    const Count joined = 4 * e.h;
    return patches(e) + (e.side * e.side + 2) * e.h + e.layers * block + 2 * joined + joined * e.out + e.out +
           e.out * e.out + e.out;
}

/// GLM-4V: blocks as wide as the text model, a downsampling convolution, a gated merger of intermediate_size.
Count glm4v(const Encoder& e) {
    const Count joined = e.merge * e.merge * e.h * e.out + e.out;
    return patches(e, 2) + e.side * e.side * e.h + e.layers * gated_block(e, e.out) + 2 * e.h + joined +
           e.out * e.out + 2 * e.out + 3 * e.out * e.width;
}

Count moonvit(const Reader& v, const Encoder& e) {
    const Count rows = size(v, {"init_pos_emb_height"}) * size(v, {"init_pos_emb_width"});
    return patches(e) + rows * e.h + e.layers * plain_block(e) + 4 * e.h + merger(e);
}

Count llama4(const Reader& v, const Encoder& e) {
    const Count wide = size(v, {"projector_output_dim", "vision_output_dim"});
    return patches(e) + (e.side * e.side + 2) * e.h + e.layers * plain_block(e) + 4 * e.h + 4 * e.h * wide +
           wide * wide + wide * e.out;
}

/// Llama 3.2 Vision: positions of up to `max_num_tiles` tiles for each of 9 aspect ratios.
Count mllama(const Reader& v, const Encoder& e) {
    const Count tiles = size(v, {"max_num_tiles"}, 1000);
    const Count rows = e.side * e.side + 1;
    return patches(e) + (rows + 1) * e.h + 9 * tiles * (rows + 2) * e.h + e.layers * plain_block(e) +
           size(v, {"vision_output_dim"}) * e.out + e.out;
}

/// ERNIE-VL: patches joined in space, then in time, two maps each.
Count ernie(const Encoder& e) {
    const Count joined = e.merge * e.merge * e.h;
    return patches(e) + e.layers * plain_block(e) + 5 * joined * joined + joined * e.out;
}

/// Whisper-like: three convolutions of 480 channels over 128 bands, a projection of what is left of them.
Count audio_transformer(const Encoder& e) {
    return e.layers * plain_block(e) + 2 * 9 * 480 * 480 + 7680 * e.h + e.h * e.h + e.h * e.out;
}
/// Conformer: two feed-forwards of 4h, attention, a convolution module.
Count conformer(const Encoder& e) { return e.layers * 24 * e.h * e.h; }

/// Several encoders in a table under `width` (DeepSeek-OCR).
Count nested_encoders(const Reader& v, int hidden) {
    Count sum = 0;
    const Reader table = v.table("width");
    for (const std::string& name : table.keys()) {
        const Reader inner = table.table(name);
        Encoder e;
        e.h = size(inner, {"width"});
        e.layers = size(inner, {"layers"}, max_layers);
        e.width = 4 * e.h;
        e.patch = size(inner, {"patch_size"}, 10'000);
        sum += patches(e) + e.layers * plain_block(e);
        e.out = hidden;
        sum += e.h * e.out;
    }
    return sum;
}

Count gemma4_vision(const Encoder& e) {
    return patches(e) + e.layers * gated_block(e, e.width) + 2 * 10'240 * e.h + e.h * e.out;
}
/// Kinds without a formula of their own.
Count plain_encoder(const Encoder& e) {
    return patches(e) + e.side * e.side * e.h + e.layers * plain_block(e) + merger(e);
}

/// The parameters of a kind of encoder, found by the beginning of its model type; the first row that fits counts.
struct EncoderKind {
    std::string_view type;
    Count (*count)(const Reader& config, const Encoder& encoder);
};
template <Count (*formula)(const Encoder&)>
Count by_sizes(const Reader&, const Encoder& e) {
    return formula(e);
}
constexpr EncoderKind kinds[] = {
    {"qwen3_omni_moe_audio", by_sizes<audio_transformer>},
    {"qwen3", qwen3_vl},
    {"siglip", by_sizes<siglip>},
    {"pixtral", by_sizes<pixtral>},
    {"intern", by_sizes<intern_vit>},
    {"glm4v", by_sizes<glm4v>},
    {"moonvit", moonvit},
    {"kimi", moonvit},
    {"llama4", llama4},
    {"mllama", mllama},
    {"DFNRope", by_sizes<ernie>},
    {"gemma4_vision", by_sizes<gemma4_vision>},
    {"gemma4_audio", by_sizes<conformer>},
};

/// Parameters of an encoder; 0 when its sizes are not stated. `exact` is false for kinds without a formula here.
Count parameters_of(const Reader& v, const std::string& kind, int hidden, bool& exact) {
    const Value* width = v.raw("width");
    if (width != nullptr && std::holds_alternative<Value::Table>(width->content))
        return nested_encoders(v, hidden);
    const Encoder e = encoder(v, hidden);
    if (e.h == 0 || e.layers == 0) return 0;
    for (const EncoderKind& known : kinds) {
        if (kind.starts_with(known.type)) return known.count(v, e);
    }
    exact = false;
    return plain_encoder(e);
}

void add_encoder(const HfConfig& config, const Reader& reader, std::string_view key, std::string_view name,
                 Architecture& a) {
    const Value* value = reader.raw(key);
    if (value == nullptr || !std::holds_alternative<Value::Table>(value->content)) return;
    const Reader v = reader.table(key);
    if (v.keys().empty()) return;
    bool exact = true;
    const std::string kind = v.text_or("model_type", reader.text_or("model_type", ""));
    const Count count = parameters_of(v, kind, a.hidden, exact);
    std::string line(name);
    if (count <= 0) {
        config.warn(line.append(" not counted: ").append(key).append(" does not state its sizes"));
        return;
    }
    if (count > max_tower) reader.fail(key, "more than 1e12 parameters");
    a.towers.push_back({line, count});
    line.append(" of ").append(std::to_string(count / 1'000'000)).append(" M parameters on the device");
    config.note(line.append(exact ? "" : ", counted as a plain transformer"));
}

/// ERNIE-VL: a second set of experts, with its router, for image tokens.
void add_image_experts(const HfConfig& config, Architecture& a) {
    if (!config.text.has("moe_num_experts") || !config.is_list("moe_num_experts")) return;
    const std::vector<double> experts = config.text.numbers("moe_num_experts", Range{0, max_experts});
    const std::vector<double> widths = config.text.numbers("moe_intermediate_size", Range{0, max_width});
    if (experts.size() < 2 || widths.size() < 2) return;
    Count layers = 0;
    for (const FfnGroup& group : a.ffns)
        layers += std::holds_alternative<MoeFfn>(group.kind) ? group.count : 0;
    const double each = experts[1] * (3.0 * a.hidden * widths[1] + a.hidden + 1);
    const double count = static_cast<double>(layers) * each;
    if (count < 1 || count > static_cast<double>(max_tower))
        config.text.fail("moe_num_experts", "impossible sizes");
    a.towers.push_back({"experts of images", static_cast<Count>(count)});
    config.note("experts of images on the device: no text token uses them");
}

}   // namespace

void import_towers(const HfConfig& config, Architecture& a) {
    std::vector<Reader> places{config.root};
    if (config.root.has("thinker_config")) places.push_back(config.root.table("thinker_config"));
    for (const Reader& place : places) {
        add_encoder(config, place, "vision_config", "vision tower", a);
        add_encoder(config, place, "audio_config", "audio tower", a);
    }
    add_image_experts(config, a);
}

}   // namespace moecost
