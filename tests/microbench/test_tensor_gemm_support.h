// SPDX-License-Identifier: Apache-2.0
// Grouped GEMMs of the tests: a problem, run by the emulator, against sums in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "emulation/emulator.h"
#include "kernels/tensor/grouped_gemm.h"
#include "test_tensor_support.h"

namespace tensor_test {

using namespace microbench::tensor;

struct Problem {
    std::vector<int> rows_of_expert;
    int n;
    int k;
    bool gather = false;
    int blocks = 2;
};

struct Outcome {
    emulator::Report report;
    double worst = 0;   // error over the sum of magnitudes of its products
    bool untouched = true;
};

inline double silu_exact(double x) { return x / (1 + std::exp(-x)); }

/// C of one element in double precision; magnitude receives what rounding of the sums is relative to.
template <class Shape>
double expected(const Problem& p, const Operand& a, const Operand& b, int source, int expert, int column,
                double* magnitude) {
    const std::size_t k = static_cast<std::size_t>(p.k);
    const std::size_t weight_rows = static_cast<std::size_t>(Shape::gated ? 2 * p.n : p.n);
    double sum[2] = {};
    *magnitude = 0;
    for (int half = 0; half < (Shape::gated ? 2 : 1); ++half) {
        const std::size_t row =
            static_cast<std::size_t>(expert) * weight_rows + static_cast<std::size_t>(half * p.n + column);
        for (std::size_t i = 0; i < k; ++i) {
            const double product = a[static_cast<std::size_t>(source) * k + i] * b[row * k + i];
            sum[half] += product;
            *magnitude += std::abs(product);
        }
    }
    return Shape::gated ? silu_exact(sum[0] * 0.5) * sum[1] * 0.5 : sum[0] * 0.5;
}

template <class Shape, class Kernel>
Outcome run_gemm(const Problem& p, const emulator::Options& options, Kernel kernel) {
    const int experts = static_cast<int>(p.rows_of_expert.size());
    const int rows = std::accumulate(p.rows_of_expert.begin(), p.rows_of_expert.end(), 0);
    const std::size_t k = static_cast<std::size_t>(p.k);
    const std::size_t n = static_cast<std::size_t>(p.n);
    const Operand a(static_cast<std::size_t>(rows) * k, Shape::bytes, 1);
    const Operand b(static_cast<std::size_t>(experts) * n * k * (Shape::gated ? 2 : 1), Shape::bytes, 2);
    const bool narrow = Shape::bytes && Shape::gated;
    Operand c(static_cast<std::size_t>(rows) * n + 64, narrow, 3);
    const Operand before = c;
    std::vector<int> row_prefix(static_cast<std::size_t>(experts) + 1);
    std::vector<int> tile_prefix(row_prefix.size());
    running_sums(p.rows_of_expert.data(), experts, Shape::rows, row_prefix.data(), tile_prefix.data());
    std::vector<int> source(static_cast<std::size_t>(rows));
    std::iota(source.begin(), source.end(), 0);
    if (p.gather) std::reverse(source.begin(), source.end());
    GroupedGemm g;
    g.a = a.data();
    g.b = b.data();
    g.c = c.data();
    g.source_row = p.gather ? source.data() : nullptr;
    g.row_prefix = row_prefix.data();
    g.tile_prefix = tile_prefix.data();
    g.experts = experts;
    g.n = p.n;
    g.k_bytes = p.k * static_cast<int>(a.width());
    g.scale = 0.5F;
    Outcome outcome;
    outcome.report =
        emulator::run(p.blocks, 1, 1, Shape::threads, Shape::shared_bytes, options, [&] { kernel(g); });
    for (int expert = 0; expert < experts; ++expert) {
        for (int row = row_prefix[static_cast<std::size_t>(expert)];
             row < row_prefix[static_cast<std::size_t>(expert) + 1]; ++row) {
            for (int column = 0; column < p.n; ++column) {
                double magnitude = 0;
                const double want = expected<Shape>(p, a, b, source[static_cast<std::size_t>(row)], expert,
                                                    column, &magnitude);
                const double got = c[static_cast<std::size_t>(row) * n + static_cast<std::size_t>(column)];
                // Half a unit in the last place of the output, and rounding of the sums in single precision.
                const double rounding =
                    std::abs(want) * (narrow ? 0x1p-4 + 0x1p-8 : 0x1p-8 + 0x1p-11) + (narrow ? 0x1p-10 : 0);
                const double error =
                    std::abs(got - want) / (rounding + 1e-5 * magnitude * (1 + std::abs(want)));
                outcome.worst = std::max(outcome.worst, std::isnan(error) ? 1e9 : error);
            }
        }
    }
    for (std::size_t i = 0; i < 64; ++i) {
        outcome.untouched &=
            c[static_cast<std::size_t>(rows) * n + i] == before[static_cast<std::size_t>(rows) * n + i];
    }
    return outcome;
}

}   // namespace tensor_test
