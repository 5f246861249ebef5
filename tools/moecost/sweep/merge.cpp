// SPDX-License-Identifier: Apache-2.0
// moecost merge: the shards of one sweep become the output of the whole.
#include "moecost/sweep/merge.h"

#include "sweep/sweep.h"

namespace moecost::cli {

Answer run_merge(const Invocation& invocation) {
    if (invocation.output.empty()) throw InputError({"--output"}, {}, "no output is given", "-o OUT.csv");
    Answer answer;
    const MergeSummary summary =
        merge_sweeps(invocation.line.positional, invocation.output, &stop_on_signals());
    if (!summary.complete) {
        answer.status = stopped_status();
        answer.messages = "moecost: interrupted; nothing is written\n";
        return answer;
    }
    if (!invocation.quiet) answer.messages = sweep_report(summary.manifest, summary.files);
    return answer;
}

}   // namespace moecost::cli
