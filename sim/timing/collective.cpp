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

/// Latency and transfer of one algorithm, and whether the message lies in the fitted range.
struct Choice {
    Seconds latency{1e300};
    Seconds transfer;
    bool inside = false;
    bool in_switch = false;
};

Choice fastest_inside_domain(const AllReduce& op, const CalibratedHardware& machine) {
    const BytesPerSecond link = machine.link_bandwidth();
    Choice best;
    for (const AllReduceTable& table : machine.profile->kernels->all_reduce) {
        const Seconds waiting = table.per_rank * (op.ranks - 2);
        const Seconds one =
            one_shot_all_reduce(op.message, op.ranks, link * table.one_shot_bandwidth, Seconds{0});
        const Seconds two =
            two_shot_all_reduce(op.message, op.ranks, link * table.two_shot_bandwidth, Seconds{0});
        // In the served graph the launch part, one_shot, grows by the floor factor like every kernel floor.
        const Seconds grown = machine.served_floor(table.one_shot) - table.one_shot;
        const bool inside = table.gpus.contains(op.ranks) && op.message.value() <= table.bytes.high;
        const auto offer = [&](Seconds latency, Seconds transfer, bool in_switch) {
            const Choice choice{latency + grown + waiting, transfer, inside, in_switch};
            if (choice.latency + choice.transfer < best.latency + best.transfer) best = choice;
        };
        offer(table.one_shot, one, false);
        offer(table.two_shot, two, false);
        if (table.nvls_bandwidth > 0) {
            offer(table.nvls, nvls_all_reduce(op.message, op.ranks, link * table.nvls_bandwidth, Seconds{0}),
                  true);
        }
    }
    return best;
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

Timed all_reduce_time(const AllReduce& op, const CalibratedHardware& machine) {
    Work w = work(op);
    if (op.ranks > machine.cluster->domain) {
        return network_time(w, machine, Seconds{0}, hierarchical_all_reduce(op, machine),
                            Provenance::extrapolated);
    }
    if (machine.profile->kernels->all_reduce.empty()) {
        return network_time(
            w, machine, Seconds{0},
            ring_all_reduce(op.message, op.ranks, machine.link_bandwidth(), machine.cluster->link_latency),
            Provenance::extrapolated);
    }
    const Choice best = fastest_inside_domain(op, machine);
    // The switch reduces on the way: fewer bytes leave a rank than in any exchange between ranks.
    if (best.in_switch) w.message = min(w.message, op.message * ((op.ranks + 1) / op.ranks));
    return network_time(w, machine, best.latency, best.transfer, in_range(best.inside));
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
