// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "moecost/model/architecture_fields.h"
#include "moecost/model/family/family.h"

namespace moecost {
namespace {

constexpr std::string_view folder = "workloads/families";
constexpr double max_ratio = 10'000;

int integer_or(const Reader& r, std::string_view key, int fallback, int low, int high) {
    return static_cast<int>(r.integer_or(key, fallback, low, high));
}

QkNorm qk_norm_from(const Reader& r) {
    if (!r.has("qk_norm")) return QkNorm::none;
    const std::string name = r.text("qk_norm");
    const auto found = std::find(qk_norm_names.begin(), qk_norm_names.end(), name);
    if (found != qk_norm_names.end()) return static_cast<QkNorm>(found - qk_norm_names.begin());
    r.fail("qk_norm", std::string("unknown value '").append(name).append("'"),
           name_hint(name, std::vector<std::string>(qk_norm_names.begin(), qk_norm_names.end())));
}

void read_heads(const Reader& r, Family& f) {
    f.hidden_per_head = r.number("hidden_per_head", {1, max_width});
    f.head_multiple = integer_or(r, "head_multiple", 8, 1, max_heads);
    f.kv_rank = integer_or(r, "kv_rank", 0, 0, max_width);
}

void read_grouped(const Reader& r, Family& f) {
    r.allow_only({"head_dim", "hidden_per_head", "head_multiple", "kv_heads", "qk_norm", "gated"});
    f.head_dim = static_cast<int>(r.integer("head_dim", 1, max_width));
    f.kv_heads = integer_or(r, "kv_heads", 0, 0, max_heads);
    f.qk_norm = qk_norm_from(r);
    if (r.flag_or("gated", false)) f.gate = OutputGate::elementwise;
    if (f.kv_heads > 0 && f.head_multiple % f.kv_heads != 0) {
        r.fail("kv_heads", "must divide head_multiple, so that query heads are a multiple of it");
    }
}

void read_latent(const Reader& r, Family& f) {
    r.allow_only({"hidden_per_head", "head_multiple", "kv_rank", "q_rank", "q_rank_above", "rope_dim",
                  "nope_dim", "v_dim"});
    f.q_rank = integer_or(r, "q_rank", 0, 0, max_width);
    f.q_rank_above = integer_or(r, "q_rank_above", 0, 0, max_width);
    f.rope_dim = integer_or(r, "rope_dim", 0, 0, max_width);
    f.nope_dim = static_cast<int>(r.integer("nope_dim", 1, max_width));
    f.v_dim = static_cast<int>(r.integer("v_dim", 1, max_width));
}

void read_attention(const Reader& r, Family& f) {
    read_heads(r, f);
    if (f.kv_rank > 0) return read_latent(r, f);
    read_grouped(r, f);
}

void read_linear(const Reader& r, Family& f) {
    r.allow_only({"attention_every", "key_dim", "value_dim", "hidden_per_value_head", "value_heads_per_key",
                  "conv_kernel"});
    f.attention_every = static_cast<int>(r.integer("attention_every", 2, 100));
    f.linear_key_dim = static_cast<int>(r.integer("key_dim", 1, max_width));
    f.linear_value_dim = static_cast<int>(r.integer("value_dim", 1, max_width));
    f.hidden_per_value_head = r.number("hidden_per_value_head", {1, max_width});
    f.value_heads_per_key = integer_or(r, "value_heads_per_key", 2, 1, max_heads);
    f.linear_conv = integer_or(r, "conv_kernel", 4, 1, max_width);
    if (f.head_multiple % f.value_heads_per_key != 0)
        r.fail("value_heads_per_key", "must divide head_multiple, so that key heads are whole");
}

void read_ffn(const Reader& r, Family& f) {
    r.allow_only({"ratio", "matrices", "moe_every", "dense_layers", "layers_per_dense", "width_multiple"});
    f.ffn_ratio = r.number("ratio", {1e-3, max_ratio});
    f.matrices = integer_or(r, "matrices", 3, 2, 3);
    f.moe_every = integer_or(r, "moe_every", 1, 1, 100);
    f.dense_layers = integer_or(r, "dense_layers", 0, 0, max_layers);
    f.layers_per_dense = integer_or(r, "layers_per_dense", 1, 1, max_layers);
    f.width_multiple = integer_or(r, "width_multiple", 64, 1, max_width);
}

void read_shape(const Reader& r, Family& f) {
    r.allow_only({"hidden_multiple", "hidden_per_layer", "vocabulary", "max_position", "tied_embeddings"});
    f.hidden_multiple = integer_or(r, "hidden_multiple", 128, 1, max_width);
    f.hidden_per_layer = r.number("hidden_per_layer", {1, max_ratio});
    f.vocabulary = static_cast<int>(r.integer("vocabulary", 1, max_vocabulary));
    f.max_position = integer_or(r, "max_position", 0, 0, max_tokens);
    f.tied_embeddings = r.flag_or("tied_embeddings", false);
}

/// One of [experts], [top_k], [granularity], [shared_experts]; an absent table leaves the choice free.
FamilyChoice read_choice(const Reader& reader, std::string_view key, int usual, int low, int high) {
    FamilyChoice choice{usual, {}};
    if (!reader.has(key)) return choice;
    const Reader r = reader.table(key);
    r.allow_only({"usual", "allowed"});
    choice.usual = static_cast<int>(r.integer("usual", low, high));
    if (!r.has("allowed")) return choice;
    for (const double x : r.numbers("allowed", {static_cast<double>(low), static_cast<double>(high)})) {
        choice.allowed.push_back(static_cast<int>(x));
        if (choice.allowed.back() != x) r.fail("allowed", "holds a number that is not whole");
    }
    if (std::find(choice.allowed.begin(), choice.allowed.end(), choice.usual) == choice.allowed.end()) {
        r.fail("usual", "is not among the allowed values");
    }
    return choice;
}

}   // namespace

Family family_from_toml(const Document& document) {
    const Reader r(document);
    r.allow_only({"title", "aliases", "source", "notes", "attention", "linear", "ffn", "shape", "experts",
                  "top_k", "granularity", "shared_experts"});
    Family f;
    f.id = std::filesystem::path(document.file).stem().string();
    f.title = r.text("title");
    f.source = r.text_or("source", "");
    if (r.has("notes")) f.notes = r.texts("notes");
    if (r.has("aliases")) f.aliases = r.texts("aliases");
    read_attention(r.table("attention"), f);
    if (r.has("linear")) read_linear(r.table("linear"), f);
    read_ffn(r.table("ffn"), f);
    read_shape(r.table("shape"), f);
    f.experts = read_choice(r, "experts", 8, 1, max_experts);
    f.top_k = read_choice(r, "top_k", 1, 1, max_experts);
    f.granularity = read_choice(r, "granularity", 1, 1, max_experts);
    f.shared_experts = read_choice(r, "shared_experts", 0, 0, max_experts);
    return f;
}

std::vector<std::string> family_names(const DataStore& data) { return data.names(folder); }

Family load_family(const DataStore& data, std::string_view name) {
    return family_from_toml(data.open(folder, name, "family"));
}

}   // namespace moecost
