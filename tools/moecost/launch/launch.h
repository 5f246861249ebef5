// SPDX-License-Identifier: Apache-2.0
// From a deployment to the commands that start it, and back: what `launch`, `import cmd`, `import bench` and `validate`
// share.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "moecost/estimate/description.h"
#include "moecost/measured/benchmarks.h"

namespace moecost::cli {

/// What a file of measurements or a command does not say: model, gpu, gpus, engine, layout, load.
[[nodiscard]] std::vector<Flag> run_flags();
/// The same as a point that files fill up.
[[nodiscard]] MeasuredPoint run_point(const CommandLine& line);

/// What `launch` says of a deployment, in text: its commands and the benchmark, or why there are none. Options of launch
/// on the line count.
[[nodiscard]] Answer launch_answer(const Invocation& invocation, const Description& description);

[[nodiscard]] Answer import_command(const Invocation& invocation);
[[nodiscard]] Answer import_bench(const Invocation& invocation);

/// The points of a file of a load generator, models by the names of the library where it has them; what is to be said of
/// them is added to `messages`. InputError: neither the file nor the line names model and engine.
[[nodiscard]] std::vector<MeasuredPoint> bench_points(const Invocation& invocation, const std::string& file,
                                                      std::string& messages);

}   // namespace moecost::cli
