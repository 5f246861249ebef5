// SPDX-License-Identifier: Apache-2.0
#include "validate_published.h"

#include <cmath>
#include <map>
#include <tuple>

#include "moecost/base/format.h"
#include "text.h"

namespace moecost::cli {
namespace {

/// Mean of |ratio - 1| over the rows that state the figure.
struct MeanError {
    double sum = 0;
    std::size_t rows = 0;
    void add(double ratio) {
        if (!(ratio > 0)) return;
        sum += std::abs(ratio - 1);
        ++rows;
    }
    [[nodiscard]] std::string cell() const {
        return align_right(rows == 0 ? "-" : fixed(100 * sum / static_cast<double>(rows), 1), 9);
    }
};

struct Combination {
    std::size_t given = 0, predicted = 0;
    MeanError throughput, tpot, ttft, tpot_p99, ttft_p99;
    void add(const Prediction& p) {
        ++predicted;
        throughput.add(p.throughput_ratio);
        tpot.add(p.tpot_ratio);
        ttft.add(p.ttft_ratio);
        tpot_p99.add(p.tpot_p99_ratio);
        ttft_p99.add(p.ttft_p99_ratio);
    }
    [[nodiscard]] std::string cells() const {
        std::string s = align_right(std::to_string(predicted), 7);
        s.append(" of ").append(align_left(std::to_string(given), 5));
        for (const MeanError& e : {throughput, tpot, ttft, tpot_p99, ttft_p99}) s.append(e.cell());
        return s.append("\n");
    }
};

using Key = std::tuple<std::string, std::string, std::string>;
Key key_of(const MeasuredPoint& p) { return {p.engine, p.model, p.gpu}; }

}   // namespace

std::string published_form(const std::vector<MeasuredPoint>& points, const Validation& v) {
    std::map<Key, Combination> rows;
    Combination all;
    for (const MeasuredPoint& p : points) {
        ++rows[key_of(p)].given;
        ++all.given;
    }
    for (const Prediction& p : v.predictions) {
        rows[key_of(p.point)].add(p);
        all.add(p);
    }
    std::string s(
        "in the form that simulators publish: mean absolute error in %, rows predicted of those read\n");
    s.append(align_left("engine", 8)).append(align_left("model", 26)).append(align_left("accelerator", 14));
    s.append(align_right("rows", 9)).append(align_left("", 7));
    for (const std::string_view title : {"output/s", "TPOT", "TTFT", "TPOT p99", "TTFT p99"})
        s.append(align_right(title, 9));
    s.append("\n").append(align_left("all", 48)).append(all.cells());
    for (const auto& [key, row] : rows) {
        const auto& [engine, model, gpu] = key;
        s.append(align_left(engine.substr(0, 7), 8)).append(align_left(model.substr(0, 25), 26));
        s.append(align_left(gpu.substr(0, 13), 14)).append(row.cells());
    }
    return s;
}

}   // namespace moecost::cli
