// SPDX-License-Identifier: Apache-2.0
// A pool of a scenario as the command that starts one of its instances: words and settings file, from the rows [[flag]]
// of the engine rules alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/base/expected.h"
#include "moecost/base/value.h"
#include "moecost/estimate/scenario.h"

namespace moecost {

/// What a scenario does not say.
struct LaunchChoices {
    std::string checkpoint;   // Hugging Face id or folder of the weights
    bool quantised =
        true;   // the checkpoint is in the formats of the pool; false: the engine quantises while loading
    std::string version;            // of the engine; empty: any that the rules are about
    std::string host = "0.0.0.0";   // empty: the command says nothing of host and port
    int port = 0;                   // 0: of the engine
    double max_model_len = 0;       // 0: context_limit()
    std::string settings_file = "moecost-settings.yaml";   // where the command finds it
};

/// Place of a node among those of an instance, as texts: numbers, or variables of who starts it.
struct Node {
    int index = 0;
    std::string rank = "0";
    std::string first_rank = "0";   // data-parallel rank
    std::string head = "HEAD_ADDRESS";
};

struct Server {
    std::vector<std::string> words;
    Value settings;   // a table: the settings file; empty: none
    int nodes = 1;
    int gpus_per_node = 1;   // that the instance uses
    int local_ranks =
        0;   // data-parallel ranks of a node, where the engine spreads ranks over nodes; 0: it does not

    [[nodiscard]] bool has_settings() const { return std::holds_alternative<Value::Table>(settings.content); }
};

/// Tokens of the longest request that a server must take, where nobody says: twice the mean prompt and output, rounded
/// up to 1024, at most the positions of the model.
[[nodiscard]] double context_limit(const Scenario& scenario);

/// Words and settings of one node. Infeasible: the engine has no command, no word for a setting, not in this version.
[[nodiscard]] Expected<Server> server_of(const Scenario& scenario, const Pool& pool,
                                         const LaunchChoices& choices, const Node& node = {});

/// The node `index` of an instance whose head has this address.
[[nodiscard]] Node node_of(const Server& server, int index, std::string_view head);

/// -1, 0 or 1 as version a is older than, the same as or newer than b; the first number with dots of each text counts:
/// "about 0.4.9". A text without a number is the same as any.
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

}   // namespace moecost
