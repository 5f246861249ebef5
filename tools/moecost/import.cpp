// SPDX-License-Identifier: Apache-2.0
// The command `import`: a Hugging Face config.json as a model file of our own.
#include <filesystem>

#include "command.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/huggingface/huggingface.h"
#include "moecost/model/library.h"

namespace moecost::cli {
namespace {

Architecture import_config(const Invocation& invocation, std::string path) {
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec)) path.append("/config.json");
    const Document config = read_document(path);
    if (!is_huggingface_config(config)) {
        throw InputError({path}, {}, "is not a Hugging Face config.json",
                         "it has no 'model_type' or 'hidden_size'");
    }
    const std::string* quantisation = invocation.line.find("quantisation");
    if (quantisation == nullptr) return model_from_document(config);   // finds hf_quant_config.json beside it
    const Document format = read_document(*quantisation);
    return import_huggingface(config, &format);
}

}   // namespace

std::vector<Flag> import_flags() {
    return {{"quantisation", "FILE", "Import", "hf_quant_config.json (default: the one beside CONFIG.json)"},
            {"name", "NAME", "Import", "name of the model (default: what the config says)"}};
}

Answer run_import(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    if (given.size() != 2 || given[0] != "hf") {
        throw InputError({}, {}, "a format and one file are needed", "moecost import hf config.json");
    }
    Architecture architecture = import_config(invocation, given[1]);
    if (const std::string* name = invocation.line.find("name")) {
        if (printable(*name) != *name)
            throw InputError({"--name"}, {}, "a model's name is one line of UTF-8, at most 1,000 bytes");
        architecture.name = *name;
    }
    Answer answer;
    answer.output = architecture_to_toml(architecture);
    return answer;
}

}   // namespace moecost::cli
