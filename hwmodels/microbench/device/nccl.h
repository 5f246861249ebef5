// SPDX-License-Identifier: Apache-2.0
// NCCL in one process for all GPUs, loaded when the program runs.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "host/bench.h"

namespace microbench {

/// Version as text, "2.29.2", or "not found".
[[nodiscard]] std::string nccl_version();

enum class NcclType { half = 6, bfloat16 = 9 };

/// One communicator for each of the devices 0 to ranks - 1.
class Nccl {
  public:
    /// SkipCase where NCCL is missing or the communicators cannot be made.
    explicit Nccl(int ranks);
    [[nodiscard]] int ranks() const { return static_cast<int>(comms_.size()); }

    // Each call is enqueued for all ranks at once, rank r on streams[r]. Counts are elements.
    void all_reduce(const std::vector<void*>& send, const std::vector<void*>& receive, std::size_t count,
                    NcclType type, const std::vector<Stream>& streams) const;
    /// Every rank sends `count` and receives ranks * count.
    void all_gather(const std::vector<void*>& send, const std::vector<void*>& receive, std::size_t count,
                    NcclType type, const std::vector<Stream>& streams) const;
    /// Every rank sends ranks * count and receives `count`.
    void reduce_scatter(const std::vector<void*>& send, const std::vector<void*>& receive, std::size_t count,
                        NcclType type, const std::vector<Stream>& streams) const;
    /// counts[from][to] elements, taken from and put at offset[from][to] and landing[to][from].
    struct Exchange {
        std::vector<std::vector<std::size_t>> counts, offset, landing;
    };
    void all_to_all(const std::vector<void*>& send, const std::vector<void*>& receive,
                    const Exchange& exchange, NcclType type, std::size_t element_bytes,
                    const std::vector<Stream>& streams) const;

  private:
    struct Library;
    std::shared_ptr<const Library> library_;
    std::vector<std::shared_ptr<void>> comms_;
};

}   // namespace microbench
