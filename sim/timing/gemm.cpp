// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/gemm.h"

#include <algorithm>

#include "moecost/base/numerics.h"

namespace moecost {
namespace {

/// Tiles of one side of the output, for tile lengths 64, 128 and 256, where it has so many of 64.
struct TileCounts {
    explicit TileCounts(double of_64) : of{of_64, ceil_positive(of_64 / 2), ceil_positive(of_64 / 4)} {}
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
    : padded_tile_(machine.profile->kernels->law.padded_tile),
      wave_tail_(table.wave_tail),
      corner_(table.overlap_exponent),
      inverse_corner_(1 / table.overlap_exponent),
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
    const TileCounts n(whole_tiles(op.n / band_rows));
    for (int i = 0; i < 3; ++i) tiles_n_[i] = n.of[i] / sm;
    wave_time_ = 2 * op.k * sm / (peak * table.compute);
    flop_time_ = 2 * op.n * op.k / peak;
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

/// t_c before the datasheet, and t_l.
struct GemmTablePlan::Split {
    double compute;
    double latency;
};

GemmTablePlan::Split GemmTablePlan::split(double band) const {
    const TileCounts rows(band);
    const double occupied = rows.of[1] * tiles_n_[1];   // of the multiprocessors, by tiles of 128 x 128
    const double split = std::max(1.0, std::min(1 / occupied, most_splits_));
    const double compute = best_tile(rows, tiles_n_, padded_tile_, wave_tail_) * wave_time_;
    return {occupied < 1 ? compute / split : compute, latency_ / split};
}

Timed GemmTablePlan::time(double m) const {
    const Split of = split(whole_tiles(m / band_rows));
    Timed t;
    t.ideal_compute = Seconds{ideal_compute(m)};
    t.ideal_memory = Seconds{ideal_memory(m)};
    t.ideal_total = max(t.ideal_compute, t.ideal_memory);
    t.compute = max(Seconds{of.compute}, t.ideal_compute);
    const double memory = weight_time_ + row_time_ * m;
    const Seconds quantise{quantise_time_ * m};
    t.memory = max(factor_ * (Seconds{memory} + quantise), t.ideal_memory);
    t.floor = floor_;
    t.total =
        t.floor + factor_ * (Seconds{p_norm(t.compute.value(), memory, of.latency, corner_)} + quantise);
    t.compute = max(factor_ * t.compute, t.ideal_compute);
    t.total = max(t.total, t.ideal_total);
    t.provenance = in_range(inside(m));
    return t;
}

GemmTablePlan::Fixed GemmTablePlan::fixed(double band) const {
    const Split of = split(band);
    if (of.compute < ideal_compute(band * band_rows) || !(corner_ < 1e3)) return {-1, 0};
    const double norm = p_norm(of.compute, of.latency, corner_);
    return {norm, corner_ * fast_log2(norm)};
}

double GemmTablePlan::total(double m, const Fixed& of) const {
    if (of.norm < 0) return time(m).total.value();
    const double memory = weight_time_ + row_time_ * m;
    const double apart = -std::abs(corner_ * fast_log2(memory) - of.power);
    double body = std::max(of.norm, memory);
    if (apart > negligible_exponent) body *= fast_exp2(soft_maximum_of(apart) * inverse_corner_);
    return std::max(floor_.value() + factor_ * (body + quantise_time_ * m), ideal_total(m));
}

Timed gemm_time(const Gemm& op, const GemmTable& table, const CalibratedHardware& machine) {
    return GemmTablePlan(op, table, machine).time(op.m);
}

GemmPlan::GemmPlan(const Gemm& op, const CalibratedHardware& machine) {
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

namespace {

/// Bands of plans that stay are met often enough.
constexpr std::size_t worth_interpolating = 64;

double row_at(const GemmBand& slot, double x) { return band_rows * (slot.band - 0.5 + x / 2); }

}   // namespace

bool GemmPlan::interpolated(GemmBand& slot, std::size_t candidate) const {
    const GemmTablePlan& table = tables_[slot.table[candidate]];
    const auto law = [&](double x) { return table.total(row_at(slot, x), slot.fixed[candidate]); };
    GemmBand::Newton& c = slot.newton[candidate];
    for (std::size_t i = 0; i < c.size(); ++i) c[i] = law(GemmBand::at[i]);
    for (std::size_t order = 1; order < c.size(); ++order) {
        for (std::size_t i = c.size() - 1; i >= order; --i)
            c[i] = (c[i] - c[i - 1]) / (GemmBand::at[i] - GemmBand::at[i - order]);
    }
    for (const double x : {-1.0, -0.61, 0.22, 1.0}) {
        const double exact = law(x);
        const bool at_roofline = table.ideal_total(row_at(slot, x)) > 0.999 * exact;   // a corner may be near
        if (at_roofline || !(std::abs(GemmBand::value(c, x) - exact) < 1e-11 * exact)) return false;
    }
    return true;
}

void GemmPlan::work_out(GemmBand& slot, double band, std::size_t bands) const {
    constexpr double same = 1 + 1e-11;   // totals that differ by less may be rounding
    std::array<double, GemmCandidates::most> first{};
    double last = 1e300;   // of the cheapest
    std::array<GemmTablePlan::Fixed, GemmCandidates::most> fixed{};
    for (std::size_t i = 0; i < count_; ++i) {
        fixed[i] = tables_[i].fixed(band);
        first[i] = tables_[i].total((band - 1) * band_rows, fixed[i]);
        last = std::min(last, tables_[i].total(band * band_rows, fixed[i]));
    }
    slot.band = band;
    slot.count = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        if (first[i] > last * same) continue;
        slot.table[slot.count] = static_cast<unsigned char>(i);
        slot.fixed[slot.count++] = fixed[i];
    }
    slot.smooth = bands >= worth_interpolating;
    for (std::size_t i = 0; i < slot.count && slot.smooth; ++i) slot.smooth = interpolated(slot, i);
}

std::optional<GemmPlan::Whole> GemmPlan::whole(const GemmRows& rows, std::span<GemmBand> bands) const {
    if (bands.empty()) return std::nullopt;
    GemmBand& slot = bands[static_cast<std::size_t>(rows.band) & (bands.size() - 1)];
    if (slot.band != rows.band) work_out(slot, rows.band, bands.size());
    if (!slot.smooth || slot.count > 1) return std::nullopt;
    const GemmTablePlan& table = tables_[slot.table[0]];
    const double first = std::max(band_rows * (rows.band - 1), 1.0);
    const double last = band_rows * rows.band;
    const bool inside = table.inside(last);
    const bool compute = table.ideal_compute(last) >= table.ideal_memory(last);
    const bool other = compute != (table.ideal_compute(first) >= table.ideal_memory(first));
    if (other || inside != table.inside(first)) return std::nullopt;
    const auto roofline = [&](double m) { return compute ? table.ideal_compute(m) : table.ideal_memory(m); };
    return Whole{&slot.newton[0], inside, roofline(0), roofline(1) - roofline(0)};
}

GemmPlan::Total GemmPlan::lawful(double m) const {
    const Timed t = time(m);
    return {t.total.value(), t.provenance == Provenance::calibrated};
}

GemmPlan::Total GemmPlan::cheapest(const GemmRows& rows, const GemmBand& slot) const {
    Total best{1e300, false};
    for (std::size_t i = 0; i < slot.count; ++i) {
        const GemmTablePlan& table = tables_[slot.table[i]];
        const double seconds =
            slot.smooth ? GemmBand::value(slot.newton[i], rows.x) : table.total(rows.m, slot.fixed[i]);
        if (seconds < best.seconds) best = {seconds, table.inside(rows.m)};
    }
    return best;
}

}   // namespace moecost
