// SPDX-License-Identifier: Apache-2.0
// Server commands inside what people keep them in: a command line, a shell script, a compose file, Kubernetes manifests,
// a settings file alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moecost/launch/read_command.h"

namespace moecost {

struct FoundCommand {
    std::vector<std::string> words;
    ServerWords at;
    std::optional<Document> settings;   // the settings file, where it stands in the same text
    int line = 0;
    double replicas = 1;   // of the manifest
};

/// Every server command of the text, in order. The engines must outlive the answer. `file` ending in .yaml or .yml: YAML,
/// else a shell script. Shell variables that the script sets before are filled in. InputError: no server command.
/// `others`: words of commands that are no servers though they begin with the word of one (router.h).
[[nodiscard]] std::vector<FoundCommand> find_commands(
    const std::vector<EngineRules>& engines, std::string_view text, const std::string& file,
    const std::vector<std::vector<std::string>>& others = {});

/// Rules of every engine that has a command.
[[nodiscard]] std::vector<EngineRules> launchable_engines(const DataStore& data);

}   // namespace moecost
