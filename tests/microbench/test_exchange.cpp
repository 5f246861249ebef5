// SPDX-License-Identifier: Apache-2.0
// Plans of all-to-all exchanges, carried out on the CPU, and what collectives must leave behind.
#include <doctest/doctest.h>

#include <numeric>

#include "host/exchange.h"

using namespace microbench;

namespace {

/// Receive buffers after every rank has sent by the plan.
std::vector<std::vector<double>> exchanged(const ExchangePlan& plan) {
    std::vector<std::vector<double>> received(plan.counts.size(),
                                              std::vector<double>(plan.most_received(), -1));
    for (std::size_t from = 0; from < plan.counts.size(); ++from) {
        for (std::size_t to = 0; to < plan.counts.size(); ++to) {
            for (std::size_t i = 0; i < plan.counts[from][to]; ++i) {
                double& place = received[to][plan.landing[to][from] + i];
                CHECK(place == -1);   // nobody else wrote here
                place = sent_value(static_cast<int>(from), plan.offset[from][to] + i);
            }
        }
    }
    return received;
}

}   // namespace

TEST_CASE("an even exchange sends the same to everybody") {
    const ExchangePlan plan = exchange_plan(4, 64, false);
    for (const auto& row : plan.counts) CHECK(row == std::vector<std::size_t>{16, 16, 16, 16});
    CHECK(plan.most_received() == 64);
}

TEST_CASE("a busy receiver gets half of everything") {
    const ExchangePlan plan = exchange_plan(4, 60, true);
    CHECK(plan.counts[2] == std::vector<std::size_t>{30, 10, 10, 10});
    CHECK(plan.most_received() == 120);
}

TEST_CASE("what a check expects is what an exchange leaves") {
    for (const bool busy : {false, true}) {
        for (const int ranks : {2, 4, 8}) {
            const std::size_t elements = 256;
            const ExchangePlan plan = exchange_plan(ranks, elements, busy);
            const auto received = exchanged(plan);
            const std::size_t part = elements / static_cast<std::size_t>(ranks);
            for (int r = 0; r < ranks; ++r) {
                const auto expected = expected_values("alltoall", r, ranks, part, part, plan);
                const auto& got = received[static_cast<std::size_t>(r)];
                CHECK(std::equal(expected.begin(), expected.end(), got.begin()));
            }
        }
    }
}

TEST_CASE("sums and gathers are of whole numbers that half precision holds") {
    const ExchangePlan plan = exchange_plan(2, 8, false);
    // rank 0 sends 0, 11, 22, 33, ...; rank 1 sends 37, 48, 59, 70, ...
    CHECK(expected_values("all_reduce", 0, 2, 4, 3, plan) == std::vector<double>{37, 59, 81});
    CHECK(expected_values("reduce_scatter", 1, 2, 4, 2, plan) == std::vector<double>{125, 147});
    CHECK(expected_values("all_gather", 1, 2, 4, 2, plan) == std::vector<double>{0, 11});
    double largest = 0;
    for (std::size_t i = 0; i < 1000; ++i) largest = std::max(largest, sent_value(7, i));
    CHECK(8 * largest <= 2048);   // half precision holds whole numbers up to here
}
