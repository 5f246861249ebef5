// SPDX-License-Identifier: Apache-2.0
#include "host/exchange.h"

#include <algorithm>
#include <numeric>

namespace microbench {
namespace {

/// Elements from a sender to each receiver.
std::vector<std::size_t> shares(std::size_t ranks, std::size_t elements, bool one_busy_receiver) {
    std::vector<std::size_t> counts(ranks, elements / ranks);
    if (one_busy_receiver) {
        const std::size_t rest = (elements - elements / 2) / std::max<std::size_t>(ranks - 1, 1);
        std::fill(counts.begin(), counts.end(), rest);
        counts[0] = elements / 2;
    }
    return counts;
}

}   // namespace

std::size_t ExchangePlan::most_received() const {
    std::size_t most = 0;
    for (std::size_t to = 0; to < counts.size(); ++to) {
        std::size_t received = 0;
        for (const auto& row : counts) received += row[to];
        most = std::max(most, received);
    }
    return most;
}

ExchangePlan exchange_plan(int ranks, std::size_t elements, bool one_busy_receiver) {
    const auto n = static_cast<std::size_t>(ranks);
    ExchangePlan plan;
    plan.counts.assign(n, shares(n, elements, one_busy_receiver));
    plan.offset.assign(n, std::vector<std::size_t>(n));
    plan.landing.assign(n, std::vector<std::size_t>(n));
    for (std::size_t a = 0; a < n; ++a) {
        const std::vector<std::size_t>& sent = plan.counts[a];
        std::exclusive_scan(sent.begin(), sent.end(), plan.offset[a].begin(), std::size_t{0});
        for (std::size_t from = 1; from < n; ++from) {
            plan.landing[a][from] = plan.landing[a][from - 1] + plan.counts[from - 1][a];
        }
    }
    return plan;
}

double sent_value(int rank, std::size_t i) {
    return static_cast<double>((static_cast<std::size_t>(rank) * 37 + i * 11) % 128);
}

std::vector<double> expected_values(std::string_view op, int rank, int ranks, std::size_t part,
                                    std::size_t checked, const ExchangePlan& plan) {
    std::vector<double> values;
    const auto r = static_cast<std::size_t>(rank);
    for (std::size_t i = 0; i < checked; ++i) {
        double v = 0;
        if (op == "all_reduce" || op == "reduce_scatter") {
            const std::size_t at = op == "all_reduce" ? i : r * part + i;
            for (int from = 0; from < ranks; ++from) v += sent_value(from, at);
        } else if (op == "all_gather") {
            v = sent_value(0, i);   // the part of rank 0 comes first
        } else {
            std::size_t from = 0;   // the sender whose elements land here
            while (from + 1 < plan.counts.size() && plan.landing[r][from + 1] <= i) ++from;
            v = sent_value(static_cast<int>(from), plan.offset[from][r] + i - plan.landing[r][from]);
        }
        values.push_back(v);
    }
    return values;
}

}   // namespace microbench
