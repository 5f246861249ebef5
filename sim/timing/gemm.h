// SPDX-License-Identifier: Apache-2.0
// Dense GEMM [M x K] * [K x N]: tiles in waves over the multiprocessors, split-K, bytes, latency of the K loop.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "moecost/ops/operation.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/tiles.h"

namespace moecost {

/// With the constants of a GemmTable (floor, k_latency, compute e_c, memory e_m, overlap_exponent p, wave_tail q, split_k s,
/// output_traffic o), peak P, bandwidth BW, SM multiprocessors, w bytes per weight:
///   tiles (t_m, t_n) of efficiency e: (256,128) (128,256) (128,128) (64,128) (64,64) (128,64), e in hwmodels/timing.toml
///   waves = ceil(M/t_m) ceil(N/t_n)/SM;  wv = 1 up to one wave, then waves + q (ceil(waves) - waves)
///   t_c = min over tiles of wv 2 t_m t_n K/(P/SM e_c e);  t_c >= 2 M N K/P
///   tiles128 = ceil(M/128) ceil(N/128) < SM:  split = max(1, min(SM/tiles128, K/s)), t_c / split
///   t_b = (w N K + w M K + 2 o M N)/(e_m BW);  t_l = K k_latency/split
///   body = gemm_factor ((t_c^p + t_b^p + t_l^p)^(1/p) + dynamic activation quantisation M K (2 + w)/BW, none for bf16)
/// Held-out error over 64 tables: 6 to 8 % median (kernel timing tables, 2026-08; residuals in the profiles).
/// Fitted to M <= 16384, N, K >= 256.
[[nodiscard]] Timed gemm_time(const Gemm& op, const GemmTable& table, const CalibratedHardware& machine);

/// Rows up to a tile edge: ceil(M/64) = band. All but t_b and the quantisation is the same for the rows of a band.
inline constexpr double band_rows = 64;

/// What of that law does not depend on M, for one table.
class GemmTablePlan {
  public:
    GemmTablePlan() = default;
    GemmTablePlan(const Gemm& op, const GemmTable& table, const CalibratedHardware& machine);
    [[nodiscard]] Timed time(double m) const;
    /// No more than the total of time(m): floor, and the larger of bytes at the fitted efficiency and FLOP at the peak.
    [[nodiscard]] Seconds least(double m) const {
        const double memory = weight_time_ + row_time_ * m;
        return floor_ + Seconds{factor_ * (std::max(memory, flop_time_ * m) + quantise_time_ * m)};
    }

    /// Of a band: p-norm of t_c and t_l, and p log2 of it.
    struct Fixed {
        double norm = 0;
        double power = 0;
    };
    /// Nothing can be kept (p is no number to divide by, or t_c is that of the datasheet): norm < 0.
    [[nodiscard]] Fixed fixed(double band) const;
    /// The total of time(m) for rows of the band of `fixed`.
    [[nodiscard]] double total(double m, const Fixed& fixed) const;

    [[nodiscard]] double ideal_compute(double m) const { return flop_time_ * m; }
    [[nodiscard]] double ideal_memory(double m) const { return ideal_weight_time_ + ideal_row_time_ * m; }
    [[nodiscard]] double ideal_total(double m) const { return std::max(ideal_compute(m), ideal_memory(m)); }
    /// All arguments lie in the fitted range.
    [[nodiscard]] bool inside(double m) const { return inside_ && m_range_.contains(m); }

  private:
    struct Split;
    [[nodiscard]] Split split(double band) const;

    std::array<double, 6> padded_tile_;
    double tiles_n_[3];          // tiles of N over the multiprocessors, for tile lengths 64, 128 and 256
    double wave_time_;           // seconds per unit of padded tile area and wave
    double flop_time_;           // seconds per row at datasheet peak
    double weight_time_;         // seconds of the weights at the fitted bandwidth
    double row_time_;            // seconds of a row of activations at the fitted bandwidth
    double quantise_time_;       // seconds per row of dynamic quantisation
    double ideal_weight_time_;   // the same two at datasheet bandwidth
    double ideal_row_time_;
    double latency_;   // of the K loop, unsplit
    double most_splits_;
    double wave_tail_;
    double corner_;
    double inverse_corner_;
    double factor_;   // of the body in the served step
    Seconds floor_;
    FitRange m_range_;
    bool inside_;   // N and K lie in the fitted range
};

/// Rows with their band, and where in it they lie: -1 its first row, 1 its last.
struct GemmRows {
    GemmRows() = default;
    explicit GemmRows(double rows)
        : m(rows),
          band(whole_tiles(rows / band_rows)),
          x((rows - band_rows * (band - 0.5)) * (2 / band_rows)) {}
    double m = 0, band = 0, x = 0;
};

/// What the rows of a band share. Tables that may be the cheapest: every table takes longer for more rows, so one that is
/// slower at the first row of the band than another at its last is out. The total under a table is smooth in the rows: a
/// polynomial through seven of them holds to 1e-11. Where it does not, `smooth` is false.
struct GemmBand {
    static constexpr std::size_t points = 7;
    using Newton = std::array<double, points>;
    /// Chebyshev points of a band, the ends and the middle in turns, as Newton's form likes them.
    static constexpr Newton at{0.97492791218182360, -0.97492791218182360, 0.0,
                               0.78183148246802980, -0.78183148246802980, 0.43388373911755813,
                               -0.43388373911755813};
    static double value(const Newton& c, double x) {
        double sum = c.back();
        for (std::size_t i = points - 1; i-- > 0;) sum = c[i] + (x - at[i]) * sum;
        return sum;
    }
    double band = 0;   // 0: not worked out
    std::size_t count = 0;
    bool smooth = false;
    std::array<unsigned char, GemmCandidates::most> table{};
    std::array<Newton, GemmCandidates::most> newton{};
    std::array<GemmTablePlan::Fixed, GemmCandidates::most> fixed{};
};

/// The steps of one deployment differ in M alone, so a plan is made once per GEMM of a layer and timed for every step. An
/// engine runs the kernel that is cheapest for the shape, of every table that it may choose from.
class GemmPlan {
  public:
    GemmPlan(const Gemm& op, const CalibratedHardware& machine);
    [[nodiscard]] Timed time(double m) const;

    struct Total {
        double seconds = 0;
        bool inside = false;   // the fitted range
    };
    /// total and provenance of time(m). `bands` remembers what rows of one band share, at band modulo its size (a power
    /// of two; empty: nothing is remembered). The answer does not depend on what it held.
    [[nodiscard]] Total total(const GemmRows& rows, std::span<GemmBand> bands) const {
        if (bands.empty()) return lawful(rows.m);
        GemmBand& slot = bands[static_cast<std::size_t>(rows.band) & (bands.size() - 1)];
        if (slot.band != rows.band) work_out(slot, rows.band, bands.size());
        if (!slot.smooth || slot.count > 1) return cheapest(rows, slot);
        return {GemmBand::value(slot.newton[0], rows.x), tables_[slot.table[0]].inside(rows.m)};
    }
    /// A band whose rows have one total, smooth in them, one roofline and one provenance; nothing: it has more.
    struct Whole {
        const GemmBand::Newton* total;
        bool inside;
        double least, least_each;   // roofline: least + least_each m
    };
    [[nodiscard]] std::optional<Whole> whole(const GemmRows& rows, std::span<GemmBand> bands) const;
    /// Roofline of the shape, the same under every table.
    [[nodiscard]] const GemmTablePlan& ideal() const { return tables_[0]; }

  private:
    [[nodiscard]] Total lawful(double m) const;
    [[nodiscard]] Total cheapest(const GemmRows& rows, const GemmBand& slot) const;
    void work_out(GemmBand& slot, double band, std::size_t bands) const;
    [[nodiscard]] bool interpolated(GemmBand& slot, std::size_t candidate) const;
    std::array<GemmTablePlan, GemmCandidates::most> tables_;
    std::size_t count_ = 0;
};

}   // namespace moecost
