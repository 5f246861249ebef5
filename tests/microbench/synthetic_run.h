// SPDX-License-Identifier: Apache-2.0
// Runs of the program on a synthetic device, and the fit of what they wrote.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "host/registry.h"
#include "host/replay.h"
#include "host/session.h"
#include "moecost/base/data.h"
#include "moecost/calibrate/calibrate.h"
#include "moecost/hardware/profile/profile.h"
#include "synthetic/backend.h"

namespace microbench {

/// The constants that a synthetic device follows.
struct Truth {
    moecost::Accelerator accelerator;
    moecost::Profile profile;
};
inline constexpr const char* truth_name = "h100_sxm-vllm";
inline Truth h100_truth() {
    const moecost::DataStore data;
    return {moecost::load_accelerator(data, "h100_sxm"),
            moecost::profile_from_toml(data.open(moecost::profile_folder, truth_name, "profile"),
                                       moecost::load_law_constants(data))};
}

/// One run of the program; exit code 0 is required.
inline std::string run_program(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const auto choose = [](const Options& o) {
        return o.replay.empty() ? synthetic_backend(o) : replay_backend(o.replay);
    };
    REQUIRE_MESSAGE(session(arguments, listed_benches(), choose, out, err) == 0, err.str());
    return out.str();
}

inline moecost::Calibration fit_of(const std::string& folder) {
    moecost::CalibrateOptions o;
    o.folder = folder;
    o.gpu = "auto";
    o.engine = "microbench";
    o.threads = 2;
    return moecost::calibrate(moecost::DataStore(), o);
}

}   // namespace microbench
