// SPDX-License-Identifier: Apache-2.0
// Cost of what a sweep does around evaluate(): moving to a point, a filter, a row, the frontier; and of whole blocks.
#include <benchmark/benchmark.h>

#include <random>

#include "moecost/base/number_text.h"
#include "moecost/sweep/block.h"

namespace {

using namespace moecost;

/// Two model axes and four deployment axes; every point is distinct.
constexpr std::string_view grid_text = R"(
frontier = { maximise = ["tokens_per_s_per_user", "output_tokens_per_s_per_gpu"] }
[scenario]
model = "deepseek-v3"
engine = "sglang"
gpu = "h200_sxm"
ep = 8
[[axis]]
key = "set.experts"
values = [64, 128, 256]
[[axis]]
key = "set.top_k"
values = [4, 6, 8]
[[axis]]
keys = ["tp", "attention_dp"]
values = [[8, 4, 2, 1], [1, 2, 4, 8]]
[[axis]]
key = "isl"
range = { from = 256, to = 8192, step = 64 }
[[axis]]
key = "osl"
values = [128, 256, 512, 1024]
[[axis]]
key = "concurrency"
log_range = { from = 1, to = 256, points = 24, round = true }
)";

Grid grid() { return read_grid(DataStore{}, parse_toml(grid_text, "grid.toml")); }

void sweep_block(benchmark::State& state) {
    const DataStore data;
    const Grid g = grid();
    const Prototypes prototypes(data, g);
    BlockWorker worker(g, prototypes, {});
    BlockResult result;
    std::uint64_t block = 0;
    for (auto _ : state) {
        worker.run(block++ % (block_count(g) - 1), result);
        benchmark::DoNotOptimize(result.bytes.data());
    }
    state.counters["points/s"] = benchmark::Counter(static_cast<double>(state.iterations()) * block_points,
                                                    benchmark::Counter::kIsRate);
}
BENCHMARK(sweep_block);

void move_to_next_point(benchmark::State& state) {
    const DataStore data;
    const Grid g = grid();
    const Prototypes prototypes(data, g);
    Cursor cursor(g, prototypes);
    cursor.seek(0);
    for (auto _ : state) {
        cursor.advance();
        if (cursor.point() + 1 >= g.points) cursor.seek(0);
        benchmark::DoNotOptimize(cursor.problem());
    }
}
BENCHMARK(move_to_next_point);

void write_one_figure(benchmark::State& state) {
    char buffer[longest_figure];
    double value = 0.001;
    for (auto _ : state) {
        value = value > 1e6 ? 0.001 : value * 1.37;
        benchmark::DoNotOptimize(write_figure(buffer, value));
    }
}
BENCHMARK(write_one_figure);

/// Points like those of a sweep: a trade-off surface with points behind it.
void offer_to_frontier(benchmark::State& state) {
    const auto objectives = static_cast<std::size_t>(state.range(0));
    std::mt19937 random(1);
    std::lognormal_distribution<double> spread(0, 1);
    std::vector<FrontierMember> points(1 << 16);
    for (FrontierMember& p : points) {
        double product = 1;
        for (std::size_t k = 0; k + 1 < objectives; ++k) product *= p.values[k] = spread(random);
        p.values[objectives - 1] = spread(random) / product;
        p.point = static_cast<std::uint64_t>(&p - points.data());
    }
    Frontier frontier(objectives);
    std::size_t i = 0;
    for (auto _ : state) benchmark::DoNotOptimize(frontier.offer(points[i++ % points.size()]));
    state.counters["members"] = static_cast<double>(frontier.size());
}
BENCHMARK(offer_to_frontier)->DenseRange(2, 4);

}   // namespace
