// SPDX-License-Identifier: Apache-2.0
// Causal attention of prompts, run as it is written by the emulator, against softmax in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "emulation/emulator.h"
#include "kernels/tensor/prefill_attention.h"
#include "test_tensor_support.h"

namespace {

using namespace microbench::tensor;
using tensor_test::Operand;

struct Problem {
    int batch;
    int length;
    int q_heads;
    int kv_heads;
    int window = 0;   // keys attended, the query's own included; 0: all
    int prefix = 0;   // tokens before the first query

    [[nodiscard]] int keys() const { return prefix + length; }
};

/// Largest error of one head of one sequence.
template <class Shape>
double worst_error(const Problem& p, const Operand& q, const Operand& k, const Operand& v, const Operand& out,
                   int sequence, int head) {
    const int kv_head = head / (p.q_heads / p.kv_heads);
    double worst = 0;
    auto element = [&](int token, int heads, int h, int dim, int d) {   // `token` counts all sequences
        return static_cast<std::size_t>((token * heads + h) * dim + d);
    };
    const int queries = sequence * p.length;
    const int tokens = sequence * p.keys();
    std::vector<double> weights(static_cast<std::size_t>(p.keys()));
    for (int query = 0; query < p.length; ++query) {
        const int position = p.prefix + query;
        const int first = p.window > 0 ? std::max(position + 1 - p.window, 0) : 0;
        double sum = 0;
        for (int key = first; key <= position; ++key) {
            double score = 0;
            for (int d = 0; d < Shape::query_dim; ++d) {
                score += q[element(queries + query, p.q_heads, head, Shape::query_dim, d)] *
                         k[element(tokens + key, p.kv_heads, kv_head, Shape::query_dim, d)];
            }
            weights[static_cast<std::size_t>(key)] = std::exp(score / std::sqrt(Shape::query_dim));
            sum += weights[static_cast<std::size_t>(key)];
        }
        for (int d = 0; d < Shape::value_dim; ++d) {
            double want = 0;
            for (int key = first; key <= position; ++key) {
                want += weights[static_cast<std::size_t>(key)] / sum *
                        v[element(tokens + key, p.kv_heads, kv_head, Shape::value_dim, d)];
            }
            const double error =
                std::abs(out[element(queries + query, p.q_heads, head, Shape::value_dim, d)] - want);
            worst = std::max(worst, std::isnan(error) ? 1e9 : error);
        }
    }
    return worst;
}

/// Copies of 16 bytes: the queries, and the tiles that hold a key of some query of the block.
template <class Shape>
long copies_needed(const Problem& p) {
    long copies = 0;
    for (int first = 0; first < p.length; first += Shape::queries) {
        const int last = p.prefix + std::min(first + Shape::queries, p.length) - 1;
        const int begin = p.window > 0 ? std::max(p.prefix + first + 1 - p.window, 0) : 0;
        const long tiles = last / Shape::keys - begin / Shape::keys + 1;
        copies += Shape::queries * Shape::query_bytes / 16 + tiles * Shape::stage_bytes / 16;
    }
    return copies * p.batch * p.q_heads;
}

template <class Shape>
void run_prefill(const Problem& p, const emulator::Options& options) {
    const auto tokens = static_cast<std::size_t>(p.batch * p.length);
    const Operand q(tokens * static_cast<std::size_t>(p.q_heads * Shape::query_dim), false, 1, 2);
    const auto keys = static_cast<std::size_t>(p.batch * p.keys());
    const Operand k(keys * static_cast<std::size_t>(p.kv_heads * Shape::query_dim), false, 2, 2);
    const Operand v(keys * static_cast<std::size_t>(p.kv_heads * Shape::value_dim), false, 3);
    Operand out(tokens * static_cast<std::size_t>(p.q_heads * Shape::value_dim), false, 4);
    PrefillAttention a;
    a.q = q.halves();
    a.k = k.halves();
    a.v = v.halves();
    a.out = out.halves();
    a.length = p.length;
    a.prefix = p.prefix;
    if (p.window > 0) a.window = p.window;
    a.q_heads = p.q_heads;
    a.kv_heads = p.kv_heads;
    a.score_scale = static_cast<float>(1.4426950408889634 / std::sqrt(Shape::query_dim));
    const auto report =
        emulator::run(p.batch * p.q_heads, divide_up(p.length, Shape::queries), 1, Shape::threads,
                      Shape::shared_bytes, options, [&] { prefill_attention<Shape>(a); });
    CHECK(report.error == "");
    CHECK(report.conflicts == 0);
    CHECK(report.copies == copies_needed<Shape>(p));
    double worst = 0;
    for (int sequence = 0; sequence < p.batch; ++sequence) {
        for (int head = 0; head < p.q_heads; ++head)
            worst = std::max(worst, worst_error<Shape>(p, q, k, v, out, sequence, head));
    }
    // Probabilities (of sum 1) and output are rounded to bfloat16, values are at most 1.
    CHECK(worst <= 0x1p-9 + 0x1p-9);
}

template <class Shape>
void check_prefill(const Problem& p) {
    run_prefill<Shape>(p, {true, false});
    run_prefill<Shape>(p, {false, true});
}

}   // namespace

TEST_CASE("prefill attention of ragged lengths equals softmax in double precision") {
    check_prefill<Prefill128>({1, 1, 1, 1});
    check_prefill<Prefill128>({1, 197, 2, 1});
    check_prefill<Prefill64>({2, 150, 2, 2});
}

TEST_CASE("prefill attention of expanded MLA has wider queries and keys than values") {
    check_prefill<PrefillMla>({1, 161, 1, 1});
}

TEST_CASE("a sliding window attends its last keys alone and reads the tiles that hold them") {
    for (const int window :
         {1, 7, 32, 33, 64, 100}) {   // less than a tile of keys, a tile, over edges of tiles
        CAPTURE(window);
        check_prefill<Prefill64>({1, 197, 1, 1, window});
    }
    check_prefill<Prefill64>({2, 300, 2, 1, 128});
    check_prefill<Prefill64>({1, 70, 1, 1, 500});   // beyond the prompt
    check_prefill<Prefill128>({1, 290, 1, 1, 20});
    check_prefill<Prefill128>({1, 161, 2, 1, 96});
}

TEST_CASE("queries behind a cached prefix attend it and their own tokens") {
    check_prefill<Prefill64>({2, 70, 2, 1, 0, 45});
    check_prefill<Prefill64>({1, 150, 1, 1, 0, 64});
    check_prefill<Prefill128>({1, 1, 2, 1, 0, 200});
    check_prefill<Prefill128>({2, 140, 1, 1, 0, 33});
}

TEST_CASE("a window ends inside the cached prefix, or behind it") {
    check_prefill<Prefill64>({2, 90, 1, 1, 50, 101});
    check_prefill<Prefill128>({1, 135, 1, 1, 33, 70});
}
