// SPDX-License-Identifier: Apache-2.0
// What would make an infeasible deployment run: the usual changes, tried in the order a planner would.
#include <cmath>

#include "moecost/estimate/estimate.h"

namespace moecost {
namespace {

constexpr int most_tp = 64;
constexpr int most_replicas = 4096;

bool runs(const DataStore& data, const Description& d) {
    try {
        const Expected<Scenario> s = describe(data, d);
        return s && evaluate(*s);
    } catch (const InputError&) {
        return false;
    }
}

std::string option(std::string_view key, int value) {
    return std::string("--").append(key).append(" ").append(std::to_string(value));
}

/// More instances of the same kind carry more load; they do not help a model that does not fit.
std::string more_instances(const DataStore& data, const Description& d, const Infeasible& why) {
    const bool of_load = why.quantity == "arrival rate" || why.quantity == "sequences at once";
    if (!of_load || !(why.available > 0)) return {};
    const Expected<Scenario> s = describe(data, d);
    if (!s) return {};
    const double needed = std::ceil(s->pool().replicas * why.needed / why.available - 1e-9);
    for (int n = static_cast<int>(std::min<double>(needed, most_replicas));
         n <= needed + 1 && n <= most_replicas; ++n) {
        Description more = d;
        const int gpus = n * s->pool().layout.gpus();
        if (d.gpus)
            more.gpus = gpus;
        else
            more.replicas = n;
        if (d.gpus && d.replicas) more.replicas = n;
        if (runs(data, more)) return d.gpus ? option("gpus", gpus) : option("replicas", n);
    }
    return {};
}

std::string wider(const DataStore& data, const Description& description, int from, int to) {
    for (int tp = from; tp <= to; tp *= 2) {
        Description d = description;
        if (d.gpus && *d.gpus % tp != 0) d.gpus = tp;
        d.tp = tp;
        d.replicas.reset();
        if (runs(data, d))
            return description.gpus && *description.gpus % tp != 0 ? option("gpus", tp) : option("tp", tp);
    }
    return {};
}

std::string fewer_bits(const DataStore& data, const Description& description) {
    for (const std::string_view format : {"fp8", "fp8-block", "nvfp4"}) {
        Description d = description;
        d.weights = format;
        if (runs(data, d)) return std::string("--weights ").append(format);
    }
    return {};
}

/// GPUs that are no multiple of an instance: the nearest counts that are.
std::string nearest_counts(const Description& d, const Infeasible& why) {
    if (why.quantity != "gpus" || !d.gpus || !(why.available >= 1)) return {};
    const auto unit = static_cast<int>(why.available);
    const int below = *d.gpus / unit * unit;
    std::string s;
    if (below > 0) s.append(option("gpus", below)).append(" or ");
    return s.append(option("gpus", below + unit));
}

}   // namespace

std::string smallest_fix(const DataStore& data, const Description& d, const Infeasible& why) {
    if (!why.fix.empty()) return why.fix;
    if (std::string fix = nearest_counts(d, why); !fix.empty()) return fix;
    if (std::string fix = more_instances(data, d, why); !fix.empty()) return fix;
    const int tp = d.tp.value_or(1);
    const int node = 8;
    if (std::string fix = wider(data, d, tp * 2, node); !fix.empty()) return fix;
    if (std::string fix = fewer_bits(data, d); !fix.empty()) return fix;
    return wider(data, d, std::max(tp, node) * 2, most_tp);
}

}   // namespace moecost
