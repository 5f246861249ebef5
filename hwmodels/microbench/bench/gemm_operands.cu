// SPDX-License-Identifier: Apache-2.0
#include "bench/gemm_operands.h"

#include <algorithm>
#include <cmath>

#include "kernels/cuda.h"
#include "kernels/index/block_scale.h"
#include "kernels/index/random.h"
#include "kernels/quantize.h"

namespace microbench {
namespace {

constexpr std::uint64_t weight_seed = 11;
constexpr std::uint64_t x_seed = 12;
constexpr std::uint8_t fp4_weight_scale = 0x38;   // e4m3 of 1

/// Bytes between copies: operands stay aligned for any vector access.
std::size_t aligned(double bytes) { return (static_cast<std::size_t>(bytes) + 255) / 256 * 256; }

double element_bytes(const std::string& dtype) { return dtype == "bfloat16" ? 2 : dtype == "fp8" ? 1 : 0.5; }

}   // namespace

struct GemmData::Memory {
    std::size_t weight_step = 0, weight_scale_step = 0, x_step = 0, raw_step = 0, x_scale_step = 0,
                y_step = 0;
    std::shared_ptr<std::uint8_t> weights, weight_scales, x, raw, x_scales, y;
};

GemmData::GemmData(int m, int n, int k, const std::string& dtype, int copies)
    : m_(m), n_(n), k_(k), dtype_(dtype), memory_(std::make_shared<Memory>()) {
    Memory& memory = *memory_;
    const auto c = static_cast<std::size_t>(copies);
    const double w = element_bytes(dtype);
    const bool fp4 = dtype == "nvfp4";
    memory.weight_step = aligned(w * n * k);
    memory.raw_step = aligned(2.0 * m * k);
    memory.x_step = aligned(w * m * k);
    memory.y_step = aligned(2.0 * m * n);
    memory.weights = allocate_array<std::uint8_t>(c * memory.weight_step);
    memory.raw = allocate_array<std::uint8_t>(c * memory.raw_step);
    memory.y = allocate_array<std::uint8_t>(c * memory.y_step);
    fill_bf16(reinterpret_cast<__nv_bfloat16*>(memory.raw.get()), c * memory.raw_step / 2, x_seed);
    if (dtype == "bfloat16") {
        fill_bf16(reinterpret_cast<__nv_bfloat16*>(memory.weights.get()), c * memory.weight_step / 2,
                  weight_seed);
        return;
    }
    memory.x = allocate_array<std::uint8_t>(c * memory.x_step);
    if (fp4) {
        fill_bytes(memory.weights.get(), c * memory.weight_step, weight_seed);
        memory.weight_scale_step = aligned(static_cast<double>(scale_bytes(n, k)));
        memory.x_scale_step = aligned(static_cast<double>(scale_bytes(m, k)));
        memory.weight_scales = allocate_array<std::uint8_t>(c * memory.weight_scale_step);
        memory.x_scales = allocate_array<std::uint8_t>(c * memory.x_scale_step);
        check(cudaMemset(memory.weight_scales.get(), fp4_weight_scale, c * memory.weight_scale_step),
              "scales");
        check(cudaMemset(memory.x_scales.get(), 0, c * memory.x_scale_step), "scales");
    } else {
        fill_e4m3(memory.weights.get(), c * memory.weight_step, weight_seed);
    }
    for (int copy = 0; copy < copies; ++copy) quantize(copy, nullptr);
    wait(nullptr);
}

GemmOperands GemmData::operands(int copy) const {
    const Memory& memory = *memory_;
    const auto c = static_cast<std::size_t>(copy);
    const bool bf16 = dtype_ == "bfloat16";
    GemmOperands o;
    o.weights = memory.weights.get() + c * memory.weight_step;
    o.x = bf16 ? memory.raw.get() + c * memory.raw_step : memory.x.get() + c * memory.x_step;
    o.y = reinterpret_cast<__nv_bfloat16*>(memory.y.get() + c * memory.y_step);
    if (memory.weight_scales) {
        o.weight_scales = memory.weight_scales.get() + c * memory.weight_scale_step;
        o.x_scales = memory.x_scales.get() + c * memory.x_scale_step;
    }
    return o;
}

void GemmData::quantize(int copy, Stream stream) const {
    if (dtype_ == "bfloat16") return;
    const Memory& memory = *memory_;
    const auto c = static_cast<std::size_t>(copy);
    const auto* raw = reinterpret_cast<const __nv_bfloat16*>(memory.raw.get() + c * memory.raw_step);
    std::uint8_t* x = memory.x.get() + c * memory.x_step;
    if (dtype_ == "fp8") {
        launch_cast_e4m3(x, raw, static_cast<long long>(m_) * k_, stream);
    } else {
        launch_quantize_fp4(x, memory.x_scales.get() + c * memory.x_scale_step, raw, m_, k_, stream);
    }
}

double GemmData::weight(long long row, long long column) const {
    const auto i = static_cast<std::uint64_t>(row * k_ + column);
    if (dtype_ == "bfloat16") return static_cast<double>(round_bf16(random_uniform(weight_seed, i)));
    if (dtype_ == "fp8") return static_cast<double>(from_e4m3(to_e4m3(random_uniform(weight_seed, i))));
    const auto byte = static_cast<std::uint8_t>(random_bits(weight_seed, i / 2) >> 56);
    return static_cast<double>(from_e2m1(i % 2 == 0 ? byte & 15 : byte >> 4) * from_e4m3(fp4_weight_scale));
}

double GemmData::activation(long long row, long long column) const {
    const auto at = [&](long long j) {
        return round_bf16(random_uniform(x_seed, static_cast<std::uint64_t>(row * k_ + j)));
    };
    if (dtype_ == "bfloat16") return static_cast<double>(at(column));
    if (dtype_ == "fp8") return static_cast<double>(from_e4m3(to_e4m3(at(column))));
    float largest = 0;
    const long long first = column / fp4_block * fp4_block;
    for (long long j = first; j < first + fp4_block; ++j) largest = std::max(largest, std::abs(at(j)));
    const float scale = from_e4m3(block_scale(largest));
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    return static_cast<double>(from_e2m1(to_e2m1(at(column) * inverse)) * scale);
}

double GemmData::error() const {
    constexpr int checked = 48;
    // Sums of fp8 and fp4 tensor cores keep about 14 bits, those of bf16 are float32.
    const double accumulation = dtype_ == "bfloat16" ? 1e-5 : 1e-4;
    double worst = 0;
    for (int s = 0; s < checked; ++s) {
        const auto u = static_cast<std::uint64_t>(s);
        const long long row =
            s < 2   ? 0
            : s < 4 ? m_ - 1
                    : static_cast<long long>(random_bits(3, u) % static_cast<std::uint64_t>(m_));
        const long long column =
            s < 4 ? (s % 2 == 0 ? 0 : n_ - 1)
                  : static_cast<long long>(random_bits(4, u) % static_cast<std::uint64_t>(n_));
        double sum = 0;
        double magnitude = 0;
        for (long long j = 0; j < k_; ++j) {
            const double product = activation(row, j) * weight(column, j);
            sum += product;
            magnitude += std::abs(product);
        }
        const auto y = download(operands(0).y + row * n_ + column, 1)[0];
        const double tolerance = std::abs(sum) / 256 + magnitude * accumulation + 1e-6;
        const double difference = std::abs(static_cast<double>(__bfloat162float(y)) - sum);
        if (!(difference <= worst * tolerance)) worst = difference / tolerance;
    }
    return worst;
}

}   // namespace microbench
