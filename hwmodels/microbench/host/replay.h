// SPDX-License-Identifier: Apache-2.0
// The back end that replays recorded tables: the whole path of the suite runs without a GPU, and the tables of a run
// can be filtered or converted again.
#pragma once

#include <string>

#include "host/measure.h"

namespace microbench {

/// Samples of a row: spread between p10_us, latency_us and p90_us where the table has them, else latency_us alone. The
/// device is that of FOLDER/device.json. Cases without a row are skipped. SystemError without device.json.
[[nodiscard]] Backend replay_backend(const std::string& folder);

/// The i-th of a sequence of samples whose quantiles are those of the row: quantile u_i = frac(1/2 + i golden ratio)
/// of the distribution that is linear between p10, median and p90, and as steep beyond.
[[nodiscard]] double recorded_sample(double p10, double median, double p90, int i);

}   // namespace microbench
