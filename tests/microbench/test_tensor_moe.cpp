// SPDX-License-Identifier: Apache-2.0
// The kernels of a whole expert layer one after the other in the emulator: sort, gated GEMM with gather, down GEMM,
// weighted sum; against the definition of the layer in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "emulation/emulator.h"
#include "host/routing.h"
#include "kernels/tensor/grouped_gemm.h"
#include "kernels/tensor/moe_kernels.h"
#include "test_tensor_support.h"

namespace {

using namespace microbench::tensor;
using tensor_test::Operand;

std::size_t size(int x) { return static_cast<std::size_t>(x); }

/// Device memory of the sort.
struct Sorted {
    std::vector<int> counts, cursor, row_prefix, tile_prefix, token_of_row, row_of_pair;
    MoeRoute route;

    Sorted(const std::vector<int>& expert, int top_k, int experts, int tile_rows)
        : counts(size(experts)),
          cursor(size(experts), -7),
          row_prefix(size(experts) + 1, -7),
          tile_prefix(size(experts) + 1, -7),
          token_of_row(expert.size(), -7),
          row_of_pair(expert.size(), -7) {
        route = {expert.data(),
                 static_cast<int>(expert.size()),
                 top_k,
                 experts,
                 tile_rows,
                 counts.data(),
                 cursor.data(),
                 row_prefix.data(),
                 tile_prefix.data(),
                 token_of_row.data(),
                 row_of_pair.data()};
    }
};

void run(int blocks, int threads, int shared_ints, const std::function<void()>& kernel, int blocks_y = 1) {
    const auto report =
        emulator::run(blocks, blocks_y, 1, threads, shared_ints * 4, {true, true, 128 << 10}, kernel);
    CHECK(report.error == "");
}

void sort_alone(Sorted& s) {
    run(1, route_threads, warp_lanes + s.route.experts, [&] { sort_pairs(s.route); });
}
void sort_spread(Sorted& s) {
    const int blocks = divide_up(s.route.pairs, spread_pairs);
    run(blocks, spread_threads, s.route.experts, [&] { count_pairs(s.route); });
    run(1, route_threads, warp_lanes, [&] { prefix_counts(s.route); });
    run(blocks, spread_threads, s.route.experts, [&] { place_pairs(s.route); });
}

/// Every local pair has one row of its own among those of its expert; remote pairs have none.
void check_sorted(const Sorted& s, const std::vector<int>& expert) {
    std::vector<int> loads(size(s.route.experts));
    for (const int e : expert) {
        if (e < s.route.experts) ++loads[size(e)];
    }
    std::vector<bool> taken(expert.size());
    bool right = s.row_prefix[0] == 0 && s.tile_prefix[0] == 0;
    for (int e = 0; e < s.route.experts; ++e) {
        right = right && s.row_prefix[size(e) + 1] - s.row_prefix[size(e)] == loads[size(e)];
        const int tiles = (loads[size(e)] + s.route.tile_rows - 1) / s.route.tile_rows;
        right = right && s.tile_prefix[size(e) + 1] - s.tile_prefix[size(e)] == tiles;
    }
    for (std::size_t pair = 0; pair < expert.size(); ++pair) {
        const int row = s.row_of_pair[pair];
        if (expert[pair] >= s.route.experts) {
            right = right && row == -1;
            continue;
        }
        right =
            right && row >= s.row_prefix[size(expert[pair])] && row < s.row_prefix[size(expert[pair]) + 1];
        if (!right) break;
        right = !taken[size(row)] && s.token_of_row[size(row)] == static_cast<int>(pair) / s.route.top_k;
        taken[size(row)] = true;
    }
    CHECK(right);
    CHECK(std::all_of(s.counts.begin(), s.counts.end(), [](int c) { return c == 0; }));
}

struct Layer {
    int tokens, experts, local, top_k, hidden, inter;
};

/// The layer by definition; weights of e4m3 and bfloat16 alike are read back from what is stored.
std::vector<double> exact_layer(const Layer& l, const std::vector<int>& expert,
                                const std::vector<float>& weight, const Operand& x, const Operand& up,
                                const Operand& down) {
    std::vector<double> out(size(l.tokens * l.hidden));
    std::vector<double> middle(size(l.inter));
    for (int pair = 0; pair < l.tokens * l.top_k; ++pair) {
        const int e = expert[size(pair)];
        if (e >= l.local) continue;
        const int token = pair / l.top_k;
        for (int i = 0; i < l.inter; ++i) {
            double gate = 0;
            double value = 0;
            for (int h = 0; h < l.hidden; ++h) {
                const double a = x[size(token * l.hidden + h)];
                gate += a * up[(size(e) * size(2 * l.inter) + size(i)) * size(l.hidden) + size(h)];
                value += a * up[(size(e) * size(2 * l.inter) + size(l.inter + i)) * size(l.hidden) + size(h)];
            }
            middle[size(i)] = gate / (1 + std::exp(-gate)) * value;
        }
        for (int h = 0; h < l.hidden; ++h) {
            double sum = 0;
            for (int i = 0; i < l.inter; ++i) {
                sum += middle[size(i)] * down[(size(e) * size(l.hidden) + size(h)) * size(l.inter) + size(i)];
            }
            out[size(token * l.hidden + h)] += static_cast<double>(weight[size(pair)]) * sum;
        }
    }
    return out;
}

template <class Up, class Down>
void check_layer(const Layer& l, const std::string& distribution, double tolerance) {
    const auto routing =
        microbench::make_routing(distribution, l.tokens, l.experts, l.top_k, 5, l.experts / l.local);
    const std::vector<int>& expert = routing.expert;
    const bool bytes = Up::bytes;
    const Operand x(size(l.tokens * l.hidden), false, 1);
    const Operand up(size(l.local * 2 * l.inter * l.hidden), bytes, 2);
    const Operand down(size(l.local * l.hidden * l.inter), bytes, 3);
    std::vector<float> weight(expert.size());
    std::mt19937 random(4);
    for (float& w : weight) w = std::uniform_real_distribution<float>(0, 1)(random);
    Sorted s(expert, l.top_k, l.local, Up::rows);
    sort_alone(s);
    check_sorted(s, expert);
    Operand narrow(size(l.tokens * l.hidden), true, 9);
    const Quantize q{x.halves(), narrow.data(), l.tokens * l.hidden / 8, 64.0F};
    if (bytes)
        run(divide_up(l.tokens * l.hidden / 8, quantize_threads), quantize_threads, 0, [&] { quantize(q); });
    Operand middle(expert.size() * size(l.inter), bytes, 5);
    Operand y(expert.size() * size(l.hidden), false, 6);
    Operand out(size(l.tokens * l.hidden), false, 7);
    const int width = bytes ? 1 : 2;
    GroupedGemm g{bytes ? narrow.data() : x.data(),
                  up.data(),
                  middle.data(),
                  s.token_of_row.data(),
                  s.row_prefix.data(),
                  s.tile_prefix.data(),
                  l.local,
                  l.inter,
                  l.hidden * width,
                  bytes ? 1.0F / 64 : 1.0F,
                  4.0F};
    run(3, Up::threads, Up::shared_bytes / 4, [&] { grouped_gemm<Up>(g); });
    const GroupedGemm d{middle.data(),       down.data(),          y.data(), nullptr,
                        s.row_prefix.data(), s.tile_prefix.data(), l.local,  l.hidden,
                        l.inter * width,     bytes ? 0.25F : 1.0F, 1.0F};
    run(2, Down::threads, Down::shared_bytes / 4, [&] { grouped_gemm<Down>(d); });
    const MoeCombine c{y.halves(), s.row_of_pair.data(), weight.data(), out.halves(), l.hidden, l.top_k};
    run(
        l.tokens, combine_threads, 0, [&] { combine_rows(c); }, divide_up(l.hidden / 8, combine_threads));
    const auto want = exact_layer(l, expert, weight, x, up, down);
    double error = 0;
    double size_of_result = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
        error += (out[i] - want[i]) * (out[i] - want[i]);
        size_of_result += want[i] * want[i];
    }
    CHECK(size_of_result > 0);
    CHECK(std::sqrt(error / size_of_result) < tolerance);
}

}   // namespace

TEST_CASE("pairs are sorted by expert in one block and in three steps, pairs of other ranks left out") {
    std::mt19937 random(1);
    for (const int experts : {1, 5, 200}) {
        std::vector<int> expert(5000);
        for (int& e : expert)
            e = static_cast<int>(random() % static_cast<unsigned>(experts + experts / 2 + 1));
        Sorted alone(expert, 4, experts, 16);
        sort_alone(alone);
        check_sorted(alone, expert);
        Sorted spread(expert, 4, experts, 16);
        sort_spread(spread);
        check_sorted(spread, expert);
        CHECK(alone.row_prefix == spread.row_prefix);
    }
}

TEST_CASE("a bfloat16 expert layer equals its definition") {
    check_layer<SmallGemm<false, true>, SmallGemm<false, false>>({9, 6, 6, 2, 136, 72}, "uniform", 0.004);
    check_layer<LargeGemm<false, true>, LargeGemm<false, false>>({9, 6, 3, 2, 72, 40}, "zipf_1.2", 0.004);
}

TEST_CASE("an e4m3 expert layer equals its definition up to the rounding of activations") {
    check_layer<SmallGemm<true, true>, SmallGemm<true, false>>({9, 6, 6, 2, 144, 80}, "balanced", 0.05);
}

TEST_CASE("the order of conversion to e4m3 keeps neighbours in place") {
    Operand in(24, false, 3, 1);
    Operand out(24, true, 4);
    const Quantize q{in.halves(), out.data(), 3, 2.0F};
    run(1, quantize_threads, 0, [&] { quantize(q); });
    for (std::size_t i = 0; i < 24; ++i) CHECK(std::abs(out[i] - 2 * in[i]) <= std::abs(in[i]) / 8 + 0.002);
}
