// SPDX-License-Identifier: Apache-2.0
// Result files of load generators as measured points: `vllm bench serve`, sglang.bench_serving, AIPerf and genai-perf
// (JSON or CSV), GuideLLM, InferenceX (raw and aggregated); JSON objects, arrays of them, or one object a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/measured/measured.h"

namespace moecost {

/// Whether the text is a result of a load generator and no table of points.
[[nodiscard]] bool is_benchmark(std::string_view text);

/// The runs of a file. `known` holds what such files do not say (accelerator, GPUs, engine, layout, load); a layout or a
/// load other than the one a file states is an error, another engine wins and is told in `warnings` (load generators name
/// the protocol they spoke). The engine stays empty where neither says it. Lengths are means over the requests of the run; times are means,
/// TPOT = (latency - TTFT)/(output - 1). InputError names the key that is missing; without GPUs or a layout no throughput
/// per GPU is known.
[[nodiscard]] std::vector<MeasuredPoint> read_benchmark(std::string_view text, const std::string& file,
                                                        const MeasuredPoint& known,
                                                        std::vector<std::string>* warnings = nullptr);

/// The points as a table that read_points() reads.
[[nodiscard]] std::string points_csv(const std::vector<MeasuredPoint>& points);

}   // namespace moecost
