// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/huggingface/config.h"

#include <algorithm>
#include <charconv>

namespace moecost {
namespace {

/// Another name for the same thing; of several that a configuration has, the one that stands first here counts.
struct Spelling {
    std::string_view key;
    std::string_view other;
};
constexpr Spelling spellings[] = {
    {"hidden_size", "d_model"},
    {"hidden_size", "n_embd"},
    {"hidden_size", "n_embed"},
    {"hidden_size", "dim"},   // Mistral's params.json
    {"num_hidden_layers", "n_layers"},
    {"num_hidden_layers", "n_layer"},
    {"num_hidden_layers", "num_layers"},
    {"num_attention_heads", "n_heads"},
    {"num_attention_heads", "n_head"},
    {"num_key_value_heads", "num_attention_groups"},
    {"num_key_value_heads", "num_kv_heads"},
    {"num_key_value_heads", "n_kv_heads"},
    {"num_key_value_heads", "multi_query_group_num"},
    {"head_dim", "attention_head_dim"},
    {"head_dim", "kv_channels"},
    {"intermediate_size", "n_inner"},
    {"intermediate_size", "ffn_dim"},
    {"intermediate_size", "ffn_hidden_size"},
    {"intermediate_size", "hidden_dim"},
    {"vocab_size", "padded_vocab_size"},
    {"max_position_embeddings", "max_seq_len"},
    {"max_position_embeddings", "model_max_length"},
    {"max_position_embeddings", "n_positions"},
    {"max_position_embeddings", "max_position_embedding"},
    {"max_position_embeddings", "seq_length"},
    {"tie_word_embeddings", "tie_embedding"},
    {"tie_word_embeddings", "tied_embeddings"},
    {"tie_word_embeddings", "use_embedding_sharing"},
    {"moe_intermediate_size", "expert_ffn_hidden_size"},
    {"moe_layer_freq", "moe_layer_frequency"},
    {"first_k_dense_replace", "num_dense_layers"},
    {"first_k_dense_replace", "first_last_k_dense_replace"},
    {"sliding_window", "attention_window_size"},
    {"conv_kernel", "mamba_d_conv"},
    {"ssm_state_size", "mamba_d_state"},
    {"ssm_state_size", "state_size"},
    {"mamba_num_heads", "mamba_n_heads"},
    {"mamba_head_dim", "mamba_d_head"},
    {"n_groups", "mamba_n_groups"},
    {"time_step_rank", "mamba_dt_rank"},
    {"use_conv_bias", "mamba_conv_bias"},
    {"index_topk", "indexer_budget"},
    {"index_n_heads", "indexer_n_heads"},
    {"index_head_dim", "indexer_head_dim"},
    {"n_group", "num_expert_group"},
    {"moe_latent_size", "routed_expert_hidden_size"},
};

/// "a=1 b=2": the value of a key that a class implies.
std::optional<int> implied(std::string_view keys, std::string_view key) {
    for (std::size_t at = keys.find(key); at != std::string_view::npos; at = keys.find(key, at + 1)) {
        const std::size_t equals = at + key.size();
        if ((at > 0 && keys[at - 1] != ' ') || keys.substr(equals, 1) != "=") continue;
        int value = 0;
        std::from_chars(keys.data() + equals + 1, keys.data() + keys.size(), value);
        return value;
    }
    return std::nullopt;
}

}   // namespace

void HfConfig::note(std::string_view line) const {
    if (std::find(notes->begin(), notes->end(), line) == notes->end()) notes->emplace_back(line);
}

void HfConfig::warn(std::string line) const { warnings->push_back(std::move(line)); }

bool HfConfig::is(std::initializer_list<std::string_view> types) const {
    return std::any_of(types.begin(), types.end(), [this](std::string_view name) {
        if (!name.ends_with('*')) return type == name;
        return type.starts_with(name.substr(0, name.size() - 1));
    });
}

std::string_view HfConfig::spelling(std::string_view key) const {
    if (text.has(key)) return key;
    for (const Spelling& s : spellings) {
        if (s.key == key && text.has(s.other)) return s.other;
    }
    return key;
}

bool HfConfig::has(std::string_view key) const {
    return text.has(spelling(key)) || implied(family->keys, key).has_value();
}

const Reader* HfConfig::holder(std::string_view key) const {
    if (text.has(key)) return &text;
    return root.has(key) ? &root : nullptr;
}

bool HfConfig::flag(std::string_view key, bool fallback) const {
    const std::string_view found = spelling(key);
    const Reader* reader = holder(found);
    return reader == nullptr ? fallback : reader->flag(found);
}

std::string HfConfig::text_or(std::string_view key, std::string_view fallback) const {
    const Value* value = text.raw(key);
    return value != nullptr && std::holds_alternative<std::string>(value->content)
               ? std::get<std::string>(value->content)
               : std::string(fallback);
}

std::optional<std::string_view> HfConfig::first(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
        if (text.has(key)) return key;
    }
    return std::nullopt;
}

int HfConfig::integer(std::string_view key, int low, int high) const {
    const std::string_view found = spelling(key);
    if (!text.has(found)) {
        if (const auto value = implied(family->keys, key)) {
            std::string line(key);
            if (!key.starts_with("mtp") && !key.starts_with("extra"))
                note(line.append(" absent: ")
                         .append(std::to_string(*value))
                         .append(", the default of its class"));
            return *value;
        }
    }
    return static_cast<int>(text.integer(found, low, high));
}

int HfConfig::integer_or(std::string_view key, int fallback, int low, int high) const {
    return has(key) ? integer(key, low, high) : fallback;
}

int HfConfig::positive_or(std::string_view key, int fallback, int high) const {
    const int value = integer_or(key, 0, 0, high);
    return value > 0 ? value : fallback;
}

bool HfConfig::is_list(std::string_view key) const {
    const Value* value = text.raw(spelling(key));
    return value != nullptr && std::holds_alternative<Value::Array>(value->content);
}

std::vector<int> HfConfig::per_layer(std::string_view key, int low, int high) const {
    const auto n = static_cast<std::size_t>(layers);
    if (!is_list(key)) return std::vector<int>(n, integer(key, low, high));
    const std::vector<double> numbers =
        text.numbers(spelling(key), Range{static_cast<double>(low), static_cast<double>(high)});
    if (numbers.size() < n) {
        std::string message("has ");
        message.append(std::to_string(numbers.size()))
            .append(" entries, the model ")
            .append(std::to_string(n));
        text.fail(key, message.append(" layers"));
    }
    std::vector<int> result;
    for (std::size_t i = 0; i < n; ++i) result.push_back(static_cast<int>(numbers[i]));
    return result;
}

std::vector<std::string> HfConfig::texts_per_layer(std::string_view key) const {
    std::vector<std::string> result = text.texts(key);
    if (result.size() >= static_cast<std::size_t>(layers)) return result;
    std::string message("has ");
    message.append(std::to_string(result.size()))
        .append(" entries, the model ")
        .append(std::to_string(layers));
    text.fail(key, message.append(" layers"));
}

}   // namespace moecost
