// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <algorithm>

#include "moecost/base/format.h"
#include "text.h"

namespace moecost::cli {
namespace {

std::string seconds_left(double seconds) {
    const auto whole = static_cast<long long>(seconds + 0.5);
    std::string s;
    if (whole >= 3600) s.append(std::to_string(whole / 3600)).append(" h ");
    if (whole >= 60) s.append(std::to_string(whole / 60 % 60)).append(" min ");
    return whole >= 3600 ? s : s.append(std::to_string(whole % 60)).append(" s");
}

}   // namespace

std::string progress_line(double done, double all, double rate, std::string_view unit) {
    constexpr std::size_t width = 24;
    const double share = all > 0 ? std::min(done / all, 1.0) : 1;
    const auto filled = static_cast<std::size_t>(share * width);
    std::string line("\r[");
    line.append(filled, '#').append(width - filled, ' ').append("] ").append(percent(share)).append("  ");
    line.append(grouped(static_cast<long long>(done))).append(" ").append(unit);
    if (rate > 0) {
        line.append("  ").append(amount(rate)).append("/s  ");
        line.append(seconds_left((all - done) / rate)).append(" left");
    }
    line.append("\033[K");
    if (done >= all) line.append("\r\033[K");
    return line;
}

}   // namespace moecost::cli
