// SPDX-License-Identifier: Apache-2.0
// Models of the library and the names their weights are published under (Hugging Face ids): workloads/checkpoints.toml,
// and the `source` of the model files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "moecost/base/data.h"
#include "moecost/base/expected.h"
#include "moecost/estimate/scenario.h"
#include "moecost/launch/read_command.h"

namespace moecost {

struct Checkpoint {
    std::string id;
    bool quantised =
        true;   // stored in the formats asked for; false: as released, the engine quantises while loading
};

/// The published weights of the model under the name it was asked for, in the formats of the pool. Infeasible: none is
/// known.
[[nodiscard]] Expected<Checkpoint> checkpoint_of(const DataStore& data, std::string_view asked,
                                                 const Scenario& scenario, const Pool& pool);

struct KnownModel {
    std::string model;     // name in the library
    std::string weights;   // format of its GEMM weights; empty: as the library has it
};
/// The model of the library that an id names; nothing when the library has none of that name.
[[nodiscard]] std::optional<KnownModel> model_of(const DataStore& data, std::string_view id);

/// Names the model of a reading, and what follows from it: the cache in the format of the checkpoint, weights that the
/// checkpoint holds in that format already. False: the library has no such model.
bool resolve_model(const DataStore& data, CommandReading& reading);

}   // namespace moecost
