// SPDX-License-Identifier: Apache-2.0
#include "timing/gemm.h"

#include <algorithm>

#include "base/numerics.h"
#include "timing/roofline.h"

namespace moecost {
namespace {

/// Tiles of one side of the output, for tile lengths 64, 128 and 256.
struct TileCounts {
    explicit TileCounts(double length)
        : of{ceil_positive(length / 64), ceil_positive(length / 128), ceil_positive(length / 256)} {}
    double of[3];
};
struct Tile {
    int m, n;             // index of the tile length in TileCounts
    double padded_area;   // t_m t_n / efficiency
};
/// By area: once an area alone exceeds the best time, no later tile can win.
constexpr Tile tiles[] = {{0, 0, 64 * 64 / 0.6},    {0, 1, 64 * 128 / 0.85}, {1, 0, 128 * 64 / 0.8},
                          {1, 1, 128 * 128 / 0.95}, {2, 1, 256 * 128},       {1, 2, 128 * 256}};

/// Seconds of the best tile shape when every multiprocessor runs at `rate` FLOP/s.
double tiled_compute(const TileCounts& m, const TileCounts& n, double k, const GemmTable& table,
                     double multiprocessors, double rate) {
    double best = 1e300;
    const double share = 1 / multiprocessors;
    for (const Tile& tile : tiles) {
        if (tile.padded_area >= best) break;
        const double waves = m.of[tile.m] * n.of[tile.n] * share;
        const double waited = waves <= 1 ? 1 : waves + table.wave_tail * (ceil_positive(waves) - waves);
        best = std::min(best, waited * tile.padded_area);
    }
    return best * 2 * k / rate;
}

}   // namespace

Timed gemm_time(const Gemm& op, const GemmTable& table, const Machine& machine) {
    const Work ideal_work = work(op);
    const double sm = machine.cluster->gpu.multiprocessors;
    const double peak = machine.peak(ideal_work.unit).value();
    const double bandwidth = machine.memory_bandwidth().value();
    const double w = bytes_per_element(op.weights);
    const double operand = ideal_work.unit == MathUnit::bf16 ? 2 : w;

    const TileCounts m(op.m);
    const TileCounts n(op.n);
    const double tiles128 = m.of[1] * n.of[1];
    const double split = std::max(1.0, std::min(sm / tiles128, op.k / table.split_k));
    double compute = tiled_compute(m, n, op.k, table, sm, peak / sm * table.compute);
    if (tiles128 < sm) compute /= split;
    compute = std::max(compute, ideal_work.flop.value() / peak);
    const double bytes = w * op.n * op.k + operand * op.m * op.k + 2 * table.output_traffic * op.m * op.n;
    const double quantise = operand == 2 ? 0 : op.m * op.k * (2 + w) / bandwidth;
    const double latency = op.k * table.k_latency.value() / split;

    Timed t;
    t.compute = Seconds{compute};
    t.memory = Seconds{bytes / (table.memory * bandwidth)};
    t.floor = machine.served_floor(table.floor);
    const double body = p_norm(compute, t.memory.value(), latency, table.corner);
    t.memory += Seconds{quantise};
    t.total = t.floor + Seconds{body + quantise};
    t.provenance = in_range(table.m.contains(op.m) && op.n >= table.n.low / 8 && op.n <= table.n.high &&
                            op.k >= table.k.low / 8 && op.k <= table.k.high);
    raise_to_roofline(t, roofline(ideal_work, machine));
    return t;
}

}   // namespace moecost
