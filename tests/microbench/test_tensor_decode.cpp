// SPDX-License-Identifier: Apache-2.0
// Decode attention over a paged cache, run as it is written by the emulator, against softmax in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "emulation/emulator.h"
#include "kernels/tensor/decode_attention.h"
#include "test_tensor_support.h"

namespace {

using namespace microbench::tensor;
using tensor_test::Operand;

struct Problem {
    int q_heads;
    int kv_heads;
    int page_tokens;
    int parts;
    std::vector<int> context;
    int window = 0;   // tokens attended, the newest included; 0: all
};

/// Pages of all sequences in an order that no two tests of neighbouring pages would pass by chance.
struct Cache {
    std::vector<int> pages;
    int max_pages;
    std::size_t rows;
};
Cache make_cache(const Problem& p) {
    Cache cache{{}, divide_up(*std::max_element(p.context.begin(), p.context.end()), p.page_tokens), 0};
    const auto count = p.context.size() * static_cast<std::size_t>(cache.max_pages);
    cache.pages.resize(count);
    for (std::size_t i = 0; i < count; ++i) cache.pages[i] = static_cast<int>((i * 7 + 3) % count);
    cache.rows = count * static_cast<std::size_t>(p.page_tokens);
    std::vector<int> sorted = cache.pages;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
    return cache;
}

/// One output row by definition.
std::vector<double> exact_row(const Problem& p, const Cache& cache, const Operand& q, const Operand& k,
                              const Operand& v, int dim, int sequence, int head) {
    const int kv_head = head / (p.q_heads / p.kv_heads);
    const int tokens = p.context[static_cast<std::size_t>(sequence)];
    const int first = p.window > 0 ? std::max(tokens - p.window, 0) : 0;
    std::vector<double> weights(static_cast<std::size_t>(tokens));
    std::vector<double> out(static_cast<std::size_t>(dim));
    auto cache_element = [&](int token, int d) {
        const int page =
            cache.pages[static_cast<std::size_t>(sequence * cache.max_pages + token / p.page_tokens)];
        return (static_cast<std::size_t>(page * p.page_tokens + token % p.page_tokens) *
                    static_cast<std::size_t>(p.kv_heads) +
                static_cast<std::size_t>(kv_head)) *
                   static_cast<std::size_t>(dim) +
               static_cast<std::size_t>(d);
    };
    double sum = 0;
    for (int token = first; token < tokens; ++token) {
        double score = 0;
        for (int d = 0; d < dim; ++d) {
            score += q[static_cast<std::size_t>((sequence * p.q_heads + head) * dim + d)] *
                     k[cache_element(token, d)];
        }
        weights[static_cast<std::size_t>(token)] = std::exp(score / std::sqrt(dim));
        sum += weights[static_cast<std::size_t>(token)];
    }
    for (int token = first; token < tokens; ++token) {
        for (int d = 0; d < dim; ++d) {
            out[static_cast<std::size_t>(d)] +=
                weights[static_cast<std::size_t>(token)] / sum * v[cache_element(token, d)];
        }
    }
    return out;
}

/// Copies of 16 bytes that load every tile with a visible token, keys and values, once for each KV head and block of
/// query heads.
template <class Shape>
long copies_of_visible_tiles(const Problem& p) {
    long copies = 0;
    for (const int tokens : p.context) {
        const int first = p.window > 0 ? std::max(tokens - p.window, 0) : 0;
        const long tiles = (tokens - 1) / Shape::tile - first / Shape::tile + 1;
        copies += tiles * Shape::stage_bytes / 16;
    }
    return copies * p.kv_heads * divide_up(p.q_heads / p.kv_heads, Shape::heads);
}

template <class Shape>
void run_decode(const Problem& p, const emulator::Options& options) {
    const int batch = static_cast<int>(p.context.size());
    const int dim = Shape::dim;
    const Cache cache = make_cache(p);
    const auto rows = static_cast<std::size_t>(batch * p.q_heads);
    const Operand q(rows * static_cast<std::size_t>(dim), false, 1, 2);
    const Operand k(cache.rows * static_cast<std::size_t>(p.kv_heads * dim), Shape::bytes, 2, 2);
    const Operand v(cache.rows * static_cast<std::size_t>(p.kv_heads * dim), Shape::bytes, 3);
    Operand out(rows * static_cast<std::size_t>(dim), false, 4);
    std::vector<float> part_out(rows * static_cast<std::size_t>(p.parts * dim), NAN);
    std::vector<float> part_lse(rows * static_cast<std::size_t>(p.parts), NAN);
    DecodeAttention a;
    a.q = q.halves();
    a.k = k.data();
    a.v = v.data();
    a.pages = cache.pages.data();
    a.context = p.context.data();
    a.out = out.halves();
    a.part_out = part_out.data();
    a.part_lse = part_lse.data();
    a.q_heads = p.q_heads;
    a.kv_heads = p.kv_heads;
    a.page_tokens = p.page_tokens;
    a.max_pages = cache.max_pages;
    a.parts = p.parts;
    if (p.window > 0) a.window = p.window;
    const int longest = *std::max_element(p.context.begin(), p.context.end());
    a.part_tokens = part_tokens_for(tokens_read(longest, a.window, Shape::tile), p.parts, 64);
    a.score_scale = static_cast<float>(1.4426950408889634 / std::sqrt(dim));
    const int head_blocks = divide_up(p.q_heads / p.kv_heads, Shape::heads);
    const auto report = emulator::run(p.parts, p.kv_heads * head_blocks, batch, Shape::threads,
                                      Shape::shared_bytes, options, [&] { decode_attention<Shape>(a); });
    CHECK(report.error == "");
    CHECK(report.conflicts == 0);
    CHECK(report.matrix_loads > 0);
    CHECK(report.copies == copies_of_visible_tiles<Shape>(p));
    if (p.parts > 1) {
        const MergeParts merge{part_out.data(), part_lse.data(), out.halves(), p.parts};
        const auto merged =
            emulator::run(batch * p.q_heads, 1, 1, dim, 0, options, [&] { merge_parts<Shape::dim>(merge); });
        CHECK(merged.error == "");
    }
    double worst = 0;
    for (int sequence = 0; sequence < batch; ++sequence) {
        for (int head = 0; head < p.q_heads; ++head) {
            const auto want = exact_row(p, cache, q, k, v, dim, sequence, head);
            for (int d = 0; d < dim; ++d) {
                const double got = out[static_cast<std::size_t>((sequence * p.q_heads + head) * dim + d)];
                const double error = std::abs(got - want[static_cast<std::size_t>(d)]);
                worst = std::max(worst, std::isnan(error) ? 1e9 : error);
            }
        }
    }
    // Probabilities (of sum 1) and output are rounded to bfloat16, values are at most 1.
    CHECK(worst <= 0x1p-9 + 0x1p-9);
}

template <class Shape>
void check_decode(const Problem& p) {
    for (const bool late : {true, false}) {
        for (const bool backward : {false, true}) run_decode<Shape>(p, {late, backward});
    }
}

}   // namespace

TEST_CASE("decode attention over a paged bfloat16 cache equals softmax in double precision") {
    check_decode<Bf16Decode<128>>({4, 2, 16, 1, {1, 37, 130}});
    check_decode<Bf16Decode<64>>({8, 1, 64, 1, {65, 300}});
}

TEST_CASE("parts of a context merge to the same result, empty parts included") {
    check_decode<Bf16Decode<128>>({2, 1, 16, 3, {17, 400}});
    check_decode<E4m3Decode<64>>({2, 2, 64, 4, {3, 513}});
}

TEST_CASE("decode attention over an e4m3 cache equals softmax in double precision") {
    check_decode<E4m3Decode<128>>({5, 1, 16, 1, {1, 90}});
    check_decode<E4m3Decode<64>>({3, 1, 16, 1, {200}});
}

TEST_CASE("more query heads than rows of a fragment take several blocks") {
    check_decode<Bf16Decode<64>>({20, 1, 16, 1, {70}});
}

TEST_CASE("a sliding window attends its last tokens alone and reads the tiles that hold them") {
    for (const int window :
         {1, 5, 16, 31, 64}) {   // less than a tile, a tile, over a tile's edge, all tiles whole
        CAPTURE(window);
        check_decode<Bf16Decode<64>>({8, 1, 16, 1, {1, 16, 17, 150}, window});
    }
    check_decode<Bf16Decode<64>>({2, 1, 64, 1, {65, 100}, 1000});   // beyond the context
    check_decode<Bf16Decode<64>>({8, 1, 64, 1, {127, 128, 129, 300}, 128});
}

TEST_CASE("a sliding window in parts, over wide heads and e4m3 caches") {
    check_decode<Bf16Decode<128>>({5, 1, 16, 2, {3, 90, 301}, 100});
    check_decode<E4m3Decode<128>>({4, 2, 16, 1, {40, 133}, 33});
    check_decode<E4m3Decode<64>>({2, 1, 64, 3, {700, 129}, 150});
}
