// SPDX-License-Identifier: Apache-2.0
// Collectives. S bytes per rank, n ranks, b bytes/s of one direction, l seconds of latency.
#pragma once

#include <array>

#include "moecost/ops/operation.h"
#include "moecost/timing/calibrated_hardware.h"

namespace moecost {

/// Everyone reads everyone: l + (n - 1) S/b. Best for small messages.
[[nodiscard]] Seconds one_shot_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds latency);
/// Reduce-scatter, then all-gather: l + 2 (n - 1)/n S/b.
[[nodiscard]] Seconds two_shot_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds latency);
/// Ring: 2 (n - 1) l + 2 (n - 1)/n S/b, l per hop. 1 GB over 8 ranks at 450 GB/s: 3.89 ms.
[[nodiscard]] Seconds ring_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds hop);
/// Reduced in the switch (NVLS): l + (n + 1)/n S/b.
[[nodiscard]] Seconds nvls_all_reduce(Bytes message, double ranks, BytesPerSecond link, Seconds latency);
/// All-gather or reduce-scatter, half of a ring: (n - 1) l + (n - 1)/n S/b, S of all ranks together.
[[nodiscard]] Seconds ring_all_gather(Bytes total, double ranks, BytesPerSecond link, Seconds hop);

/// Inside a domain the least of the algorithms a table knows, each with its own share of the link:
///   t = min over tables of min(one-shot, two-shot, NVLS) + per_rank (n - 2)
/// Across domains: reduce-scatter inside, ring over the NICs of S/n_local, all-gather inside.
/// Held-out error inside one NVLink domain: 4.5 % median (kernel timing tables, 2026-08; residuals in
/// the profiles).
[[nodiscard]] Timed all_reduce_time(const AllReduce& op, const CalibratedHardware& machine);

/// The same for many messages between the same ranks: every algorithm takes floor + hops + S each.
class AllReducePlan {
  public:
    AllReducePlan(double ranks, const CalibratedHardware& machine);
    [[nodiscard]] Timed time(Bytes message) const;

  private:
    struct Algorithm {
        double floor, hops, each;   // seconds, seconds, seconds per byte
        double most_bytes;          // of the fit; negative: none
        bool in_switch;
        [[nodiscard]] double seconds(double bytes) const { return floor + hops + each * bytes; }
    };
    static constexpr std::size_t most = 12;   // three tables of three
    void add(const AllReduceTable& table, double ranks, const CalibratedHardware& machine);
    void add(const Algorithm& algorithm);
    std::array<Algorithm, most> algorithms_;
    std::size_t count_ = 0;
    double least_ = 0;             // seconds per byte that leave a rank, at datasheet speed
    double least_in_switch_ = 0;   // the same where the switch reduces
};

/// Gather or scatter of tokens between attention-data-parallel ranks: gather_us + S (n - 1)/n/(gather_bandwidth b).
[[nodiscard]] Timed token_gather_time(const AllGather& op, const CalibratedHardware& machine);

/// Expert dispatch and combine of T tokens per rank: t0 + S/B + c log2(1 + T) each, S = T h k (dispatch, fp8) or
/// 2 T h k (combine, bf16); normal mode sends once per distinct rank, 8 (1 - (7/8)^k) of 8 (kernel timing tables,
/// 2026-08; residuals in the profiles).
/// NVLink two-sided: T h k bytes and 2 T h k, as DeepEP low latency. Over more nodes than were timed: the table of the next
/// number of nodes or the payload at NIC speed, whichever is slower; without a table ring latency and link or NIC speed.
[[nodiscard]] Timed expert_all_to_all_time(const ExpertAllToAll& op, const CalibratedHardware& machine);

/// Hidden states to the next pipeline stage: over the link inside a domain, over the NIC beyond it.
[[nodiscard]] Timed stage_send_time(const PipelineSend& op, const CalibratedHardware& machine);

}   // namespace moecost
