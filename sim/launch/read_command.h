// SPDX-License-Identifier: Apache-2.0
// Commands that start a server, read back: inputs of ours, what an estimate does not know, and flags nobody knows. Flags
// and the engine's own numbers come from the engine rules; nothing that stands in a command is dropped.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moecost/base/value.h"
#include "moecost/estimate/description.h"
#include "moecost/hardware/engine_rules.h"

namespace moecost {

struct CommandReading {
    std::string engine;        // id of its rules
    std::string checkpoint;    // as written: Hugging Face id or path; empty: not stated
    Description description;   // engine, layout and settings; names of the model are resolve_model()'s
    std::vector<std::pair<std::string, std::string>> others;   // understood, not known to an estimate
    std::vector<std::string> unknown;                          // flags with their values, as written
    std::vector<std::string> notes;                            // words read as the nearest of ours
    std::vector<std::string> warnings;   // of resolve_model(): what an estimate would get wrong
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<std::string> before;   // words before the engine's own: wrappers
    std::string settings_file;         // named by the command; empty: none
    bool released_cache = false;       // the cache has the format of the checkpoint
};

/// Where the words of a server start and which engine's they are.
struct ServerWords {
    const EngineRules* rules = nullptr;
    std::size_t start = 0;   // first word after those that start the server
    std::size_t first = 0;   // first word of the server
};
[[nodiscard]] std::optional<ServerWords> find_server(const std::vector<EngineRules>& engines,
                                                     const std::vector<std::string>& words);

/// Reads words and, where there is one, the settings file (which wins where the rules have keys for it). InputError:
/// a value that does not fit its flag, sizes that contradict each other.
[[nodiscard]] CommandReading read_server(const EngineRules& rules, const std::vector<std::string>& words,
                                         const ServerWords& at, const Document* settings);

/// The settings file that the words name; empty: none.
[[nodiscard]] std::string settings_file_of(const EngineRules& rules, const std::vector<std::string>& words);

}   // namespace moecost
