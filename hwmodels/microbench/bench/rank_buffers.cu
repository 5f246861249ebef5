// SPDX-License-Identifier: Apache-2.0
#include "bench/rank_buffers.h"

#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>

#include "device/resources.h"
#include "host/exchange.h"
#include "kernels/index/number_format.h"
#include "kernels/index/random.h"

namespace microbench {
namespace {

std::uint64_t bf16_seed(std::size_t rank) { return 100 + rank; }

}   // namespace

RankBuffers::RankBuffers(int ranks, std::size_t bytes) : size_(bytes) {
    for (int r = 0; r < ranks; ++r) {
        const CurrentDevice current(r);
        memory_.push_back(allocate_array<std::uint8_t>(bytes));
        pointers_.push_back(memory_.back().get());
        fill_bytes(memory_.back().get(), bytes, static_cast<std::uint64_t>(r) + 1);
    }
}

void RankBuffers::clear() const {
    for (std::size_t r = 0; r < pointers_.size(); ++r) {
        const CurrentDevice current(static_cast<int>(r));
        check(cudaMemset(pointers_[r], 0, size_), "clear a buffer");
    }
}

void RankBuffers::fill_halves(std::size_t elements) const {
    constexpr std::size_t piece = std::size_t{1} << 20;   // the values repeat after 128 elements
    for (std::size_t r = 0; r < pointers_.size(); ++r) {
        const CurrentDevice current(static_cast<int>(r));
        std::vector<__half> values;
        for (std::size_t i = 0; i < std::min(piece, elements); ++i)
            values.push_back(__double2half(sent_value(static_cast<int>(r), i)));
        for (std::size_t at = 0; at < elements; at += piece) {
            values.resize(std::min(piece, elements - at));
            upload(static_cast<__half*>(pointers_[r]) + at, values);
        }
    }
}

void RankBuffers::fill_bf16(std::size_t elements) const {
    for (std::size_t r = 0; r < pointers_.size(); ++r) {
        const CurrentDevice current(static_cast<int>(r));
        microbench::fill_bf16(static_cast<__nv_bfloat16*>(pointers_[r]), elements, bf16_seed(r));
    }
}

std::vector<std::uint8_t> RankBuffers::bytes(int rank, std::size_t count) const {
    const CurrentDevice current(rank);
    return download(static_cast<const std::uint8_t*>(at(rank)), count);
}

std::vector<double> RankBuffers::halves(int rank, std::size_t count) const {
    const CurrentDevice current(rank);
    std::vector<double> values;
    for (const __half h : download(static_cast<const __half*>(at(rank)), count))
        values.push_back(static_cast<double>(__half2float(h)));
    return values;
}

double RankBuffers::sum_error(int rank, const RankBuffers& inputs, std::size_t elements) const {
    const CurrentDevice current(rank);
    const std::size_t count = std::min<std::size_t>(elements, 1024);
    double worst = 0;
    for (const std::size_t first : {std::size_t{0}, elements - count}) {
        const auto got = download(static_cast<const __nv_bfloat16*>(at(rank)) + first, count);
        for (std::size_t i = 0; i < count; ++i) {
            double sum = 0;
            double magnitude = 0;
            for (std::size_t r = 0; r < inputs.pointers_.size(); ++r) {
                const auto x = static_cast<double>(round_bf16(random_uniform(bf16_seed(r), first + i)));
                sum += x;
                magnitude += std::abs(x);
            }
            const double difference = std::abs(static_cast<double>(__bfloat162float(got[i])) - sum);
            const double tolerance = magnitude / 256 * 3 + 1e-6;
            if (!(difference <= worst * tolerance)) worst = difference / tolerance;
        }
    }
    return worst;
}

}   // namespace microbench
