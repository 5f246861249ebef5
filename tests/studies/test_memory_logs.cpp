// SPDX-License-Identifier: Apache-2.0
// The laws of memory against public start-up logs: results/memory/memory_logs.csv.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "memory/memory_logs.h"

using namespace memory_logs;

TEST_CASE("weights and cache are those that engines log") {
    const std::string path = MOECOST_SOURCE "/results/memory/memory_logs.csv";
    const moecost::CsvTable table(moecost::read_file(path), path);
    std::vector<Comparison> rows;
    for (std::size_t i = 0; i < table.rows(); ++i) {
        auto result = compare(moecost::DataStore(), table, i);
        if (auto* c = std::get_if<Comparison>(&result)) rows.push_back(std::move(*c));
    }
    const auto all = [](const Comparison&) { return true; };
    const Errors weights = summarise(errors_of(rows, &Figures::weights, all));
    const Errors tokens = summarise(errors_of(rows, &Figures::tokens, all));
    CHECK(rows.size() >= 60);
    CHECK(weights.median <= 0.01);
    CHECK(tokens.median <= 0.04);
    CHECK(tokens.p90 <= 0.12);
    const auto others = [](const Comparison& c) { return !c.laboratory; };   // nothing was fitted on them
    CHECK(summarise(errors_of(rows, &Figures::tokens, others)).median <= 0.04);
}

TEST_CASE("errors of five rows by hand") {
    const Errors e = summarise({0.1, -0.2, 0.05, 0.01, -0.03});
    CHECK(e.rows == 5);
    CHECK(e.median == doctest::Approx(0.05));
    CHECK(e.p90 == doctest::Approx(0.2));
    CHECK(summarise({}).rows == 0);
}
