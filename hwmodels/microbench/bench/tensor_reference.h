// SPDX-License-Identifier: Apache-2.0
// Operands of the tensor benches recomputed on the CPU, and results compared with float64 sums. Plain C++.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/parallel.h"
#include "kernels/index/number_format.h"
#include "kernels/index/random.h"

namespace microbench {

/// Element i of an array filled by fill_bf16 or fill_e4m3 with scale 1.
[[nodiscard]] inline double stored(bool bytes, std::uint64_t seed, std::size_t i) {
    const float x = random_uniform(seed, i);
    return static_cast<double>(bytes ? from_e4m3(to_e4m3(x)) : round_bf16(x));
}

/// A sum of products and the sum of their magnitudes, which rounding of the sum is relative to.
struct Sum {
    double value = 0;
    double magnitude = 0;
    void add(double product) {
        value += product;
        magnitude += std::abs(product);
    }
};

/// Error of `got` in units of what rounding may cost: one unit in the last place of the stored type, and the
/// accumulation, in single precision for bfloat16, with the fewer bits some tensor cores keep for e4m3.
[[nodiscard]] inline double rounding_error(double got, double want, double magnitude, bool operand_bytes,
                                           bool result_bytes) {
    const double last_place = result_bytes ? 0x1p-3 * std::abs(want) + 0x1p-9 : 0x1p-7 * std::abs(want);
    const double accumulation = (operand_bytes ? 0x1p-12 : 0x1p-17) * magnitude;
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
