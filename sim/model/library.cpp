// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/library.h"

#include <filesystem>
#include <optional>

#include "moecost/base/read_file.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/huggingface/huggingface.h"

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

}   // namespace

Architecture model_from_document(const Document& document) {
    if (!is_huggingface_config(document)) return architecture_from_toml(document);
    const std::optional<Document> quantisation = quantisation_beside(document.file);
    return import_huggingface(document, quantisation ? &*quantisation : nullptr);
}

Architecture load_model(const DataStore& data, std::string_view name) {
    std::error_code ec;
    const std::filesystem::path path(name);
    if (is_path(name) && std::filesystem::is_directory(path, ec)) {
        return model_from_document(data.open(folder, (path / "config.json").string(), "model"));
    }
    const bool file = name.ends_with(".toml") || name.ends_with(".json");
    if (is_path(name) && !file && !std::filesystem::exists(path, ec)) {
        // A repository id such as Qwen/Qwen3-8B: models are known by their name without the publisher.
        return model_from_document(data.open(folder, path.filename().string(), "model"));
    }
    return model_from_document(data.open(folder, name, "model"));
}

}   // namespace moecost
