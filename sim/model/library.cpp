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

}   // namespace

Architecture model_from_document(const Document& document, const ImportOptions& options) {
    if (!is_huggingface_config(document)) return own_model(document, options);
    const std::optional<Document> quantisation = quantisation_beside(document.file);
    return import_huggingface(document, quantisation ? &*quantisation : nullptr, options);
}

Architecture load_model(const DataStore& data, std::string_view name, const ImportOptions& options) {
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
