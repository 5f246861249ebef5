// SPDX-License-Identifier: Apache-2.0
// The command line of moecost-microbench: one table of options gives parsing and --help.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace microbench {

struct Options {
    bool help = false;
    bool version = false;
    bool list = false;
    bool quick = false;
    bool full = false;
    std::string filter{};
    std::string out = "microbench-out";
    std::string replay{};      // folder of a recorded run
    std::string synthetic{};   // profile whose constants are the truth
    std::string device{};      // device.json that --list and --synthetic assume
    double noise = 0.01;       // relative, of --synthetic
    double time_limit = 0;     // seconds; 0: as run_seconds says
    double case_seconds = 0;   // 0: as longest_case says
};

/// InputError names the nearest option where one is unknown, lacks its value or has a bad one.
[[nodiscard]] Options parse_options(const std::vector<std::string>& arguments);

/// Seconds of the whole run: --time-limit, else two minutes (--quick), none (--full: 0) or ten minutes.
[[nodiscard]] double run_seconds(const Options& options);
/// Seconds of one case: --case-seconds, else shorter the shorter the run is.
[[nodiscard]] double longest_case(const Options& options);

[[nodiscard]] std::string help_text(std::string_view program);

}   // namespace microbench
