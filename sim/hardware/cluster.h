// SPDX-License-Identifier: Apache-2.0
// Accelerators joined: GPUs of a node, the scale-up domain, and the network beyond it.
#pragma once

#include <string>
#include <string_view>

#include "moecost/hardware/accelerator.h"

namespace moecost {

class DataStore;

struct Cluster {
    std::string id;
    Accelerator gpu;
    int gpus_per_node = 8;
    int domain = 8;                 // GPUs of one scale-up domain (may span nodes: NVL72)
    BytesPerSecond nic_bandwidth;   // per GPU, unidirectional
    Seconds link_latency;           // one hop inside the domain
    Seconds nic_latency;            // one hop across the network
};

/// The usual machine around an accelerator: its own domain and NIC, nodes of min(domain, 8) GPUs.
[[nodiscard]] Cluster cluster_of(const Accelerator& gpu);
/// hwmodels/clusters/*.toml by id or path; names its accelerator.
[[nodiscard]] Cluster load_cluster(const DataStore& data, std::string_view name);

}   // namespace moecost
