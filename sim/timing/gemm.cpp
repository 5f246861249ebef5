// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/gemm.h"

#include <algorithm>

#include "moecost/base/numerics.h"

namespace moecost {
namespace {

/// Tiles of one side of the output, for tile lengths 64, 128 and 256.
struct TileCounts {
    explicit TileCounts(double length)
        : of{ceil_positive(length / 64), ceil_positive(length / 128), ceil_positive(length / 256)} {}
    double of[3];
};
/// Indices of the tile lengths in TileCounts, in the order of KernelLaw::padded_tile.
struct Tile {
    int m, n;
};
constexpr Tile tiles[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 1}, {1, 2}};

/// Padded tile area times waves of the best tile shape; `n` counts tiles per multiprocessor. Tiles come by area: once an
/// area alone exceeds the best time, no later tile can win.
double best_tile(const TileCounts& m, const double (&n)[3], const std::array<double, 6>& padded_tile,
                 double wave_tail) {
    double best = 1e300;
    for (std::size_t i = 0; i < padded_tile.size(); ++i) {
        if (padded_tile[i] >= best) break;
        const double waves = m.of[tiles[i].m] * n[tiles[i].n];
        const double waited = waves <= 1 ? 1 : waves + wave_tail * (ceil_positive(waves) - waves);
        best = std::min(best, waited * padded_tile[i]);
    }
    return best;
}

}   // namespace

GemmTablePlan::GemmTablePlan(const Gemm& op, const GemmTable& table, const CalibratedHardware& machine)
    : padded_tile_(&machine.profile->kernels->law.padded_tile),
      wave_tail_(table.wave_tail),
      corner_(table.overlap_exponent),
      factor_(machine.profile->serving.gemm_factor),
      floor_(machine.served_floor(table)),
      m_range_(table.m) {
    const auto format = static_cast<std::size_t>(op.weights);
    const MathUnit unit = machine.kernels.unit[format];
    const double sm = machine.cluster->gpu.multiprocessors;
    const double peak = machine.peak(unit).value();
    const double bandwidth = machine.memory_bandwidth().value();
    const double w = bytes_per_element(op.weights);
    const double operand = unit == MathUnit::bf16 ? 2 : w;
    const TileCounts n(op.n);
    for (int i = 0; i < 3; ++i) tiles_n_[i] = n.of[i] / sm;
    wave_time_ = 2 * op.k * sm / (peak * table.compute);
    flop_time_ = 2 * op.n * op.k / peak;
    work_time_ = 0.8 * flop_time_ / table.compute;   // splits of 64 x 64 tiles reach 0.83 of it
    ideal_weight_time_ = w * op.n * op.k / bandwidth;
    ideal_row_time_ = (operand * op.k + 2 * op.n) / bandwidth;
    weight_time_ = ideal_weight_time_ / table.memory;
    row_time_ = (operand * op.k + 2 * table.output_traffic * op.n) / (table.memory * bandwidth);
    quantise_time_ = operand == 2 ? 0 : op.k * (2 + w) / bandwidth;
    latency_ = op.k * table.k_latency.value();
    most_splits_ = op.k / table.split_k;
    inside_ = op.n >= table.n.low / 8 && op.n <= table.n.high && op.k >= table.k.low / 8 &&
              op.k <= table.k.high && !machine.kernels.borrowed[format];
}

Timed GemmTablePlan::time(double m) const {
    const TileCounts rows(m);
    const double occupied = rows.of[1] * tiles_n_[1];   // of the multiprocessors, by tiles of 128 x 128
    const double split = std::max(1.0, std::min(1 / occupied, most_splits_));
    double compute = best_tile(rows, tiles_n_, *padded_tile_, wave_tail_) * wave_time_;
    if (occupied < 1) compute /= split;

    Timed t;
    t.ideal_compute = Seconds{flop_time_ * m};
    t.ideal_memory = Seconds{ideal_weight_time_ + ideal_row_time_ * m};
    t.ideal_total = max(t.ideal_compute, t.ideal_memory);
    t.compute = max(Seconds{compute}, t.ideal_compute);
    const double memory = weight_time_ + row_time_ * m;
    const Seconds quantise{quantise_time_ * m};
    t.memory = max(factor_ * (Seconds{memory} + quantise), t.ideal_memory);
    t.floor = floor_;
    t.total = t.floor +
              factor_ * (Seconds{p_norm(t.compute.value(), memory, latency_ / split, corner_)} + quantise);
    t.compute = max(factor_ * t.compute, t.ideal_compute);
    t.total = max(t.total, t.ideal_total);
    t.provenance = in_range(inside_ && m_range_.contains(m));
    return t;
}

Timed gemm_time(const Gemm& op, const GemmTable& table, const CalibratedHardware& machine) {
    return GemmTablePlan(op, table, machine).time(op.m);
}

GemmPlan::GemmPlan(const Gemm& op, const CalibratedHardware& machine)
    : n_(op.n), k_(op.k), weights_(op.weights) {
    for (const GemmTable* table : machine.kernels.gemm[static_cast<std::size_t>(op.weights)])
        tables_[count_++] = GemmTablePlan(op, *table, machine);
}

Timed GemmPlan::time(double m) const {
    Timed best = tables_[0].time(m);
    for (std::size_t i = 1; i < count_; ++i) {
        if (tables_[i].least(m) >= best.total) continue;
        const Timed other = tables_[i].time(m);
        if (other.total < best.total) best = other;
    }
    return best;
}

}   // namespace moecost
