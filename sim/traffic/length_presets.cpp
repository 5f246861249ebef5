// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/length_presets.h"

#include <algorithm>
#include <cmath>

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

Lengths lengths_from(const Reader& r, const Traffic& traffic) {
    r.allow_only({"law", "levels", "input", "output"});
    const std::vector<double> levels = levels_of(r);
    return {
        length_from(r, "input", traffic.input, levels), length_from(r, "output", traffic.output, levels), {}};
}

Lengths load_lengths(const DataStore& data, std::string_view name) {
    return lengths_of(load_traffic(data, name));
}

namespace {

/// The shape with other means, each request's lengths by the same factors.
Lengths scaled(const Lengths& shape, double input, double output) {
    const double i = input / mean(shape.input);
    const double o = output / mean(shape.output);
    if (std::abs(i - 1) < 1e-9 && std::abs(o - 1) < 1e-9) return shape;
    Lengths l{scaled_to(shape.input, input), scaled_to(shape.output, output), shape.joint};
    for (LengthPair& p : l.joint) p = {std::max(p.input * i, 1.0), std::max(p.output * o, 1.0)};
    return l;
}

}   // namespace

Lengths lengths_of(const Traffic& t) {
    if (t.equal_lengths) return {FixedLength{t.input}, FixedLength{t.output}, {}};
    if (t.shape) return scaled(*t.shape, t.input, t.output);
    const auto spread = [](double mean) { return UniformLength{0.8 * mean / 0.9, mean / 0.9}; };
    return {spread(t.input), spread(t.output), {}};
}

}   // namespace moecost
