// SPDX-License-Identifier: Apache-2.0
// One line on a terminal for what takes long: a bar, what is done, its rate, the time left.
#pragma once

#include <string>
#include <string_view>

namespace moecost::cli {

/// "\r[####    ] 50 %  1,000 points  200/s  5 s left"; blank again once all is done. `rate` 0: not known yet.
[[nodiscard]] std::string progress_line(double done, double all, double rate, std::string_view unit);

}   // namespace moecost::cli
