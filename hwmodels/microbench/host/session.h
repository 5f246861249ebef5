// SPDX-License-Identifier: Apache-2.0
// What main does with any back end: list, run with progress, report, exit code.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "host/measure.h"
#include "host/options.h"

namespace microbench {

/// The program around a back end. `choose` returns the back end that the options name, or throws: NoDevice ends with
/// 77. Errors are one line on `err`. Returns the exit code.
struct NoDevice {
    std::string reason;
};
int session(const std::vector<std::string>& arguments, const std::vector<Bench>& benches,
            const std::function<Backend(const Options&)>& choose, std::ostream& out, std::ostream& err);

}   // namespace microbench
