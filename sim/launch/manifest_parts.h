// SPDX-License-Identifier: Apache-2.0
// What manifests of one pool and of two have in common: names, images, GPUs, and the forms that hold both phases of a
// request in one object (values of the chart llm-d-modelservice, DynamoGraphDeployment).
#pragma once

#include <string>
#include <vector>

#include "moecost/base/yaml.h"
#include "moecost/launch/server.h"

namespace moecost {

[[nodiscard]] Value texts_of(const std::vector<std::string>& words);
[[nodiscard]] std::string image_of(const Pool& pool, const LaunchChoices& choices);
[[nodiscard]] Value gpu_limits(const Pool& pool, int gpus);
[[nodiscard]] int port_of(const Pool& pool, const LaunchChoices& choices);
/// The model, and the phase where there are two pools.
[[nodiscard]] std::string resource_name_of(const Scenario& scenario, const Pool& pool);
[[nodiscard]] Infeasible unknown_form(std::string detail, std::string fix);

/// A pool and what starts one of its instances.
struct PoolServer {
    const Pool* pool = nullptr;
    LaunchChoices choices;
    Server server;
};

/// Values of the chart for one pool, or for prefill and decode in this order: a proxy then stands before the decode
/// server, which has to listen on the port llm_d_behind_proxy.
[[nodiscard]] Expected<std::string> llm_d_values(const Scenario& scenario,
                                                 const std::vector<PoolServer>& servers);
inline constexpr int llm_d_behind_proxy = 8200;   // routing.proxy.targetPort of the chart

/// A graph of a frontend and a worker, or of a frontend, prefill and decode workers.
[[nodiscard]] Expected<std::string> dynamo_graph(const std::vector<PoolServer>& servers,
                                                 const std::string& name);

}   // namespace moecost
