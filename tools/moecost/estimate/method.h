// SPDX-License-Identifier: Apache-2.0
// How `estimate` answers: by the closed form, by the event simulation, at the highest rate; traces and timelines.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "moecost/estimate/answer.h"
#include "moecost/traffic/trace_file.h"

namespace moecost::cli {

[[nodiscard]] std::vector<Flag> method_flags();

/// The options of a command line.
struct MethodOptions {
    AnswerOptions::By by = AnswerOptions::By::automatic;
    double requests = 20000;
    std::uint64_t seed = 1;
    std::string timeline;   // file; empty: none
    bool max_rate = false;
    bool progress = false;   // on a terminal
};
/// InputError: options that contradict each other.
[[nodiscard]] MethodOptions method_options(const Invocation& invocation);

/// Traces that were read, each once.
using Traces = std::map<std::string, std::shared_ptr<const Traffic>>;
/// Fills in what the trace of a description says: lengths and prefix reuse; rate and burstiness or, of --trace, the
/// replay itself as the load. InputError as summarise_trace().
void read_trace(Description& description, Traces& traces);

/// answer() of a scenario with these options: progress is shown, a trace is read while it is played.
[[nodiscard]] Expected<Estimate> answer_of(const Scenario& scenario, const Description& description,
                                           const MethodOptions& options);

/// Writes the timeline as CSV, whole or not at all.
void write_timeline(const std::string& file, const Simulation& simulation);
/// " --simulate --seed 3": what a reproduction needs beside the description.
[[nodiscard]] std::string method_text(const MethodOptions& options);

}   // namespace moecost::cli
