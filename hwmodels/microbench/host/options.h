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
    std::string filter{};
    std::string out = "microbench-out";
    std::string replay{};      // folder of a recorded run
    std::string synthetic{};   // profile whose constants are the truth
    std::string device{};      // device.json that --list and --synthetic assume
    double noise = 0.01;       // relative, of --synthetic
    double time_limit = 0;     // seconds; 0: none
    double case_seconds = 2;
};

/// InputError names the nearest option where one is unknown, lacks its value or has a bad one.
[[nodiscard]] Options parse_options(const std::vector<std::string>& arguments);

[[nodiscard]] std::string help_text(std::string_view program);

}   // namespace microbench
