// SPDX-License-Identifier: Apache-2.0
// Which part of whose buffer goes where in an all-to-all, and what a collective must leave behind.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace microbench {

/// counts[from][to] elements at offset[from][to] of the sender land at landing[to][from] of the receiver.
struct ExchangePlan {
    std::vector<std::vector<std::size_t>> counts, offset, landing;
    /// Elements that the busiest receiver gets.
    [[nodiscard]] std::size_t most_received() const;
};

/// Every rank sends `elements` in all. Even: 1/N to each. With one busy receiver: half of everything to rank 0, the
/// rest evenly to the others (a popular expert).
[[nodiscard]] ExchangePlan exchange_plan(int ranks, std::size_t elements, bool one_busy_receiver);

/// Element i that rank `rank` sends: small whole numbers, exact in half precision also when eight are added.
[[nodiscard]] double sent_value(int rank, std::size_t i);

/// The first `checked` elements that rank `rank` must find in its receive buffer after an operation of the table nccl;
/// `part` is elements / ranks, and no more than that is checked.
[[nodiscard]] std::vector<double> expected_values(std::string_view op, int rank, int ranks, std::size_t part,
                                                  std::size_t checked, const ExchangePlan& plan);

}   // namespace microbench
