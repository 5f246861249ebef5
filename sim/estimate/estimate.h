// SPDX-License-Identifier: Apache-2.0
// The public face: describe a deployment, evaluate it.
//
//   moecost::Description d;
//   d.model = "deepseek-v3"; d.gpu = "h200"; d.engine = "sglang"; d.tp = 8;
//   d.load = moecost::LoadKind::closed_loop; d.requests = 64;
//   const moecost::Scenario s = moecost::describe(moecost::DataStore{}, d);
//   if (const auto estimate = moecost::evaluate(s)) std::cout << estimate->cost.usd_per_mtok_output;
//
// evaluate() is pure: its answer depends on the scenario alone; it may be called from any number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "moecost/base/data.h"
#include "moecost/base/expected.h"
#include "moecost/cost/cost.h"
#include "moecost/estimate/description.h"
#include "moecost/hardware/cluster.h"
#include "moecost/hardware/engine_rules.h"
#include "moecost/hardware/price.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/model/architecture.h"
#include "moecost/model/counts.h"
#include "moecost/ops/layout.h"
#include "moecost/serving/memory.h"
#include "moecost/serving/serving.h"
#include "moecost/traffic/traffic.h"

namespace moecost {

/// All that evaluate() needs, resolved and checked. `weights` derive from architecture and precision: build a Scenario
/// with describe(), or call refresh() after changing one of the two by hand.
struct Scenario {
    Architecture architecture;
    Precision precision;
    WeightBytes weights;
    Cluster cluster;
    Profile profile;
    EngineRules rules;   // of the profile's engine
    EngineSettings engine;
    Layout layout;
    Traffic traffic;
    Slo slo;
    Price price;
    double blend_input_parts = 3;
    std::vector<std::string> notes;   // what was assumed

    void refresh();
};

/// p10 to p90 of a figure, from the residuals of served points of its class; 0: no such point was measured.
struct Interval {
    double low = 0;
    double high = 0;
    [[nodiscard]] bool known() const { return high > 0; }
};

struct Estimate {
    Serving serving;   // of one instance
    MemoryPlan memory;
    Cost cost;
    Provenance provenance = Provenance::calibrated;
    bool meets_slo = true;
    Interval output_tokens_per_s, tpot_s, ttft_s, usd_per_mtok_output;
};

/// Reads and checks everything a description names. InputError names the option or the file, and what is allowed.
[[nodiscard]] Scenario describe(const DataStore& data, const Description& description);
/// The same for an architecture that is there already; the model that the description names is not read.
[[nodiscard]] Scenario describe(const DataStore& data, const Description& description,
                                Architecture architecture);

/// The member of a family that a description names, before its edits. InputError: no size, a model beside the family,
/// or a member that the family does not have, and why.
[[nodiscard]] FamilyMember describe_member(const DataStore& data, const Description& description);

/// InputError when a size or another choice of a member is given although no family is.
void refuse_member_choices(const Description& description);

/// The numbers of a description (degrees, lengths, load, engine settings, objectives, blend) onto a scenario that
/// describe() built from the same names, or which rule they break. Allocates nothing: a sweep calls it for each point.
[[nodiscard]] std::optional<Infeasible> apply_numbers(const Description& description, Scenario& scenario);

/// What the deployment delivers and costs, or why it cannot run.
[[nodiscard]] Expected<Estimate> evaluate(const Scenario& scenario);

/// The steps of an estimate operation by operation: where each millisecond goes.
struct StepReport {
    std::vector<TimedOperation> decode;
    std::vector<TimedOperation> prompt;
};
[[nodiscard]] StepReport explain(const Scenario& scenario, const Serving& serving);

/// The smallest change that makes an infeasible scenario run (fewer bits, more GPUs), as an option line such as
/// "--tp 4"; empty when none of the usual ones does.
[[nodiscard]] std::string smallest_fix(const DataStore& data, const Description& description);

}   // namespace moecost
