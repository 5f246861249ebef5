// SPDX-License-Identifier: Apache-2.0
// The command `import`: a Hugging Face config.json as a model file of our own, a server command as a scenario
// (launch/read.cpp), results of a load generator as measured points (launch/bench.cpp).
#include <filesystem>

#include "command.h"
#include "launch/launch.h"
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
    if (quantisation == nullptr)
        return load_model(invocation.data, path);   // finds hf_quant_config.json beside it
    const Document format = read_document(*quantisation);
    return import_huggingface(config, &format);
}

Answer import_model(const Invocation& invocation) {
    if (invocation.format != Format::text)
        throw InputError({"--format"}, {}, "a model file is TOML alone", "leave --format out");
    const auto& given = invocation.line.positional;
    if (given.size() != 2) throw InputError({}, {}, "one file is needed", "moecost import hf config.json");
    Architecture architecture = import_config(invocation, given[1]);
    if (const std::string* name = invocation.line.find("name")) architecture.name = *name;
    return {architecture_to_toml(architecture), {}, answered};
}

}   // namespace

std::vector<Flag> import_flags() {
    std::vector<Flag> flags{
        {"quantisation", "FILE", "Model", "hf: hf_quant_config.json (default: the one beside CONFIG.json)"},
        {"name", "NAME", "Model", "hf: name of the model (default: what the config says)"},
        {"settings", "FILE", "Command",
         "cmd: settings file of the engine (default: the one the command names)"},
        {"pick", "N", "Command", "cmd: which of several server commands (default: 1)"}};
    for (Flag& flag : run_flags()) flags.push_back(flag);
    return flags;
}

Answer run_import(const Invocation& invocation) {
    const auto& given = invocation.line.positional;
    const std::string kind = given.empty() ? std::string() : given[0];
    if (kind == "hf") return import_model(invocation);
    if (kind == "cmd") return import_command(invocation);
    if (kind == "bench") return import_bench(invocation);
    throw InputError({}, {}, "hf, cmd or bench is needed", "moecost import hf config.json");
}

}   // namespace moecost::cli
