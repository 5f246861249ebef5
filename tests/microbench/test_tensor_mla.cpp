// SPDX-License-Identifier: Apache-2.0
// Absorbed MLA decode, run as it is written by the emulator, against softmax in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "emulation/emulator.h"
#include "kernels/tensor/mla_decode.h"
#include "test_tensor_support.h"

namespace {

using namespace microbench::tensor;
using tensor_test::Operand;

struct Problem {
    int heads;
    int page_tokens;
    int parts;
    std::vector<int> context;
};

std::size_t size(int x) { return static_cast<std::size_t>(x); }

constexpr double cache_scale = 0.75;   // of all values of an e4m3 cache

/// Largest error of one head of one sequence.
double worst_error(const Problem& p, const std::vector<int>& pages, int max_pages, const Operand& q,
                   const Operand& cache, double scale, const Operand& out, int sequence, int head) {
    const int tokens = p.context[size(sequence)];
    std::vector<double> weights(size(tokens));
    auto row = [&](int token) {
        return size(pages[size(sequence * max_pages + token / p.page_tokens)] * p.page_tokens +
                    token % p.page_tokens) *
               576;
    };
    double sum = 0;
    for (int token = 0; token < tokens; ++token) {
        double score = 0;
        for (std::size_t d = 0; d < 576; ++d)
            score += q[size(sequence * p.heads + head) * 576 + d] * scale * cache[row(token) + d];
        weights[size(token)] = std::exp(score / std::sqrt(192.0));
        sum += weights[size(token)];
    }
    double worst = 0;
    for (std::size_t d = 0; d < 512; ++d) {
        double want = 0;
        for (int token = 0; token < tokens; ++token)
            want += weights[size(token)] / sum * scale * cache[row(token) + d];
        const double error = std::abs(out[size(sequence * p.heads + head) * 512 + d] - want);
        worst = std::max(worst, std::isnan(error) ? 1e9 : error);
    }
    return worst;
}

/// Copies of 16 bytes: each tile of the cache once for every block of heads, and the queries unless they are reordered.
template <class Shape>
long copies_needed(const Problem& p) {
    const long queries = Shape::bytes ? 0 : static_cast<long>(p.context.size()) * p.parts * Shape::heads * 72;
    long tiles = 0;
    for (const int tokens : p.context) tiles += divide_up(tokens, Shape::tokens);
    return divide_up(p.heads, Shape::heads) * (queries + tiles * Shape::tokens * (Shape::bytes ? 36 : 72));
}

template <class Shape>
void run_mla(const Problem& p, const emulator::Options& options) {
    const int batch = static_cast<int>(p.context.size());
    const int longest = *std::max_element(p.context.begin(), p.context.end());
    const int max_pages = divide_up(longest, p.page_tokens);
    std::vector<int> pages(size(batch * max_pages));
    for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<int>(pages.size() - 1 - i);
    const Operand q(size(batch * p.heads) * 576, false, 1, 1);
    const Operand cache(pages.size() * size(p.page_tokens) * 576, Shape::bytes, 2, 1);
    const double scale = Shape::bytes ? cache_scale : 1;
    Operand out(size(batch * p.heads) * 512, false, 3);
    std::vector<float> part_out(size(batch * p.heads * p.parts) * 512, NAN);
    std::vector<float> part_lse(size(batch * p.heads * p.parts), NAN);
    MlaDecode a;
    a.q = q.halves();
    a.cache = cache.data();
    a.pages = pages.data();
    a.context = p.context.data();
    a.out = out.halves();
    a.part_out = part_out.data();
    a.part_lse = part_lse.data();
    a.heads = p.heads;
    a.page_tokens = p.page_tokens;
    a.max_pages = max_pages;
    a.parts = p.parts;
    a.part_tokens = part_tokens_for(longest, p.parts, 64);
    a.score_scale = static_cast<float>(scale * 1.4426950408889634 / std::sqrt(192.0));
    a.value_scale = static_cast<float>(scale);
    const auto report = emulator::run(p.parts, divide_up(p.heads, Shape::heads), batch, Shape::threads,
                                      Shape::shared_bytes, options, [&] { mla_decode<Shape>(a); });
    CHECK(report.error == "");
    CHECK(report.conflicts == 0);
    CHECK(report.copies == copies_needed<Shape>(p));
    if (p.parts > 1) {
        const MergeParts merge{part_out.data(), part_lse.data(), out.halves(), p.parts};
        const auto merged =
            emulator::run(batch * p.heads, 1, 1, 512, 0, options, [&] { merge_parts<512>(merge); });
        CHECK(merged.error == "");
    }
    double worst = 0;
    for (int sequence = 0; sequence < batch; ++sequence) {
        for (int head = 0; head < p.heads; ++head) {
            worst = std::max(worst, worst_error(p, pages, max_pages, q, cache, scale, out, sequence, head));
        }
    }
    // Probabilities (of sum 1) and output are rounded to bfloat16, values are at most 1.
    CHECK(worst <= 0x1p-9 + 0x1p-9);
}

}   // namespace

TEST_CASE("absorbed MLA decode with 64 heads a block equals softmax in double precision") {
    run_mla<MlaLarge>({70, 16, 1, {1, 67}}, {true, false});
    run_mla<MlaLarge>({64, 64, 1, {130}}, {false, true});
}

TEST_CASE("absorbed MLA decode with fewer heads, in parts, some of them empty") {
    run_mla<MlaSmall>({20, 64, 3, {60, 190}}, {true, true});
    run_mla<MlaSmall>({32, 16, 1, {129}}, {false, false});
}

TEST_CASE("absorbed MLA decode with tiles of 32 tokens equals softmax in double precision") {
    run_mla<MlaA100>({16, 16, 2, {5, 100}}, {true, false});
    run_mla<MlaA100>({33, 16, 1, {70}}, {false, true});
}

TEST_CASE("absorbed MLA decode over an e4m3 cache of one scale equals softmax in double precision") {
    run_mla<MlaE4m3Large>({70, 16, 1, {1, 67}}, {true, false});
    run_mla<MlaE4m3Large>({64, 64, 2, {130, 40}}, {false, true});
    run_mla<MlaE4m3Small>({20, 64, 3, {60, 190}}, {true, true});
    run_mla<MlaE4m3Small>({32, 16, 1, {129}}, {false, false});
}
