// SPDX-License-Identifier: Apache-2.0
// Commands of a prefill and a decode worker as one scenario of two pools.
#pragma once

#include "moecost/launch/read_command.h"

namespace moecost {

/// "prefill", "decode", or empty: the worker serves whole requests.
[[nodiscard]] std::string role_of(const CommandReading& reading);

/// What both say stands once; where they differ, it stands in the inputs of the pools, or, where no input can hold the
/// difference, a note tells of it and the decode worker's word counts. Numbers of workers: description.replicas of each.
[[nodiscard]] CommandReading joined(const CommandReading& prefill, const CommandReading& decode);

}   // namespace moecost
