// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/library.h"

#include <filesystem>
#include <optional>

#include "moecost/base/read_file.h"
#include "moecost/model/architecture_toml.h"

namespace moecost {
namespace {

constexpr std::string_view folder = "workloads/models";

/// hf_quant_config.json beside a config.json, or <stem>.hf_quant_config.json beside <stem>.json.
std::optional<Document> quantisation_beside(const std::filesystem::path& config) {
    std::string name = config.stem().string();
    std::string candidate = config.filename() == "config.json" ? "" : name.append(".");
    const std::filesystem::path path = config.parent_path() / candidate.append("hf_quant_config.json");
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) return std::nullopt;
    return parse_json(read_file(path.string()), path.string());
}

void leave_towers_out(Architecture& a) {
    a.towers.clear();
    std::erase_if(a.notes, [](const std::string& note) { return note.starts_with("vision tower of "); });
}

/// A model file may hold towers and tables as well: the same choices apply.
Architecture own_model(const Document& document, const ImportOptions& options) {
    Architecture a = architecture_from_toml(document);
    if (!options.towers) leave_towers_out(a);
    for (LookupTable& table : a.tables)
        if (options.tables_on_host && table.name != "positions") table.on_host = true;
    return a;
}

/// A later release under the file of an earlier one may hold longer contexts: `positions` names it with what it holds.
Architecture known_as(std::string_view name, const Document& document, Architecture a) {
    const Reader reader(document);
    if (is_huggingface_config(document) || !reader.has("positions")) return a;
    const Reader positions = reader.table("positions");
    for (const std::string& alias : positions.keys())
        if (same_file_name(alias, name))
            a.max_position = static_cast<int>(positions.integer(alias, 1, 1'000'000'000));
    return a;
}

/// An object that is neither a model of ours nor looks like a config.json.
void refuse_other_json(const Document& document) {
    const Reader reader(document);
    if (document.file.ends_with(".json") && !reader.has("hidden"))
        reader.fail("hidden_size", "missing",
                    "a Hugging Face config.json states it, with vocab_size and the rest");
}

std::string lower(std::string_view text) {
    std::string s(text);
    for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return s;
}

/// The format that the name of a GGUF file states; q4_k_m where it states none.
std::string_view gguf_format(const std::string& name) {
    std::string_view found;
    for (const DTypeInfo& type : dtype_table)
        if (type.gguf && type.name.size() > found.size() && name.find(type.name) != std::string::npos)
            found = type.name;
    return found.empty() ? "q4_k_m" : found;
}

}   // namespace

void refuse_weights_file(std::string_view path) {
    const std::string name = lower(path);
    const bool gguf = name.ends_with(".gguf");
    if (!gguf && !name.ends_with(".safetensors") && !name.ends_with(".pt") && !name.ends_with(".pth")) return;
    std::error_code ec;
    if (!std::filesystem::exists(std::filesystem::path(path), ec))
        throw InputError({std::string(path)}, {}, "no such file");
    std::string hint("give the config.json of the model");
    if (gguf) hint.append(" and --weights ").append(gguf_format(name));
    throw InputError({std::string(path)}, {},
                     gguf ? "GGUF files are not read" : "files of weights are not read", hint);
}

Architecture model_from_document(const Document& document, const ImportOptions& options) {
    if (!is_huggingface_config(document)) {
        refuse_other_json(document);
        return own_model(document, options);
    }
    const std::optional<Document> quantisation = quantisation_beside(document.file);
    return import_huggingface(document, quantisation ? &*quantisation : nullptr, options);
}

Architecture load_model(const DataStore& data, std::string_view name, const ImportOptions& options) {
    refuse_weights_file(name);
    std::error_code ec;
    const std::filesystem::path path(name);
    if (is_path(name) && std::filesystem::is_directory(path, ec)) {
        return model_from_document(data.open(folder, (path / "config.json").string(), "model"), options);
    }
    const bool file = name.ends_with(".toml") || name.ends_with(".json");
    if (is_path(name) && !file && !std::filesystem::exists(path, ec)) {
        // A repository id such as Qwen/Qwen3-8B: models are known by their name without the publisher.
        return load_model(data, path.filename().string(), options);
    }
    const Document document = data.open(folder, name, "model");
    return known_as(name, document, model_from_document(document, options));
}

}   // namespace moecost
