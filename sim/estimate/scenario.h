// SPDX-License-Identifier: Apache-2.0
// All that evaluate() needs, resolved and checked: a model, the pools of instances that serve it, and who asks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moecost/cost/power.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/drafting.h"
#include "moecost/hardware/engine_rules.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/effects.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture.h"
#include "moecost/model/counts.h"
#include "moecost/ops/launchable.h"
#include "moecost/ops/layout.h"
#include "moecost/serving/prefix_hits.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

/// What the instances of a pool do with a request: all of it, its prompt, or its output.
using Role = LaunchRole;

/// Equal instances of one engine on one kind of machine behind a load balancer.
struct Pool {
    Role role = Role::both;
    Cluster cluster;
    Layout layout;      // of one instance
    int replicas = 1;   // instances
    Precision precision;
    Profile profile;
    double pace_together = 1;   // profile.serving.pace where the pool serves whole requests
    /// Kernels are those of an accelerator of the same maker and generation: how far it is, in e-folds of the bf16 peak and of
    /// the memory bandwidth together.
    std::optional<double> sibling;
    ServedClass served;   // what measured servers say of such a deployment
    EngineRules rules;    // of the profile's engine
    EngineSettings settings;
    DraftLaw drafting;   // of the model under the engine
    Price price;

    [[nodiscard]] int gpus() const { return layout.gpus() * replicas; }
};

/// How the cache of a prompt travels from the prefill pool to the decode pool.
struct Transfer {
    BytesPerSecond
        bandwidth;        // of one GPU; 0: that of the slower pool's network, or of the link of one domain
    double overlap = 0;   // share that hides behind the prompt's own steps
};

/// Load and prices are those of the whole deployment. One pool serves all of a request; two are prefill and decode, in
/// this order.
struct Scenario {
    Architecture architecture;
    std::string release;   // name it was asked by, where that is another: a later release of the same shape
    std::vector<Pool> pools = std::vector<Pool>(1);
    Traffic traffic;
    PrefixReuse reuse;
    Slo slo;
    Transfer transfer;
    double blend_input_parts = 3;
    bool asks_capacity = false;   // what memory can hold is worked out too (serving/capacity.h)
    PowerLaw power;
    std::vector<std::string> notes;   // what was assumed

    /// The only pool, or that of decode.
    [[nodiscard]] Pool& pool() { return pools.back(); }
    [[nodiscard]] const Pool& pool() const { return pools.back(); }
    [[nodiscard]] bool two_pools() const { return pools.size() > 1; }
    [[nodiscard]] int gpus() const {
        int sum = 0;
        for (const Pool& p : pools) sum += p.gpus();
        return sum;
    }
};

/// The model as it was asked for: "deepseek-r1", not deepseek-v3 whose shape it has.
[[nodiscard]] inline const std::string& model_name(const Scenario& s) {
    return s.release.empty() ? s.architecture.name : s.release;
}

/// Stored weights of the model as pool() holds it: what evaluate() wants to know about the tensors.
[[nodiscard]] inline WeightBytes weights_of(const Scenario& s) {
    return weight_bytes(s.architecture, s.pool().precision);
}

}   // namespace moecost
