// SPDX-License-Identifier: Apache-2.0
// moecost merge: the shards of one sweep become the output of the whole.
#include "moecost/sweep/merge.h"

#include <algorithm>

#include "sweep/sweep.h"

namespace moecost::cli {

namespace {

/// part-*.csv finds part-1.frontier.csv too: the frontier beside rows that are given is no part of its own.
std::vector<std::string> parts_of(const std::vector<std::string>& given) {
    std::vector<std::string> parts;
    for (const std::string& file : given) {
        const bool beside = std::any_of(given.begin(), given.end(), [&](const std::string& rows) {
            return rows != file && OutputPaths(rows).frontier == file;
        });
        if (!beside) parts.push_back(file);
    }
    return parts;
}

}   // namespace

Answer run_merge(const Invocation& invocation) {
    if (invocation.output.empty()) throw InputError({"--output"}, {}, "no output is given", "-o OUT.csv");
    refuse_format_beside_output(invocation);
    Answer answer;
    const MergeSummary summary =
        merge_sweeps(parts_of(invocation.line.positional), invocation.output, &stop_on_signals());
    if (!summary.complete) {
        answer.status = stopped_status();
        answer.messages = "moecost: interrupted; nothing is written\n";
        return answer;
    }
    if (!invocation.quiet) answer.messages = sweep_report(summary.manifest, summary.files);
    return answer;
}

}   // namespace moecost::cli
