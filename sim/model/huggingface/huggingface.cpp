// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/huggingface/huggingface.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

/// Architectures whose tensors the kinds of this program do not describe, by a key only they have.
constexpr std::pair<std::string_view, std::string_view> unsupported[] = {
    {"altup_num_inputs", "Gemma 3n: AltUp, several predictions of each hidden state"},
    {"lru_width", "gated linear recurrent units (RG-LRU)"},
    {"is_encoder_decoder", "an encoder beside the decoder"},
};

void reject_unsupported(const HfConfig& config) {
    for (const auto& [key, what] : unsupported) {
        const Value* value = config.text.raw(key);
        if (value == nullptr) continue;
        if (const bool* flag = std::get_if<bool>(&value->content); flag != nullptr && !*flag) continue;
        config.text.fail(key, std::string("not supported: ").append(what));
    }
    if (!config.family->unsupported.empty())
        config.text.fail("model_type", std::string("not supported: ").append(config.family->unsupported));
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
    if (config.has("num_hidden_layers")) return config.integer("num_hidden_layers", 1, max_layers);
    const std::string blocks = block_pattern(config, "hybrid_override_pattern", "layers_block_type");
    if (!blocks.empty()) return static_cast<int>(blocks.size());
    return config.integer("num_hidden_layers", 1, max_layers);   // fails with the name of the key
}

/// The name of the model class, for releases whose model_type says nothing.
std::string class_of(const Reader& reader) {
    const Value* value = reader.raw("architectures");
    if (value == nullptr || !std::holds_alternative<Value::Array>(value->content)) return {};
    const auto& list = std::get<Value::Array>(value->content);
    const auto* name = list.empty() ? nullptr : std::get_if<std::string>(&list.front().content);
    return name == nullptr ? std::string{} : *name;
}

/// A class that no row knows is counted by its keys: what only its code says is not in them.
void warn_of_class(const HfConfig& config, const std::string& class_name) {
    const std::string& type = config.type;
    const std::string outer = config.root.text_or("model_type", "");
    if (type.empty() && class_name.empty()) return;
    if (!is_known_family(*config.family)) {
        std::string line("class '");
        line.append(class_name.empty() ? type : class_name)
            .append("' is not known here: counted by its keys, ");
        return config.warn(line.append("without norms of q and k, biases and the like that no key states"));
    }
    if (class_name.empty() || is_known_class(class_name)) return;
    if (is_class_of(class_name, type) || is_class_of(class_name, outer)) return;
    std::string line("class '");
    line.append(class_name).append("' is not known here: counted as model_type '").append(type);
    config.warn(line.append("' says"));
}

/// The language model lies one level down in models of several modalities, two in Qwen-Omni.
Reader language_model(const Reader& root) {
    const Reader outer = root.has("thinker_config") ? root.table("thinker_config") : root;
    for (const std::string_view nested :
         {"text_config", "language_config", "llm_config", "language_model_config"}) {
        if (outer.has(nested)) return outer.table(nested);
    }
    return outer;
}

void import_sizes(const HfConfig& config, Architecture& a) {
    const Family& family = *config.family;
    a.hidden = config.hidden;
    a.layers = config.layers;
    a.vocabulary = config.integer("vocab_size", 1, max_vocabulary);
    a.max_position = config.integer_or("max_position_embeddings", 0, 0, max_tokens);
    const bool wide = family.untied_from_hidden > 0 && a.hidden >= family.untied_from_hidden;
    a.tied_embeddings = config.flag("tie_word_embeddings", family.tied && !wide);
    a.norm_bias = family.norm_bias && !config.flag("no_bias", false);
    a.head_bias = config.flag("lm_head_bias", family.head_bias);
    a.layer_scalars = family.layer_scalars;
    a.final_norms = family.final_norms;
    a.hyper_connections = config.integer_or("hc_mult", config.integer_or("hc_count", 0, 0, 1000), 0, 1000);
    a.hyper_rank = config.integer_or("hc_lowrank", 0, 0, max_width);
    if (config.integer_or("word_embed_proj_dim", a.hidden, 1, max_width) != a.hidden)
        config.text.fail("word_embed_proj_dim", "not supported: embeddings narrower than hidden_size");
    a.attention_residuals = config.text.has("attn_res_block_size");
    if (!family.note.empty()) config.note(family.note);
}

void import_layers(const HfConfig& config, Architecture& a) {
    if (is_block_model(config)) return import_blocks(config, a);
    a.mixers = grouped_by_kind<MixerGroup>(config, mixer_layers(config));
    // Mamba alone: a mixer without a feed-forward, whose width the mixer takes.
    if (!config.is({"falcon_mamba", "mamba"})) a.ffns = grouped_by_kind<FfnGroup>(config, ffn_layers(config));
    if (config.text.has("mamba_d_ssm")) {   // Falcon-H1: Mamba-2 and attention read the same normed input
        const Mamba2 beside = mamba2(config);
        if (config.integer("mamba_d_ssm", 1, max_width) != beside.heads * beside.head_dim)
            config.text.fail("mamba_d_ssm", "expected mamba_n_heads x mamba_d_head");
        a.mixers.push_back({beside, config.layers, 0, true});
    }
}

}   // namespace

int mixer_norms(const HfConfig& config) {
    return config.family->mixer_norms + (config.flag("use_post_norm", false) ? 1 : 0);
}

int ffn_norms(const HfConfig& config) {
    // One norm for both halves of a parallel block; Falcon's new architecture has two again.
    if (config.flag("parallel_attn", false) && !config.flag("new_decoder_architecture", false)) return 0;
    return config.family->ffn_norms + (config.flag("use_post_norm", false) ? 1 : 0);
}

bool is_huggingface_config(const Document& document) {
    const auto* table = std::get_if<Value::Table>(&document.root.content);
    if (table == nullptr) return false;
    constexpr std::string_view signs[] = {
        "architectures",     "model_type",          "hidden_size",    "text_config", "vocab_size",
        "num_hidden_layers", "num_attention_heads", "thinker_config", "llm_config",  "n_layers"};
    return std::any_of(table->begin(), table->end(), [&signs](const auto& entry) {
        return std::find(std::begin(signs), std::end(signs), entry.first) != std::end(signs);
    });
}

Architecture import_huggingface(const Document& document, const Document* quantisation,
                                const ImportOptions& options) {
    Architecture a;
    ReadLog log;
    const Reader root(document, &log);
    const Reader text = language_model(root);
    const std::string type = text.text_or("model_type", root.text_or("model_type", ""));
    const std::string class_name = class_of(text).empty() ? class_of(root) : class_of(text);
    const Family& family = family_of_config(type, class_name);
    HfConfig config{root, text, type, &family, 0, 0, &a.notes, &a.warnings, &options};
    reject_unsupported(config);
    warn_of_class(config, class_name);
    a.name = model_name(document);
    a.source = source_of(document);
    config.hidden = config.integer("hidden_size", 1, max_width);
    config.layers = layer_count(config);
    import_sizes(config, a);
    import_layers(config, a);
    import_tables(config, a);
    if (options.towers) import_towers(config, a);
    a.mtp = mtp_modules(config);
    if (const std::string problem = problem_of(a); !problem.empty()) config.text.fail({}, problem);
    a.precision = released_precision(config, quantisation, a);
    account_for_keys(config, document, log);
    return a;
}

}   // namespace moecost
