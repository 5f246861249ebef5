// SPDX-License-Identifier: Apache-2.0
// Tables a token looks up besides the embedding: learned positions, n-grams, inputs of single layers.
#include <cstdint>

#include "moecost/model/huggingface/config.h"

namespace moecost {
namespace {

void add_positions(const HfConfig& config, Architecture& a) {
    const bool learned = config.flag("learned_pos_emb", false) && config.family->position_rows < 0;
    if (config.family->position_rows < 0 && !learned) return;
    if (a.max_position == 0)
        config.text.fail("max_position_embeddings", "missing: rows of the learned positions");
    const int beyond = learned ? 0 : config.family->position_rows;
    a.tables.push_back({"positions", std::int64_t{a.max_position} + beyond, a.hidden, false});
}

void state_place(const HfConfig& config, const LookupTable& table) {
    std::string line("the ");
    line.append(table.name).append(" table of ");
    line.append(std::to_string(table.rows * table.width / 1'000'000)).append(" M parameters lies on the ");
    config.note(line.append(table.on_host ? "host" : "device"));
}

void add_table(const HfConfig& config, Architecture& a, const char* name, std::int64_t rows, int width) {
    a.tables.push_back({name, rows, width, config.options->tables_on_host});
    state_place(config, a.tables.back());
}

/// Gemma 4 E: for each token a vector of p per layer, from one table.
void add_layer_inputs(const HfConfig& config, Architecture& a) {
    a.layer_input = config.integer_or("hidden_size_per_layer_input", 0, 0, max_width);
    const int rows = config.integer_or("vocab_size_per_layer_input", a.vocabulary, 1, max_vocabulary);
    if (a.layer_input == 0) return;
    if (1LL * a.layer_input * a.layers > max_width)
        config.text.fail("hidden_size_per_layer_input", "exceeds 1000000 over all layers");
    add_table(config, a, "per-layer input", rows, a.layer_input * a.layers);
}

/// Qwen3.8: (n - 1) orders x heads tables of `base` rows, together as wide as ple_embed_dim.
void add_hashed_ngrams(const HfConfig& config, Architecture& a) {
    if (!config.text.has("ngram_vocab_size_base")) return;
    const std::int64_t base = config.text.integer("ngram_vocab_size_base", 1, max_tokens);
    const int order = config.integer("ngram_size", 2, 100);
    const int heads = config.integer("heads_per_ngram", 1, 1000);
    const int width = config.integer_or("ple_embed_dim", a.hidden, 1, max_width);
    const int tables = (order - 1) * heads;
    if (width % tables != 0)
        config.text.fail("ple_embed_dim", "is no multiple of (ngram_size - 1) x heads_per_ngram");
    const std::int64_t part = config.text.integer_or("make_ngram_vocab_size_divisible_by", 1, 1, max_tokens);
    add_table(config, a, "n-gram", tables * ((base + part - 1) / part * part), width / tables);
    const double sites =
        config.text.has("ple_layer_ids")
            ? static_cast<double>(config.text.numbers("ple_layer_ids", Range{0, max_layers}).size())
            : 1;
    const int kernel = config.integer_or("ple_conv_kernel_size", 0, 0, 1000);
    static_cast<void>(config.first({"split_ngram_parts"}));   // how the table is stored
    // A projection and a short convolution join the looked-up vector to the hidden state of each layer named.
    if (sites > 0 && width <= max_width - kernel)
        a.tables.push_back(
            {"n-gram join", static_cast<std::int64_t>(sites) * a.hidden, width + kernel, false});
}

/// LongCat-Flash-Lite: (n - 1) x k tables of ratio x V rows, together as wide as the hidden state, each projected.
void add_split_ngrams(const HfConfig& config, Architecture& a) {
    if (!config.text.has("ngram_vocab_size_ratio")) return;
    const std::int64_t rows =
        std::int64_t{config.integer("ngram_vocab_size_ratio", 1, 10'000)} * a.vocabulary;
    const int neighbours = config.integer("emb_neighbor_num", 2, 100);
    const int splits = config.integer("emb_split_num", 1, 1000);
    const int tables = (neighbours - 1) * splits;
    if (a.hidden % tables != 0)
        config.text.fail("emb_split_num",
                         "hidden_size is no multiple of (emb_neighbor_num - 1) x emb_split_num");
    add_table(config, a, "n-gram", tables * rows, a.hidden / tables);
    a.tables.push_back({"n-gram join", a.hidden, a.hidden, false});
}

/// Rows of tokens that stand for images and have no output (Llama 3.2 Vision).
void add_image_rows(const HfConfig& config, Architecture& a) {
    const int extra = config.integer_or("extra_vocabulary", 0, 0, 1000);
    if (extra > 0) a.tables.push_back({"image tokens", extra, a.hidden, false});
}

}   // namespace

void import_tables(const HfConfig& config, Architecture& a) {
    add_positions(config, a);
    add_layer_inputs(config, a);
    add_hashed_ngrams(config, a);
    add_split_ngrams(config, a);
    add_image_rows(config, a);
}

}   // namespace moecost
