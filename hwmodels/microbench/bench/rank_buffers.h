// SPDX-License-Identifier: Apache-2.0
// The same buffer on each of the first devices, with what a check needs of it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace microbench {

class RankBuffers {
  public:
    /// `bytes` on each of the devices 0 to ranks - 1, filled with random bytes that differ between ranks.
    RankBuffers(int ranks, std::size_t bytes);
    [[nodiscard]] void* at(int rank) const { return pointers_[static_cast<std::size_t>(rank)]; }
    [[nodiscard]] const std::vector<void*>& all() const { return pointers_; }
    void clear() const;
    /// Element i of rank r becomes sent_value(r, i) in half precision.
    void fill_halves(std::size_t elements) const;
    /// Element i of rank r becomes bf16(random_uniform(100 + r, i)).
    void fill_bf16(std::size_t elements) const;

    [[nodiscard]] std::vector<std::uint8_t> bytes(int rank, std::size_t count) const;
    [[nodiscard]] std::vector<double> halves(int rank, std::size_t count) const;
    /// Largest error over tolerance of the first and last elements of a rank against the float64 sum of what fill_bf16
    /// put into all ranks. Tolerance: rounding to bf16 in every addition, as libraries may do.
    [[nodiscard]] double sum_error(int rank, const RankBuffers& inputs, std::size_t elements) const;

  private:
    std::vector<std::shared_ptr<std::uint8_t>> memory_;
    std::vector<void*> pointers_;
    std::size_t size_ = 0;
};

}   // namespace microbench
