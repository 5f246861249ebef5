// SPDX-License-Identifier: Apache-2.0
// The command `import`: a Hugging Face config.json as a model file of our own, a server command as a scenario
// (launch/read.cpp), results of a load generator as measured points (launch/bench.cpp).
#include <algorithm>
#include <filesystem>

#include "command.h"
#include "launch/launch.h"
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
    refuse_weights_file(path);
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

Answer import_model(const Invocation& invocation) {
    if (invocation.format != Format::text)
        throw InputError({"--format"}, {}, "a model file is TOML alone", "leave --format out");
    const auto& given = invocation.line.positional;
    if (given.size() != 2) throw InputError({}, {}, "one file is needed", "moecost import hf config.json");
    Architecture architecture = import_config(invocation, given[1]);
    if (const std::string* name = invocation.line.find("name")) {
        if (printable(*name) != *name)
            throw InputError({"--name"}, {}, "a model's name is one line of UTF-8, at most 1,000 bytes");
        architecture.name = *name;
    }
    state_weights(invocation.line, architecture);
    return {architecture_to_toml(architecture), warning_lines(architecture), answered};
}

}   // namespace

std::vector<Flag> import_flags() {
    std::vector<Flag> flags{
        {"quantisation", "FILE", "Model", "hf: hf_quant_config.json (default: the one beside CONFIG.json)"},
        {"name", "NAME", "Model", "hf: name of the model (default: what the config says)"},
        {"weights", "FORMAT", "Model",
         "hf: format of all GEMM weights, where the config's is not understood"},
        {"ignore-key", "KEY", "Model",
         "hf: count the model without this key, which is not known here; may be repeated"},
        {"text-only", "", "Model", "hf: leave encoders of images and sound out"},
        {"host-tables", "", "Model", "hf: n-gram and per-layer tables lie in the memory of the host"},
        {"settings", "FILE", "Command",
         "cmd: settings file of the engine (default: the one the command names)"},
        {"pick", "N", "Command", "cmd: which of several server commands (default: 1)"}};
    const auto known = [&](const Flag& flag) {
        return std::any_of(flags.begin(), flags.end(), [&](const Flag& f) { return f.key == flag.key; });
    };
    for (Flag& flag : run_flags()) {
        if (!known(flag)) flags.push_back(flag);   // --weights is one option, of a config.json and of a run
    }
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
