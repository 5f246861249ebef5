// SPDX-License-Identifier: Apache-2.0
// The one table of quirks: a family is a row. The first row that names a type applies. Figures are those of the classes
// in transformers and of the repositories that publish a class of their own; checked against published totals in
// tests/model/public_configs.
#include "moecost/model/huggingface/families.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>

namespace moecost {
namespace {

constexpr RouterBias corrected = RouterBias::correction;
constexpr QkNorm per_head = QkNorm::per_head;
constexpr QkNorm full_width = QkNorm::full_width;
constexpr AttentionBias no_out_bias = AttentionBias::by_key_without_out;
constexpr std::string_view gpt_keys =
    "num_hidden_layers=12 hidden_size=768 num_attention_heads=12 vocab_size=50257";
constexpr std::string_view gemma3_keys =
    "vocab_size=262208 num_attention_heads=8 num_key_value_heads=4 head_dim=256 num_hidden_layers=26 "
    "hidden_size=2304 intermediate_size=9216 sliding_window=4096 max_position_embeddings=131072";

constexpr Family families[] = {
    {.names = ""},
    // Gemma and what shares its tied table
    {.names = "gemma2*",
     .keys = "head_dim=256",
     .tied = true,
     .mixer_norms = 2,
     .ffn_norms = 2,
     .window = BareWindow::one_in_two,
     .window_pattern = 6},
    {.names = "gemma3n*",
     .unsupported = "Gemma 3n: AltUp and LAuReL, several predictions of each hidden state"},
    {.names = "gemma3*",
     .keys = gemma3_keys,
     .tied = true,
     .qk_norm = per_head,
     .mixer_norms = 2,
     .ffn_norms = 2,
     .window = BareWindow::pattern,
     .window_pattern = 6},
    {.names = "gemma4*",
     .tied = true,
     .qk_norm = per_head,
     .mixer_norms = 2,
     .ffn_norms = 2,
     .window_pattern = 6,
     .fused_gate_up = true,
     .router_scales = true,
     .layer_scalars = 1},
    {.names = "gemma*", .keys = "head_dim=256", .tied = true, .window_pattern = 6},
    {.names = "recurrent_gemma griffin",
     .unsupported = "RecurrentGemma: gated linear recurrent units (RG-LRU)"},
    {.names = "cohere cohere2 CohereForCausalLM Cohere2ForCausalLM",
     .tied = true,
     .ffn_norms = 0,
     .window = BareWindow::pattern},
    {.names = "smollm3", .tied = true},
    // without a gate
    {.names = "apertus", .matrices = 2, .layer_scalars = 2},   // xielu: two scalars per layer
    {.names = "arcee", .matrices = 2},
    {.names = "nemotron", .matrices = 2, .norm_bias = true},
    {.names = "phi",
     .matrices = 2,
     .width_in_hidden = 4,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .ffn_norms = 0,
     .norm_bias = true,
     .head_bias = true},
    {.names = "starcoder2",
     .tied = true,
     .untied_from_hidden = 6144,
     .matrices = 2,
     .norm_bias = true,
     .window = BareWindow::every},
    {.names = "gpt_neox",
     .matrices = 2,
     .width_in_hidden = 4,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .norm_bias = true},
    {.names = "gpt2",
     .keys = gpt_keys,
     .tied = true,
     .matrices = 2,
     .width_in_hidden = 4,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .norm_bias = true,
     .position_rows = 0},
    {.names = "gpt_bigcode",
     .keys = gpt_keys,
     .tied = true,
     .matrices = 2,
     .width_in_hidden = 4,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .norm_bias = true,
     .position_rows = 0},
    {.names = "gptj",
     .matrices = 2,
     .width_in_hidden = 4,
     .ffn_bias = true,
     .ffn_norms = 0,
     .norm_bias = true,
     .head_bias = true},
    {.names = "opt",
     .tied = true,
     .matrices = 2,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .norm_bias = true,
     .position_rows = 2},
    {.names = "bloom",
     .tied = true,
     .matrices = 2,
     .width_in_hidden = 4,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .final_norms = 2,
     .norm_bias = true},
    {.names = "falcon RefinedWeb RefinedWebModel",
     .tied = true,
     .matrices = 2,
     .width_in_hidden = 4,
     .norm_bias = true},
    {.names = "mpt", .tied = true, .matrices = 2, .width_in_hidden = 4},
    {.names = "persimmon",
     .matrices = 2,
     .ffn_bias = true,
     .attention_bias = AttentionBias::all,
     .qk_norm = per_head,
     .norm_bias = true},
    // norms, biases and widths of dense families
    {.names = "stablelm", .norm_bias = true},
    {.names = "olmo", .mixer_norms = 0, .ffn_norms = 0, .final_norms = 0},   // LayerNorm without weights
    {.names = "olmo2 olmo3 olmoe flex_olmo", .qk_norm = full_width},
    {.names = "exaone4", .qk_norm = per_head, .window = BareWindow::pattern},
    {.names = "exaone_moe", .qk_norm = per_head, .router_bias = corrected, .mtp_dense = true},
    {.names = "glm4 glm4v_text glm4v", .attention_bias = no_out_bias, .mixer_norms = 2, .ffn_norms = 2},
    {.names = "glm chatglm", .attention_bias = no_out_bias},
    {.names = "seed_oss mimo", .attention_bias = no_out_bias},
    {.names = "qwen", .joint_width = true, .attention_bias = AttentionBias::qkv},
    {.names = "phi3 phi4mm phi3small", .window = BareWindow::every},
    {.names = "mistral ministral ministral3 mistral3", .window = BareWindow::every},
    {.names = "llama LlamaForCausalLM",
     .keys = "vocab_size=32000 hidden_size=4096 intermediate_size=11008 "
             "num_hidden_layers=32 num_attention_heads=32"},
    {.names = "minicpm3", .tied = true},
    {.names = "mllama*", .keys = "extra_vocabulary=8"},
    {.names = "muse_glimmer*",
     .qk_norm = per_head,
     .gate = OutputGate::elementwise,
     .mixer_norms = 2,
     .ffn_norms = 2},
    {.names = "lfm2*", .tied = true, .qk_norm = per_head},
    {.names = "falcon_mamba mamba", .tied = false},
    // Qwen
    {.names = "qwen3_next",
     .keys = "mtp_num_hidden_layers=1",
     .attention_bias = no_out_bias,
     .qk_norm = per_head,
     .gate = OutputGate::elementwise,
     .window = BareWindow::above_max_window_layers},
    {.names = "qwen3_8*",
     .attention_bias = no_out_bias,
     .qk_norm = per_head,
     .gate = OutputGate::elementwise,
     .window = BareWindow::above_max_window_layers},
    {.names = "qwen3*",
     .attention_bias = no_out_bias,
     .qk_norm = per_head,
     .window = BareWindow::above_max_window_layers},
    {.names = "qwen2 qwen2_moe qwen2_vl* qwen2_5*",
     .attention_bias = AttentionBias::qkv,
     .window = BareWindow::above_max_window_layers},
    // experts
    {.names = "longcat*", .router_bias = corrected},
    {.names = "arctic"},
    {.names = "grok1 Grok1ForCausalLM Grok1ModelForCausalLM", .mixer_norms = 2, .ffn_norms = 2},
    {.names = "afmoe",
     .qk_norm = per_head,
     .gate = OutputGate::elementwise,
     .mixer_norms = 2,
     .ffn_norms = 2,
     .router_bias = corrected},
    {.names = "laguna", .qk_norm = per_head, .router_bias = corrected, .plain_shared_expert = true},
    {.names = "hy_v3", .router_bias = corrected},
    {.names = "solar_open", .router_bias = corrected},
    {.names = "AXK1 axk1", .ffn_norms = 2, .router_bias = corrected},
    {.names = "phimoe", .norm_bias = true, .window = BareWindow::none},
    {.names = "llama4*", .one_shared_expert = true, .fused_gate_up = true},
    {.names = "gpt_oss",
     .sinks = true,
     .router_bias = RouterBias::linear,
     .expert_bias = true,
     .fused_gate_up = true},
    {.names = "glm4_moe* glm4v_moe*", .attention_bias = no_out_bias, .router_bias = corrected},
    {.names = "dots1", .qk_norm = per_head, .router_bias = corrected},
    {.names = "step3p5 step3p7", .qk_norm = per_head, .router_bias = corrected},
    {.names = "step3_text step3_vl step3"},
    {.names = "minimax_m2 minimax_m3*", .router_bias = corrected, .mtp_keys_empty = true},
    {.names = "minimax*", .mtp_keys_empty = true},
    {.names = "mimo_v2_flash",
     .router_bias = corrected,
     .note = "the release has an MTP block that no key describes: not counted"},
    {.names = "ernie4_5_moe*", .router_bias = corrected},
    {.names = "deepseek_v3 deepseek_v32 deepseek_v4 kimi* glm_moe_dsa nemotron_h bailing_moe_v2",
     .router_bias = corrected},
    // known to need nothing
    {.names =
         "bailing* dbrx deepseek* ernie4_5* granite* hunyuan* jamba mixtral nemotron-nas internlm* bamba "
         "falcon_h1 sarvam* minicpm helium apriel mellum baichuan hyperclovax exaone ministral* mistral4 "
         "mimo_v2 "
         "glm5_next* LongcatFlash* BailingMoe* Deepseek* MistralLarge3* Ernie4_5* Grok1* HunYuan* DeciLM*"},
};

bool names(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(' '), list.size());
        const std::string_view word = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        if (word == name) return true;
        if (word.ends_with('*') && name.starts_with(word.substr(0, word.size() - 1))) return true;
    }
    return false;
}

/// Letters and digits in lower case: "Qwen3Moe" and "qwen3_moe" are one.
std::string letters_of(std::string_view name) {
    std::string s;
    for (const char c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            s += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return s;
}

}   // namespace

const Family& family_of_config(std::string_view model_type, std::string_view class_name) {
    for (const std::string_view name : {model_type, class_name}) {
        if (name.empty()) continue;
        const auto* row = std::find_if(std::begin(families), std::end(families),
                                       [name](const Family& f) { return names(f.names, name); });
        if (row != std::end(families)) return *row;
    }
    return families[0];
}

bool is_class_of(std::string_view class_name, std::string_view model_type) {
    const std::string type = letters_of(model_type);
    const std::string name = letters_of(class_name.substr(0, class_name.find("For")));
    return !type.empty() && !name.empty() && (type.starts_with(name) || name.starts_with(type));
}

bool is_known_class(std::string_view class_name) {
    return std::any_of(std::begin(families), std::end(families),
                       [class_name](const Family& f) { return names(f.names, class_name); });
}

bool is_known_family(const Family& family) { return !family.names.empty(); }

}   // namespace moecost
