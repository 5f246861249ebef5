// SPDX-License-Identifier: Apache-2.0
#include "host/progress.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/format.h"

namespace microbench {
namespace {

std::string time_left(double seconds) {
    if (seconds < 0) return "time left unknown";
    if (seconds < 99.5) return moecost::fixed(std::ceil(seconds), 0).append(" s left");
    return std::string("about ").append(moecost::fixed(std::round(seconds / 60), 0)).append(" min left");
}

}   // namespace

double seconds_left(const Progress& p) {
    const double until_limit = p.limit > 0 ? std::max(0.0, p.limit - p.seconds) : -1;
    if (p.done == 0) return until_limit;
    const double pace = p.seconds / static_cast<double>(p.done);
    const double left = pace * static_cast<double>(p.total - p.done);
    return until_limit >= 0 ? std::min(left, until_limit) : left;
}

std::string progress_line(const Progress& p, std::string_view current, std::size_t width) {
    constexpr std::size_t bar = 20;
    // Of the cases, or of the time where that ends first.
    const double of_cases = p.total == 0 ? 1 : static_cast<double>(p.done) / static_cast<double>(p.total);
    const double of_time = p.limit > 0 ? std::min(p.seconds / p.limit, 1.0) : 0;
    const double share = std::max(of_cases, of_time);
    const auto filled = static_cast<std::size_t>(share * bar);
    std::string line = "[";
    line.append(filled, '#').append(bar - filled, '.').append("] ");
    line.append(moecost::align_right(moecost::fixed(std::floor(share * 100), 0), 3)).append(" %  ");
    line.append(std::to_string(p.done)).append("/").append(std::to_string(p.total)).append("  ");
    if (p.done > 0 && p.seconds > 0)
        line.append(moecost::significant(static_cast<double>(p.done) / p.seconds, 2)).append("/s  ");
    line.append(time_left(seconds_left(p))).append("  ").append(current);
    return line.substr(0, width);
}

}   // namespace microbench
