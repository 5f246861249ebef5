// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/steps.h"

#include <algorithm>
#include <numeric>

#include "moecost/estimate/pools.h"
#include "moecost/timing/calibrated_hardware.h"
#include "moecost/timing/step_timer.h"

namespace moecost {
namespace {

StepBreakdown breakdown(const StepShape& shape, const StepTime& time,
                        std::vector<TimedOperation> operations) {
    StepBreakdown s{shape, time, std::move(operations), {}, {}};
    for (const TimedOperation& op : s.operations) {
        const double seconds = op.timed.total.value() * op.operation.count;
        const auto bound = static_cast<std::size_t>(op.timed.bound());
        s.spent[bound] += seconds;
        s.spent_by_class[static_cast<std::size_t>(op.operation.op_class)][bound] += seconds;
    }
    for (const OpClass unlisted : {OpClass::host, OpClass::draft_checks}) {
        const auto c = static_cast<std::size_t>(unlisted);
        s.spent_by_class[c].back() = time.by_class[c].value();
        s.spent.back() += time.by_class[c].value();
    }
    return s;
}

}   // namespace

std::size_t largest(const BoundTimes& spent) {
    return static_cast<std::size_t>(std::max_element(spent.begin(), spent.end()) - spent.begin());
}

double total(const BoundTimes& spent) { return std::accumulate(spent.begin(), spent.end(), 0.0); }

StepReport explain(const Scenario& scenario, const Serving& serving) {
    const bool apart = scenario.two_pools();
    const Pool& p = scenario.pool();
    const Pool& of_prompts = scenario.pools.front();
    const CalibratedHardware hardware = calibrated_hardware(p.cluster, p.profile, p.precision);
    const CalibratedHardware other =
        calibrated_hardware(of_prompts.cluster, of_prompts.profile, of_prompts.precision);
    StepTimer timer(scenario.architecture, p.precision, p.layout, hardware,
                    apart ? Phase::decode : phase_of(scenario.traffic.load, p.layout));
    StepTimer prompts(scenario.architecture, of_prompts.precision, of_prompts.layout, other,
                      apart ? Phase::prefill : phase_of(scenario.traffic.load, p.layout));
    if (std::holds_alternative<Offline>(scenario.traffic.load)) timer.without_streaming();
    StepReport report;
    if (serving.decode_step.decode_sequences > 0) {
        report.decode =
            breakdown(serving.decode_step, serving.decode_time, timer.explain(serving.decode_step));
    }
    if (serving.prompt_step.prefill_tokens > 0) {
        report.prompt =
            breakdown(serving.prompt_step, serving.prompt_time, prompts.explain(serving.prompt_step));
    }
    return report;
}

}   // namespace moecost
