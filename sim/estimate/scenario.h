// SPDX-License-Identifier: Apache-2.0
// All that evaluate() needs, resolved and checked: a model, the pools of instances that serve it, and who asks.
#pragma once

#include <string>
#include <vector>

#include "moecost/cost/power.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/engine_rules.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/effects.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture.h"
#include "moecost/model/counts.h"
#include "moecost/ops/layout.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

/// What the instances of a pool do with a request: all of it, its prompt, or its output.
enum class Role { both, prefill, decode };

/// Equal instances of one engine on one kind of machine behind a load balancer.
struct Pool {
    Role role = Role::both;
    Cluster cluster;
    Layout layout;      // of one instance
    int replicas = 1;   // instances
    Precision precision;
    Profile profile;
    bool sibling = false;   // kernels are those of an accelerator of the same maker and generation
    ServedClass served;     // what measured servers say of such a deployment
    EngineRules rules;      // of the profile's engine
    EngineSettings settings;
    Price price;

    [[nodiscard]] int gpus() const { return layout.gpus() * replicas; }
};

/// Load and prices are those of the whole deployment. One pool serves all of a request; two are prefill and decode.
struct Scenario {
    Architecture architecture;
    std::vector<Pool> pools = std::vector<Pool>(1);
    Traffic traffic;
    Slo slo;
    double blend_input_parts = 3;
    PowerLaw power;
    std::vector<std::string> notes;   // what was assumed

    /// The only pool, or the first one.
    [[nodiscard]] Pool& pool() { return pools.front(); }
    [[nodiscard]] const Pool& pool() const { return pools.front(); }
};

/// Stored weights of the model as the first pool holds it: what evaluate() wants to know about the tensors.
[[nodiscard]] inline WeightBytes weights_of(const Scenario& s) {
    return weight_bytes(s.architecture, s.pool().precision);
}

}   // namespace moecost
