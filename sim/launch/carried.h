// SPDX-License-Identifier: Apache-2.0
// What a command says of a deployment, found by reading it back: whatever a person gave that does not come back is told.
#pragma once

#include <string>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/launch/pools_apart.h"
#include "moecost/launch/server.h"

namespace moecost {

/// The words of a server, read back; the model by the library's name where it has one.
[[nodiscard]] CommandReading read_back(const DataStore& data, const EngineRules& rules, const Server& server);

/// Options that were given and that neither the words say, nor the checkpoint and the machines, nor the load generator
/// (lengths, requests in flight or per second): "--expert-skew 2".
[[nodiscard]] std::vector<std::string> options_not_carried(const Description& given,
                                                           const CommandReading& read);

}   // namespace moecost
