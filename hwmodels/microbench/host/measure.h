// SPDX-License-Identifier: Apache-2.0
// Times one prepared case until its median is known well enough. Back ends differ only in where samples come from.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "host/bench.h"
#include "host/statistics.h"

namespace microbench {

/// A case that a back end has made ready.
struct Opened {
    std::function<Sample()> sample;   // one timed sample; the first ones warm up
    double error = 0;                 // largest error over its tolerance; above 1 nothing is timed
    std::string reference{};          // what it was compared with
    bool warm = false;                // operands stay in the L2 cache
};

/// Where samples come from: a device, recorded tables, or a formula with noise.
struct Backend {
    std::string name{};
    Device device{};
    std::vector<std::pair<std::string, std::string>> facts{};   // driver, runtime, versions, for device.json
    std::function<Opened(const Bench&, const Case&)> open{};    // throws SkipCase
    std::function<bool()> recover{};   // after a failure: whether the device can be used again; null: always
    std::function<double()>
        clock{};   // seconds since any origin; recorded and synthetic time where nothing runs
};

struct StoppingRule {
    int warm_up = 3;
    int least_samples = 30;
    int most_samples = 1000;
    double relative_iqr = 0.01;
    double seconds = 2;   // of one case, warm-up included
};

/// Whether enough is known: spread below the limit with enough samples, or out of samples or time.
[[nodiscard]] bool enough(const Summary& summary, double seconds, const StoppingRule& rule);

struct Measurement {
    Summary summary{};
    double error = 0;
    bool suspect = false;
    std::string code{};   // L warm cache, T throttled clock, N spread above the limit when time ran out
};

/// Samples until `enough`; throttled samples are left out. `clock` gives seconds since any origin; `stop` ends early
/// (an interrupted run). SkipCase when the result differs from its reference or nothing could be sampled.
[[nodiscard]] Measurement measure(const Opened& opened, const StoppingRule& rule,
                                  const std::function<double()>& clock, const std::function<bool()>& stop);

}   // namespace microbench
