// SPDX-License-Identifier: Apache-2.0
// Causal attention multiplied by warpgroups, run as it is written by the emulator, against softmax in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/tensor_reference.h"
#include "emulation/warpgroup.h"
#include "kernels/tensor/warpgroup_prefill.h"
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
    int prefix = 0;
};

template <class Shape>
struct Prompt {
    Problem p;
    Operand q, k, v, out;

    static std::size_t elements(const Problem& p, int prefix, int heads, int dim) {
        return static_cast<std::size_t>(p.batch * (prefix + p.length) * heads * dim);
    }
    explicit Prompt(const Problem& problem)
        : p(problem),
          q(elements(p, 0, p.q_heads, Shape::query_dim), false, 1, 2),
          k(elements(p, p.prefix, p.kv_heads, Shape::query_dim), false, 2, 2),
          v(elements(p, p.prefix, p.kv_heads, Shape::value_dim), false, 3),
          out(elements(p, 0, p.q_heads, Shape::value_dim), false, 4) {}

    PrefillAttention arguments() {
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
        return a;
    }

    /// Largest error of one query of one head.
    [[nodiscard]] double error(int sequence, int query, int head) const {
        const auto dim = static_cast<std::size_t>(Shape::query_dim);
        const auto value_dim = static_cast<std::size_t>(Shape::value_dim);
        const int visible = p.window > 0 ? std::min(p.prefix + query + 1, p.window) : p.prefix + query + 1;
        const auto first =
            static_cast<std::size_t>(sequence * (p.prefix + p.length) + p.prefix + query + 1 - visible);
        const auto kv_heads = static_cast<std::size_t>(p.kv_heads);
        const auto kv_head = static_cast<std::size_t>(head / (p.q_heads / p.kv_heads));
        const auto row = static_cast<std::size_t>((sequence * p.length + query) * p.q_heads + head);
        std::vector<double> wanted(dim);
        for (std::size_t d = 0; d < dim; ++d) wanted[d] = q[row * dim + d];
        const auto want = microbench::attention_row(
            wanted, static_cast<std::size_t>(visible), value_dim, static_cast<double>(dim),
            [&](std::size_t t, std::size_t d) { return k[((first + t) * kv_heads + kv_head) * dim + d]; },
            [&](std::size_t t, std::size_t d) {
                return v[((first + t) * kv_heads + kv_head) * value_dim + d];
            });
        double worst = 0;
        for (std::size_t d = 0; d < value_dim; ++d) {
            const double e = std::abs(out[row * value_dim + d] - want.out[d]);
            worst = std::max(worst, std::isnan(e) ? 1e9 : e);
        }
        return worst;
    }
};

template <class Shape>
void check_prefill(const Problem& p) {
    // Copies and multiplications as early and as late as they may happen; warps in both orders.
    for (const bool late : {false, true}) {
        const emulator::Options options{.late_copies = !late, .backward = late, .late_multiplies = late};
        Prompt<Shape> prompt(p);
        const PrefillAttention a = prompt.arguments();
        const auto report =
            emulator::run(p.batch * p.q_heads, divide_up(p.length, Shape::queries), 1, Shape::threads,
                          Shape::shared_bytes, options, [&] { warpgroup_prefill<Shape>(a); });
        CHECK(report.error == "");
        double worst = 0;
        for (int sequence = 0; sequence < p.batch; ++sequence) {
            for (int query = 0; query < p.length; ++query) {
                for (int head = 0; head < p.q_heads; ++head)
                    worst = std::max(worst, prompt.error(sequence, query, head));
            }
        }
        // Probabilities (of sum 1) and output are rounded to bfloat16, values are at most 1.
        CHECK(worst <= 0x1p-9 + 0x1p-9);
    }
}

}   // namespace

TEST_CASE("prefill attention of warpgroups equals softmax in double precision for ragged lengths") {
    check_prefill<WarpgroupPrefill128>({1, 1, 1, 1});
    check_prefill<WarpgroupPrefill128>({1, 300, 1, 1});   // three tiles of keys: both stages filled again
    check_prefill<WarpgroupPrefill64>({2, 150, 2, 1});
}

TEST_CASE("prefill attention of warpgroups has wider queries and keys than values for expanded MLA") {
    check_prefill<WarpgroupPrefillMla>({1, 161, 1, 1});
}

TEST_CASE("prefill attention of warpgroups attends a window, and what stands before the prompt") {
    for (const int window : {1, 20, 128, 200}) {
        CAPTURE(window);
        check_prefill<WarpgroupPrefill64>({1, 300, 1, 1, window});
    }
    check_prefill<WarpgroupPrefill128>({1, 150, 1, 1, 0, 77});
    check_prefill<WarpgroupPrefill64>({2, 140, 2, 1, 40, 300});
}

TEST_CASE("the hardware reads values, rows of K, where the copies put them") {
    using Shape = WarpgroupPrefillMla;
    constexpr int base = 1024;
    const int values = base + values_at<Shape>(1);
    CHECK(values % 1024 == 0);
    for (int step = 0; step < Shape::keys / 16; ++step) {
        const auto descriptor =
            advanced(matrix_descriptor(static_cast<std::uint32_t>(values), Shape::keys * 128), step * 2048);
        // "Leading Dimension Byte Offset", MN-major: 64 columns to the next 64; stride: 8 rows of K to the next 8.
        CHECK((descriptor >> 16) % 16384 * 16 == Shape::keys * 128);
        CHECK((descriptor >> 32) % 16384 * 16 == 1024);
        const int start = static_cast<int>(descriptor % 16384) * 16;
        for (int k = 0; k < 16; ++k) {
            for (int dim = 0; dim < Shape::value_dim; ++dim) {
                const int plain =
                    start + dim / 64 * Shape::keys * 128 + k / 8 * 1024 + k % 8 * 128 + dim % 64 * 2;
                const int address = plain ^ ((plain >> 7 & 7) << 4);
                const int copied = values + dim / 64 * Shape::keys * 128 +
                                   swizzled<128>(16 * step + k, dim % 64 / 8) + dim % 8 * 2;
                CHECK(address == copied);
                CHECK(emulator::detail::address_of(emulator::detail::decode(descriptor), k, 2 * dim) ==
                      copied);
            }
        }
    }
}
