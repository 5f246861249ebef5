// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/collective.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/numerics.h"
#include "moecost/timing/roofline.h"

namespace moecost {
namespace {

Timed network_time(const Work& w, const CalibratedHardware& machine, Seconds floor, Seconds transfer,
                   Provenance provenance) {
    Timed t;
    t.network = transfer;
    t.floor = floor;
    t.total = floor + transfer;
    t.provenance = provenance;
    raise_to_roofline(t, roofline(w, machine));
    return t;
}

/// Reduce-scatter and all-gather inside domains, a ring of the shards across them.
Seconds hierarchical_all_reduce(const AllReduce& op, const CalibratedHardware& machine) {
    const Cluster& c = *machine.cluster;
    const double local = std::min<double>(c.domain, op.ranks);
    const double domains = std::ceil(op.ranks / local);
    const Bytes shard = op.message / local;
    return 2 * ring_all_gather(op.message, local, machine.link_bandwidth(), c.link_latency) +
           ring_all_reduce(shard, domains, c.nic_bandwidth, c.nic_latency);
}

/// The table of the number of nodes; else inside a domain that of one node, beyond it that of the next more nodes that
/// were timed, or of the most.
const AllToAllTable* all_to_all_table(const CalibratedHardware& machine, const ExpertAllToAll& op) {
    const AllToAllMode mode = op.nvlink        ? AllToAllMode::nvlink
                              : op.low_latency ? AllToAllMode::low_latency
                                               : AllToAllMode::normal;
    const double nodes = std::ceil(op.ranks / machine.cluster->gpus_per_node);
    const bool inside = op.ranks <= machine.cluster->domain;   // of a rack of several nodes, one switch away
    const AllToAllTable* best = nullptr;
    for (const AllToAllTable& table : machine.profile->kernels->all_to_all) {
        if (table.mode != mode) continue;
        if (table.nodes == nodes) return &table;
        if ((table.nodes == 1) != inside) continue;
        const bool nearer =
            best == nullptr || (best->nodes < nodes ? table.nodes > best->nodes
                                                    : table.nodes >= nodes && table.nodes < best->nodes);
        if (nearer) best = &table;
    }
    return best;
}

}   // namespace

Seconds one_shot_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds latency) {
    return latency + message * (ranks - 1) / link;
}
Seconds two_shot_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds latency) {
    return latency + message * (2 * (ranks - 1) / ranks) / link;
}
Seconds ring_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds hop) {
    return 2 * (ranks - 1) * hop + message * (2 * (ranks - 1) / ranks) / link;
}
Seconds nvls_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds latency) {
    return latency + message * ((ranks + 1) / ranks) / link;
}
Seconds ring_all_gather(Bytes total, double ranks, BytesPerSecond link, Seconds hop) {
    return (ranks - 1) * hop + total * ((ranks - 1) / ranks) / link;
}

AllReducePlan::AllReducePlan(double ranks, const CalibratedHardware& machine) {
    const BytesPerSecond link = machine.link_bandwidth();
    const Bytes byte{1};
    least_ = (work(AllReduce{byte, ranks}).message / link).value();
    least_in_switch_ = std::min(least_, (byte * ((ranks + 1) / ranks) / link).value());
    const auto extrapolated = [&](auto time_of) {
        const double hops = time_of(Bytes{0}).value();
        add({0, hops, time_of(Bytes{1e9}).value() * 1e-9 - hops * 1e-9, -1, false});
    };
    if (ranks > machine.cluster->domain) {
        extrapolated([&](Bytes s) { return hierarchical_all_reduce({s, ranks}, machine); });
    } else if (machine.profile->kernels->all_reduce.empty()) {
        extrapolated([&](Bytes s) { return ring_all_reduce(s, ranks, link, machine.cluster->link_latency); });
    } else {
        for (const AllReduceTable& table : machine.profile->kernels->all_reduce) add(table, ranks, machine);
    }
}

void AllReducePlan::add(const AllReduceTable& table, double ranks, const CalibratedHardware& machine) {
    const BytesPerSecond link = machine.link_bandwidth();
    const Bytes byte{1};
    // In the served graph the launch part, one_shot, grows by the floor factor like every kernel floor.
    const Seconds grown = machine.served_floor(table.one_shot) - table.one_shot;
    const Seconds besides = grown + table.per_rank * (ranks - 2);
    const double most_bytes = table.gpus.contains(ranks) ? table.bytes.high : -1;
    const auto offer = [&](Seconds latency, Seconds each, bool in_switch) {
        add({(latency + besides).value(), 0, each.value(), most_bytes, in_switch});
    };
    offer(table.one_shot, one_shot_all_reduce(byte, ranks, link * table.one_shot_bandwidth, Seconds{0}),
          false);
    offer(table.two_shot, two_shot_all_reduce(byte, ranks, link * table.two_shot_bandwidth, Seconds{0}),
          false);
    if (table.nvls_bandwidth > 0)
        offer(table.nvls, nvls_all_reduce(byte, ranks, link * table.nvls_bandwidth, Seconds{0}), true);
}

void AllReducePlan::add(const Algorithm& algorithm) {
    if (count_ < most) algorithms_[count_++] = algorithm;
}

Timed AllReducePlan::time(Bytes message) const {
    const double bytes = message.value();
    const Algorithm* best = &algorithms_[0];
    for (std::size_t i = 1; i < count_; ++i)
        if (algorithms_[i].seconds(bytes) < best->seconds(bytes)) best = &algorithms_[i];
    Timed t;
    t.floor = Seconds{best->floor};
    t.network = Seconds{best->hops + best->each * bytes};
    t.total = t.floor + t.network;
    t.provenance = in_range(bytes <= best->most_bytes);
    Timed ideal;
    // The switch reduces on the way: fewer bytes leave a rank than in any exchange between ranks.
    ideal.network = ideal.total = Seconds{(best->in_switch ? least_in_switch_ : least_) * bytes};
    raise_to_roofline(t, ideal);
    return t;
}

Timed all_reduce_time(const AllReduce& op, const CalibratedHardware& machine) {
    return AllReducePlan(op.ranks, machine).time(op.message);
}

Timed token_gather_time(const AllGather& op, const CalibratedHardware& machine) {
    const Work w = work(op);
    const AssumedEfficiencies& a = machine.profile->kernels->assumed;
    if (op.ranks > machine.cluster->domain) {
        const Seconds across = ring_all_gather(op.message, op.ranks, machine.cluster->nic_bandwidth,
                                               machine.cluster->nic_latency);
        return network_time(w, machine, Seconds{0}, across, Provenance::extrapolated);
    }
    return network_time(w, machine, a.gather, w.message / (machine.link_bandwidth() * a.gather_bandwidth),
                        Provenance::extrapolated);
}

Timed expert_all_to_all_time(const ExpertAllToAll& op, const CalibratedHardware& machine) {
    const Work w = work(op);
    const Cluster& c = *machine.cluster;
    const bool inside = op.ranks <= c.domain;
    const Timed untimed = network_time(w, machine, 2 * (inside ? c.link_latency : c.nic_latency),
                                       w.message / (inside ? machine.link_bandwidth() : c.nic_bandwidth),
                                       Provenance::extrapolated);
    const AllToAllTable* table = all_to_all_table(machine, op);
    if (table == nullptr) return untimed;
    const Bytes row{op.tokens_per_rank * op.hidden * (op.low_latency || op.nvlink ? op.top_k : op.reached)};
    const double log_tokens = fast_log2(1 + op.tokens_per_rank);
    const Seconds floor =
        table->dispatch + table->combine + (table->dispatch_log + table->combine_log) * log_tokens;
    const Seconds transfer = row * info(exchange_dispatch).element_bytes / table->dispatch_bandwidth +
                             row * info(exchange_combine).element_bytes / table->combine_bandwidth;
    const bool timed = inside || table->nodes == std::ceil(op.ranks / c.gpus_per_node);
    const Timed by_table = network_time(w, machine, floor, transfer, in_range(timed));
    return timed || by_table.total > untimed.total ? by_table : untimed;
}

Timed stage_send_time(const PipelineSend& op, const CalibratedHardware& machine) {
    const Work w = work(op);
    const Cluster& c = *machine.cluster;
    const bool inside = op.gpus <= c.domain;
    return network_time(w, machine, inside ? c.link_latency : c.nic_latency,
                        w.message / (inside ? machine.link_bandwidth() : c.nic_bandwidth),
                        Provenance::extrapolated);
}

}   // namespace moecost
