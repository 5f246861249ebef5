// SPDX-License-Identifier: Apache-2.0
// A pool as a file that a cluster runs: Kubernetes (Deployment, or LeaderWorkerSet over several nodes), compose, llm-d
// values, Dynamo graph deployment. YAML; every file starts the very words of server_of().
#pragma once

#include <string>
#include <string_view>

#include "moecost/launch/server.h"

namespace moecost {

enum class Manifest { kubernetes, compose, llm_d, dynamo };

/// Infeasible: as server_of(); an engine or a number of nodes for which the form is not known.
[[nodiscard]] Expected<std::string> manifest_of(const Scenario& scenario, const Pool& pool,
                                                LaunchChoices choices, Manifest form);

/// The same for prefill and decode apart, `choices` in the order of the pools: the objects of both under names of their
/// own (Kubernetes), or one object that holds both. Infeasible for compose, which knows one machine.
[[nodiscard]] Expected<std::string> manifest_of_pools(const Scenario& scenario,
                                                      const std::vector<LaunchChoices>& choices,
                                                      Manifest form);

/// The shell script that starts each node; a settings file is written by it.
[[nodiscard]] Expected<std::string> script_of(const Scenario& scenario, const Pool& pool,
                                              const LaunchChoices& choices);

/// Lower-case letters, digits and dashes: a name that Kubernetes takes.
[[nodiscard]] std::string resource_name(std::string_view text);

}   // namespace moecost
