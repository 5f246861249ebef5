// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/length_presets.h"

#include <algorithm>

#include "moecost/base/data.h"

namespace moecost {
namespace {

Length length_from(const Reader& r, std::string_view key, double mean, const std::vector<double>& levels) {
    const std::string law = r.text("law");
    Length length;
    if (law == "quantiles") {
        const std::vector<double> quantiles = r.numbers(key, {0, 1e9});
        if (quantiles.size() != levels.size()) r.fail(key, "one length for each of the levels is needed");
        if (!std::is_sorted(quantiles.begin(), quantiles.end())) r.fail(key, "lengths must ascend");
        length = length_from_quantiles(levels, quantiles);
    } else if (law == "uniform") {
        const std::vector<double> range = r.numbers(key, {1, 1e9});
        if (range.size() != 2 || range[0] > range[1]) r.fail(key, "expected [lowest, highest]");
        length = UniformLength{range[0], range[1]};
    } else if (law == "lognormal") {
        length = LognormalLength{mean, r.number(key, {0, 100})};
    } else {
        r.fail("law", "is not quantiles, uniform or lognormal");
    }
    return scaled_to(length, mean);
}

std::vector<double> levels_of(const Reader& r) {
    if (r.text("law") != "quantiles") return {};
    std::vector<double> levels = r.numbers("levels", {0, 1});
    if (levels.size() < 2 || levels.front() != 0 || levels.back() != 1 ||
        !std::is_sorted(levels.begin(), levels.end()))
        r.fail("levels", "must ascend from 0 to 1");
    return levels;
}

}   // namespace

Lengths load_lengths(const DataStore& data, std::string_view name) {
    const Traffic traffic = load_traffic(data, name);
    const Document document = data.open("workloads/traffic", name, "traffic");
    const Reader r(document);
    if (!r.has("lengths")) return lengths_of(traffic);
    const Reader lengths = r.table("lengths");
    lengths.allow_only({"law", "levels", "input", "output"});
    const std::vector<double> levels = levels_of(lengths);
    return {length_from(lengths, "input", traffic.input, levels),
            length_from(lengths, "output", traffic.output, levels),
            {}};
}

Lengths lengths_of(const Traffic& t) {
    if (t.equal_lengths) return {FixedLength{t.input}, FixedLength{t.output}, {}};
    const auto spread = [](double mean) { return UniformLength{0.8 * mean / 0.9, mean / 0.9}; };
    return {spread(t.input), spread(t.output), {}};
}

}   // namespace moecost
