// SPDX-License-Identifier: Apache-2.0
// Operands of the tensor benches recomputed on the CPU, and results compared with float64 sums. Plain C++.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "kernels/index/number_format.h"
#include "kernels/index/random.h"
#include "moecost/base/parallel.h"

namespace microbench {

/// Element i of an array filled by fill_bf16 or fill_e4m3 with scale 1.
[[nodiscard]] inline double stored(bool bytes, std::uint64_t seed, std::size_t i) {
    const float x = random_uniform(seed, i);
    return static_cast<double>(bytes ? from_e4m3(to_e4m3(x)) : round_bf16(x));
}

/// A sum of products and what its rounding is relative to: the sum of their magnitudes, and, where 32 products at a time
/// are cut at a bit of the largest number among them and the sum, those largest numbers.
struct Sum {
    static constexpr int together = 32;
    double value = 0;
    double magnitude = 0;
    double largest_sum = 0;       // over complete groups: largest number of each
    double largest_squares = 0;   // and its square
    double largest = 0;           // of the open group
    int in_group = 0;
    void add(double product) {
        value += product;
        magnitude += std::abs(product);
        largest = std::max(largest, std::abs(product));
        if (++in_group == together) end_group();
    }
    void end_group() {
        largest = std::max(largest, std::abs(value));
        largest_sum += largest;
        largest_squares += largest * largest;
        largest = std::abs(value);
        in_group = 0;
    }
};

/// How tensor cores add products.
enum class Adder { single, narrow, cut };
[[nodiscard]] constexpr Adder adder_of(bool bytes, bool warpgroup) {
    if (!bytes) return Adder::single;
    return warpgroup ? Adder::cut : Adder::narrow;
}

/// What the accumulation of a sum may cost.
///   single  bfloat16: rounding of single precision, 2^-17 of the magnitudes
///   narrow  e4m3 by mma.sync, with the fewer bits some tensor cores keep: 2^-12 of the magnitudes
///   cut     e4m3 by wgmma of compute capability 9.0. 32 products and the sum so far are aligned to the largest of them
///           and cut, not rounded, 13 bits behind its leading one, and so is what they add up to (Zhao et al.,
///           arXiv:2505.09343, section 3.1). With u_g = 2^-13 times the largest number of group g:
///             sum u_g                       cuts of the sum, which all go towards zero, at most u_g each
///           + 6 sqrt(sum 32 u_g^2 / 3)      cuts of products, below u_g each, of either sign since operands are: six
///                                           standard deviations of them, each taken as uniform in [0, u_g]
[[nodiscard]] inline double accumulation_cost(Sum sum, Adder adder) {
    if (adder == Adder::single) return 0x1p-17 * sum.magnitude;
    if (adder == Adder::narrow) return 0x1p-12 * sum.magnitude;
    if (sum.in_group > 0) sum.end_group();
    return 0x1p-13 * (sum.largest_sum + 6 * std::sqrt(Sum::together / 3.0 * sum.largest_squares));
}

/// Error of `got` in units of what rounding may cost: one unit in the last place of the stored type, and `accumulation`.
[[nodiscard]] inline double error_within(double got, double want, double accumulation, bool result_bytes) {
    const double last_place = result_bytes ? 0x1p-3 * std::abs(want) + 0x1p-9 : 0x1p-7 * std::abs(want);
    const double error = std::abs(got - want) / (last_place + accumulation + 1e-30);
    return std::isnan(error) ? 1e9 : error;
}

/// `count` indices below `size` that always hold the first and the last.
[[nodiscard]] inline std::vector<std::size_t> sample(std::size_t size, std::size_t count,
                                                     std::uint64_t seed) {
    std::vector<std::size_t> chosen{0, size - 1};
    for (std::size_t i = 0; chosen.size() < count; ++i) chosen.push_back(random_bits(seed, i) % size);
    return chosen;
}

/// One query against keys and values by definition. key(t, d), value(t, d); scores are divided by sqrt(scale_dim).
/// Blocks of tokens on all cores, added in their order: operands of 131,072 tokens are recomputed element by element,
/// which one core takes longer for than the GPU for all its samples.
struct AttentionRow {
    std::vector<double> out;
    double spread = 0;   // sqrt of the sum of squared probabilities: how far independent roundings add up
};
template <class Key, class Value>
[[nodiscard]] AttentionRow attention_row(const std::vector<double>& query, std::size_t tokens,
                                         std::size_t value_dim, double scale_dim, const Key& key,
                                         const Value& value) {
    constexpr std::size_t block = 1024;
    const std::size_t blocks = (tokens + block - 1) / block;
    const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
    const auto end_of = [&](std::size_t b) { return std::min(tokens, (b + 1) * block); };
    std::vector<double> weights(tokens);
    moecost::for_each_index(blocks, threads, [&](std::size_t b) {
        for (std::size_t t = b * block; t < end_of(b); ++t) {
            double score = 0;
            for (std::size_t d = 0; d < query.size(); ++d) score += query[d] * key(t, d);
            weights[t] = score / std::sqrt(scale_dim);
        }
    });
    const double most = *std::max_element(weights.begin(), weights.end());
    double sum = 0;
    double squares = 0;
    for (double& w : weights) {
        w = std::exp(w - most);
        sum += w;
        squares += w * w;
    }
    std::vector<std::vector<double>> parts(blocks, std::vector<double>(value_dim));
    moecost::for_each_index(blocks, threads, [&](std::size_t b) {
        for (std::size_t t = b * block; t < end_of(b); ++t) {
            for (std::size_t d = 0; d < value_dim; ++d) parts[b][d] += weights[t] / sum * value(t, d);
        }
    });
    AttentionRow row{std::vector<double>(value_dim), std::sqrt(squares) / sum};
    for (const std::vector<double>& part : parts) {
        for (std::size_t d = 0; d < value_dim; ++d) row.out[d] += part[d];
    }
    return row;
}

/// Largest error of a row in units of: two units in the last place of bfloat16, and roundings of the probabilities to
/// bfloat16 (2^-9 each, values below 1), eight standard deviations of them.
[[nodiscard]] inline double attention_error(const std::vector<double>& got, const AttentionRow& want) {
    double worst = 0;
    for (std::size_t d = 0; d < got.size(); ++d) {
        const double allowed = 0x1p-7 * std::abs(want.out[d]) + 0x1p-6 * want.spread;
        const double error = std::abs(got[d] - want.out[d]) / allowed;
        worst = std::max(worst, std::isnan(error) ? 1e9 : error);
    }
    return worst;
}

}   // namespace microbench
