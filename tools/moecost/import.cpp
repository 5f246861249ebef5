// SPDX-License-Identifier: Apache-2.0
// The command `import`: a Hugging Face config.json as a model file of our own.
#include <filesystem>

#include "command.h"
#include "moecost/model/architecture_toml.h"
#include "moecost/model/huggingface/huggingface.h"
#include "moecost/model/library.h"
#include "text.h"

namespace moecost::cli {
namespace {

ImportOptions import_options(const CommandLine& line) {
    ImportOptions options;
    for (const Setting& s : line.settings)
        if (s.key == "ignore-key") options.ignored_keys.push_back(s.text);
    options.towers = !line.has("text-only");
    options.tables_on_host = line.has("host-tables");
    options.weights_stated = line.has("weights");
    return options;
}

/// The format that stands for a quantisation that is not understood.
void state_weights(const CommandLine& line, Architecture& a) {
    const std::string* name = line.find("weights");
    if (name == nullptr) return;
    const auto type = dtype_named(*name);
    if (!type)
        throw InputError({"--weights"}, {},
                         std::string("'").append(*name).append("' is not a number format"));
    a.precision = a.precision.with_weights(*type);
    a.mixed.clear();
}

Architecture import_config(const Invocation& invocation, std::string path) {
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec)) path.append("/config.json");
    const Document config = read_document(path);
    if (!is_huggingface_config(config)) {
        throw InputError({path}, {}, "is not a Hugging Face config.json",
                         "it has no 'model_type' or 'hidden_size'");
    }
    const std::string* quantisation = invocation.line.find("quantisation");
    const ImportOptions options = import_options(invocation.line);
    if (quantisation == nullptr)
        return model_from_document(config, options);   // finds hf_quant_config.json beside it
    const Document format = read_document(*quantisation);
    return import_huggingface(config, &format, options);
}

}   // namespace

std::vector<Flag> import_flags() {
    return {
        {"quantisation", "FILE", "Import", "hf_quant_config.json (default: the one beside CONFIG.json)"},
        {"name", "NAME", "Import", "name of the model (default: what the config says)"},
        {"weights", "FORMAT", "Import", "format of all GEMM weights, where the config's is not understood"},
        {"ignore-key", "KEY", "Import",
         "count the model without this key, which is not known here; may be repeated"},
        {"text-only", "", "Import", "leave encoders of images and sound out"},
        {"host-tables", "", "Import", "n-gram and per-layer tables lie in the memory of the host"}};
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
    state_weights(invocation.line, architecture);
    Answer answer;
    answer.messages = warning_lines(architecture);
    answer.output = architecture_to_toml(architecture);
    return answer;
}

}   // namespace moecost::cli
