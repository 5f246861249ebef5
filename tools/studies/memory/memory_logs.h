// SPDX-License-Identifier: Apache-2.0
// Start-up logs of engines (results/memory/memory_logs.csv) beside what the laws of memory say of the same deployment.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "moecost/base/csv.h"
#include "moecost/base/data.h"

namespace memory_logs {

/// GiB of one GPU, as logged or as predicted; empty: not logged, or no meaning.
struct Figures {
    std::optional<double> weights, activation, other, graphs, cache, tokens;
};

struct Comparison {
    std::string id, engine, version, model, gpu;
    bool laboratory = false;   // of the laboratory whose logs fixed the constants
    bool suspect = false;      // something about the row was inferred
    Figures logged, predicted;
};

/// One row predicted, or why it cannot be.
[[nodiscard]] std::variant<Comparison, std::string> compare(const moecost::DataStore& data,
                                                            const moecost::CsvTable& table, std::size_t row);

/// |predicted / logged - 1| of one figure over rows.
struct Errors {
    std::size_t rows = 0;
    double median = 0;
    double p90 = 0;
    double worst = 0;
};
using Figure = std::optional<double> Figures::*;
template <class Keep>
[[nodiscard]] std::vector<double> errors_of(const std::vector<Comparison>& rows, Figure figure, Keep keep);
[[nodiscard]] Errors summarise(std::vector<double> errors);

template <class Keep>
std::vector<double> errors_of(const std::vector<Comparison>& rows, Figure figure, Keep keep) {
    std::vector<double> errors;
    for (const Comparison& c : rows) {
        const auto& logged = c.logged.*figure;
        const auto& predicted = c.predicted.*figure;
        if (keep(c) && logged && predicted && *logged > 0) errors.push_back(*predicted / *logged - 1);
    }
    return errors;
}

}   // namespace memory_logs
