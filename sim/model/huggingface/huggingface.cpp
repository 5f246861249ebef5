// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/huggingface/huggingface.h"

#include <algorithm>
#include <filesystem>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

constexpr std::string_view known_types[] = {
    "bailing_moe_v2", "dbrx",      "deepseek",  "deepseek_v2", "deepseek_v3",  "deepseek_v32", "deepseek_v4",
    "dots1",          "ernie4_5*", "gemma*",    "glm4_moe",    "glm_moe_dsa",  "gpt_oss",      "granitemoe",
    "grok1",          "hunyuan*",  "jamba",     "kimi*",       "llama",        "llama4*",      "mimo",
    "mimo_v2_flash",  "minimax*",  "mistral",   "mixtral",     "nemotron-nas", "nemotron_h",   "olmo*",
    "phimoe",         "qwen2",     "qwen2_moe", "qwen3",       "qwen3_moe",    "qwen3_next",   "qwen3_vl*",
    "qwen3_5*",       "step3p5"};

/// Architectures whose tensors the kinds of this program do not describe, by a key only they have.
constexpr std::pair<std::string_view, std::string_view> unsupported[] = {
    {"zero_expert_num", "LongCat: experts without computation and two attention blocks per layer"},
    {"share_q_dim", "Step-3: attention with multi-matrix factorisation"},
    {"is_encoder_decoder", "an encoder beside the decoder"},
};

void reject_unsupported(const HfConfig& config) {
    for (const auto& [key, what] : unsupported) {
        const Value* value = config.text.raw(key);
        if (value == nullptr) continue;
        if (const bool* flag = std::get_if<bool>(&value->content); flag != nullptr && !*flag) continue;
        config.text.fail(key, std::string("not supported: ").append(what));
    }
    if (config.type == "longcat_flash" || config.type == "grok2" || config.type == "bailing_hybrid") {
        config.text.fail("model_type", std::string("'").append(config.type).append("' is not supported"));
    }
}

/// Kinds in order of first appearance, with their number of layers.
template <class Group, class Layers>
std::vector<Group> grouped_by_kind(const HfConfig& config, const Layers& layers) {
    constexpr std::size_t max_kinds = 128;
    std::vector<Group> groups;
    for (const auto& layer : layers) {
        if (!layer.kind) continue;
        const auto same = std::find_if(groups.begin(), groups.end(), [&layer](const Group& g) {
            return g.norms == layer.norms && g.kind == *layer.kind;
        });
        if (same != groups.end()) {
            ++same->count;
            continue;
        }
        if (groups.size() == max_kinds) config.text.fail({}, "more than 128 different kinds of layers");
        groups.push_back(Group{*layer.kind, 1, layer.norms});
    }
    return groups;
}

std::string model_name(const Document& document) {
    const std::filesystem::path path(document.file);
    std::string name =
        path.filename() == "config.json" ? path.parent_path().filename().string() : path.stem().string();
    if (const auto org = name.find("--"); org != std::string::npos) name.erase(0, org + 2);
    return name.empty() ? "model" : name;
}

std::string source_of(const Document& document) {
    std::string s("imported from ");
    return s.append(std::filesystem::path(document.file).filename().string());
}

int layer_count(const HfConfig& config) {
    if (config.first({"num_hidden_layers", "n_layers"})) {
        return config.integer({"num_hidden_layers", "n_layers"}, 1, max_layers);
    }
    const std::string blocks = block_pattern(config, "hybrid_override_pattern", "layers_block_type");
    if (!blocks.empty()) return static_cast<int>(blocks.size());
    return config.integer({"num_hidden_layers"}, 1, max_layers);   // fails with the name of the key
}

HfConfig open_config(const Document& document, std::vector<std::string>& notes) {
    const Reader root(document);
    HfConfig config{root, root, {}, 0, 0, &notes};
    for (const std::string_view nested : {"text_config", "language_config", "llm_config"}) {
        if (!root.has(nested)) continue;
        config.text = root.table(nested);
        break;
    }
    const Reader& text = config.text;
    config.type = text.text_or("model_type", root.text_or("model_type", ""));
    return config;
}

void note_unknown_type(const HfConfig& config) {
    for (const std::string_view known : known_types) {
        if (config.is({known})) return;
    }
    std::string line("model type '");
    config.note(line.append(config.type).append("' is not known: read by its keys alone"));
}

/// Keys that would add tensors this importer does not know.
void note_left_out(const HfConfig& config) {
    if (config.root.has("vision_config")) config.note("vision tower not counted");
    if (config.root.has("audio_config")) config.note("audio tower not counted");
    if (config.integer_or({"hidden_size_per_layer_input"}, 0, 0, max_width) > 0) {
        config.note("per-layer input embeddings not counted");
    }
    if (config.flag("mlp_bias", false)) config.note("biases of the feed-forward layers not counted");
    if (config.flag("mamba_proj_bias", false)) config.note("biases of the Mamba projections not counted");
}

void import_sizes(const HfConfig& config, Architecture& a) {
    a.hidden = config.hidden;
    a.layers = config.layers;
    a.vocabulary = config.integer({"vocab_size"}, 1, max_vocabulary);
    a.max_position =
        config.integer_or({"max_position_embeddings", "max_seq_len", "model_max_length"}, 0, 0, max_tokens);
    a.tied_embeddings = config.flag("tie_word_embeddings", config.is({"gemma*"}));
    a.norm_bias = config.is({"phimoe"});
    a.head_bias = config.flag("lm_head_bias", false);
    a.layer_scalars = config.is({"gemma4*"}) ? 1 : 0;
    a.hyper_connections = config.integer_or({"hc_mult"}, 0, 0, 1000);
    a.attention_residuals = config.text.has("attn_res_block_size");
}

void import_layers(const HfConfig& config, Architecture& a) {
    if (is_block_model(config)) return import_blocks(config, a);
    a.mixers = grouped_by_kind<MixerGroup>(config, mixer_layers(config));
    a.ffns = grouped_by_kind<FfnGroup>(config, ffn_layers(config));
}

}   // namespace

int norms_per_part(const HfConfig& config) {
    return config.is({"gemma2", "gemma3*", "gemma4*", "grok1"}) ? 2 : 1;
}

bool is_huggingface_config(const Document& document) {
    const auto* table = std::get_if<Value::Table>(&document.root.content);
    if (table == nullptr) return false;
    constexpr std::string_view signs[] = {"architectures",      "model_type", "hidden_size",
                                          "text_config",        "vocab_size", "num_hidden_layers",
                                          "num_attention_heads"};
    return std::any_of(table->begin(), table->end(), [&signs](const auto& entry) {
        return std::find(std::begin(signs), std::end(signs), entry.first) != std::end(signs);
    });
}

Architecture import_huggingface(const Document& document, const Document* quantisation) {
    Architecture a;
    HfConfig config = open_config(document, a.notes);
    reject_unsupported(config);
    note_unknown_type(config);
    a.name = model_name(document);
    a.source = source_of(document);
    config.hidden = config.integer({"hidden_size", "d_model"}, 1, max_width);
    config.layers = layer_count(config);
    import_sizes(config, a);
    import_layers(config, a);
    a.mtp = mtp_modules(config);
    a.precision = released_precision(config, quantisation, a);
    note_left_out(config);
    if (const std::string problem = problem_of(a); !problem.empty()) config.text.fail({}, problem);
    return a;
}

}   // namespace moecost
